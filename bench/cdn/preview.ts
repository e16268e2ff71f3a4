/** What a `Cdn` of so many regions costs a preview, with mocks in the place of engine and cluster: for `bench/cdn.ts`. */
import { Cdn } from "../../components/cdn.ts";
import { all, useMocks } from "../../test/mocks.ts";

const count = Number(process.argv[2]);
await useMocks({ preview: true });
const started = performance.now();
new Cdn("meridian", {
  origin: "http://hello.shop.svc:8888",
  namespace: "shop",
  regions: Array.from({ length: count }, (_, index) => ({ name: `r${index}` })),
  shield: "r0",
});
const resources = (await all()).length;
const seconds = (performance.now() - started) / 1000;
console.log(JSON.stringify({ count, resources, seconds, megabytes: process.resourceUsage().maxRSS / 1024 }));
