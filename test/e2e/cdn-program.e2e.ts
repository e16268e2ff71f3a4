import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import type { NameServer } from "../../components/index.ts";
import { run } from "../../local/exec.ts";
import { coreDnsImage, edgeImage, seedEdgeImage } from "../../local/images.ts";
import { ask } from "./cdn-site.ts";
import { nameServers } from "./dns-clients.ts";
import { Program, until } from "./support.ts";

const regions = ["eu", "us", "ap"];

describe("the program with a CDN", function () {
  this.timeout(300_000);
  let program: Program;
  let locations: { name: string; url: string }[];
  const cdnDns = {
    policy: "nearest",
    hostname: "www.example.com",
    latency: { eu: { us: 90, ap: 160 }, us: { ap: 150 } },
    clients: { ap: ["0.0.0.0/0"] },
    serverRegions: ["us"],
  };
  const edges = { cdnImage: edgeImage, cdnReplicas: 1, cdnShield: "eu", cdnCacheSize: "32Mi" };
  const config = { regions, cdn: true, ...edges, cdnDns, cdnDnsImage: coreDnsImage };

  before(async () => {
    await seedEdgeImage();
    const cdnPort = 20_000 + Math.floor(Math.random() * 10_000);
    program = await Program.create({ ...config, cdnPort });
    await program.up();
    locations = JSON.parse(await program.pulumi("stack", "output", "cdnLocations", "--json")) as typeof locations;
  });
  after(() => program.remove());

  const page = async (url: string) => ask(url, { headers: { Accept: "text/html", "Accept-Encoding": "br" } });
  /** `npm run cdn` in the stack's folder. */
  const cdn = (...args: string[]): Promise<string> => {
    const env = {
      ...process.env,
      PULUMI_BACKEND_URL: `file://${dirname(program.folder)}`,
      PULUMI_CONFIG_PASSPHRASE: "e2e",
    };
    delete (env as Record<string, string | undefined>)["PULUMI_CONFIG_PASSPHRASE_FILE"];
    return run(process.execPath, ["--no-warnings", "commands/cdn.ts", "--stack", "e2e", ...args], {
      cwd: program.folder,
      env,
    });
  };

  it("serves the app's page and its assets in each region from the region's cache", async () => {
    for (const { name, url } of locations) {
      await page(url);
      const { headers, body } = await page(url);
      assert.match(String(headers["cache-status"]), new RegExp(`meridian-${name}; hit`));
      assert.equal(headers["content-encoding"], "br");
      assert.match(String(headers["content-type"]), /^text\/html/);
      assert.ok(body.length > 100);
      const html = (await ask(url, { headers: { Accept: "text/html" } })).body;
      const asset = new URL(/assets\/[\w.-]+\.js/.exec(html)![0], url).href;
      await ask(asset);
      const again = await ask(asset);
      assert.match(String(again.headers["cache-status"]), /; hit; ttl=3153\d+$/);
      assert.match(String(again.headers["cache-control"]), /immutable/);
    }
  });

  it("is found by one name, whose server sends each client to its region", async () => {
    const servers = JSON.parse(await program.pulumi("stack", "output", "cdnNameServers", "--json")) as NameServer[];
    assert.deepEqual(
      servers.map(({ region }) => region),
      ["us"],
    );
    const resolver = new Resolver({ timeout: 2000, tries: 1 });
    resolver.setServers([...(await nameServers(program.namespace)).values()]);
    // A name server is ready as soon as it has a zone, and begins with it a moment later.
    let answer: string[] = [];
    await until("an answer", async () => (answer = await resolver.resolve4(cdnDns.hostname)).length > 0);
    assert.deepEqual(answer, [new URL(locations[2]!.url).hostname]);
  });

  it("has nothing to change in a second preview", async () => {
    await program.pulumi("preview", "--expect-no-changes");
  });

  it("does not keep what says that it must not be kept", async () => {
    const outcomes = new Set<string>();
    for (let i = 0; i < 5; i++) {
      outcomes.add(String((await ask(`${locations[0]!.url}/api`)).headers["cache-status"]));
    }
    assert.deepEqual([...outcomes], ["meridian-eu; fwd=uri-miss; fwd-status=200"]);
  });

  it("shows the regions, and purges them, by a command", async () => {
    const table = await cdn("status");
    assert.match(table, /^Region +Edges +Requests +From cache/);
    for (const region of regions) assert.match(table, new RegExp(`^${region} +1/1 .* serving$`, "m"));
    assert.match(await cdn("purge", "/"), /^Forgotten in all 3 regions: \/\n {2}eu {2}✓ 1 of 1 edges in \d\.\d\d s\n/);
    assert.doesNotMatch(String((await page(locations[1]!.url)).headers["cache-status"]), /us; hit/);
    await assert.rejects(cdn("purge"), /purge takes one or more paths/);
  });

  it("switches its pages with a release", async () => {
    program.edit("Pulumi.e2e.yaml", "config:", "config:\n  meridian:version: v0.0.2");
    let isOver = false;
    const seen: { at: number; versions: string[] }[] = [];
    const watch = (async () => {
      while (!isOver) {
        const answers = await Promise.all(locations.map(({ url }) => page(url)));
        assert.ok(answers.every(({ status }) => status === 200));
        seen.push({ at: performance.now(), versions: answers.map(({ headers }) => String(headers["x-version"])) });
        await pause(50);
      }
    })();
    try {
      await program.up();
      const done = performance.now();
      await pause(3000);
      const late = seen.filter(
        ({ at, versions }) => at > done + 1500 && versions.some((version) => version !== "v0.0.2"),
      );
      assert.deepEqual(late, []);
      const lastOld = seen.findLast(({ versions }) => versions.includes("v0.0.1"))!.at;
      console.log(
        `      last old page ${((lastOld - done) / 1000).toFixed(2)} s after the update, ${seen.length} rounds`,
      );
    } finally {
      isOver = true;
      await watch;
    }
  });
});
