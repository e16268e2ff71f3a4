import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

import { run } from "../../local/exec.ts";
import { coreDnsImage } from "../../local/images.ts";
import { network, repository } from "../../local/paths.ts";
import { CdnSite, Origin } from "./cdn-site.ts";
import { addClientAddresses, clientAddress, DnsClient, nameServers, removeClientAddresses } from "./dns-clients.ts";
import { until } from "./support.ts";

const regions = ["eu", "us", "ap"];
const hostname = "shop.example";
const port = 18_480;

describe("the name servers of a CDN", function () {
  this.timeout(240_000);
  const origin = new Origin();
  const site = new CdnSite();
  let clients: DnsClient[];
  let servers: ReadonlyMap<string, string>;

  before(async () => {
    await origin.start();
    await addClientAddresses(regions.length);
    await site.up({
      origin: origin.url,
      regions: regions.map((name) => ({ name, replicas: 1, cacheSize: "32Mi" })),
      port,
      dns: {
        policy: "nearest",
        hostname,
        latency: { eu: { us: 90, ap: 160 }, us: { ap: 150 } },
        clients: Object.fromEntries(regions.map((name, index) => [name, [`${clientAddress(index)}/32`]])),
        image: coreDnsImage,
        service: { type: "ClusterIP" },
      },
    });
    servers = await nameServers(site.namespace);
    clients = regions.map((region, index) => {
      const order = [region, ...regions.filter((other) => other !== region)];
      return new DnsClient(
        region,
        clientAddress(index),
        order.map((name) => servers.get(name)!),
      );
    });
  });
  after(async () => {
    await run(process.execPath, ["local/bootstrap.mjs", "cluster", "up"], { cwd: repository });
    await site.remove();
    await removeClientAddresses(regions.length);
    await origin.stop();
  });

  const addressOf = (region: string): string => new URL(site.url(region)).hostname;
  const sentTo = async (client: DnsClient): Promise<string[]> =>
    (await client.resolve(hostname)).map(({ address }) => address);
  const kit = (...command: string[]): Promise<string> =>
    run(process.execPath, ["local/bootstrap.mjs", "cluster", "region", ...command], { cwd: repository });

  it("send the clients of each region to that region, and others to the first", async () => {
    for (const client of clients) assert.deepEqual(await sentTo(client), [addressOf(client.region)], client.region);
    const stranger = new DnsClient("nowhere", network.host, [...servers.values()]);
    assert.deepEqual(await sentTo(stranger), [addressOf("eu")]);
    assert.equal(site.nameServers.length, regions.length);
  });

  it("do not count a region as lost because the origin is", async () => {
    await origin.stop();
    try {
      // Longer than it takes to lose a region.
      await pause(3000);
      for (const client of clients) assert.deepEqual(await sentTo(client), [addressOf(client.region)]);
    } finally {
      await origin.start();
    }
  });

  it("send clients to the next nearest region within 5 s when theirs is lost, and back", async () => {
    const path = origin.serve({ "Cache-Control": "max-age=600" });
    let isOver = false;
    const journeys = Promise.all(clients.map((client) => client.travel(hostname, port, path, () => isOver)));
    await pause(1000);
    await kit("stop", "ap");
    try {
      await until(
        "clients of ap to be sent to us",
        async () => {
          return (await sentTo(clients[2]!))[0] === addressOf("us");
        },
        { seconds: 20 },
      );
      await pause(3000);
    } finally {
      isOver = true;
      await kit("start", "ap");
    }
    const [eu, us, ap] = await journeys;
    assert.deepEqual([eu!.failures, us!.failures], [[], []]);
    assert.deepEqual(
      ap!.visits.map(({ address }) => address),
      [addressOf("ap"), addressOf("us")],
    );
    const lost = ap!.failures.length;
    assert.ok(lost > 0, "the region was lost under load");
    const seconds = (ap!.visits[1]!.at - ap!.failures[0]!.at) / 1000;
    console.log(
      `      served again ${seconds.toFixed(1)} s after the first failure, ${lost} of ${ap!.answered + lost} lost`,
    );
    assert.ok(seconds < 5, `served again after ${seconds} s`);
    await until("clients of ap to be back", async () => (await sentTo(clients[2]!))[0] === addressOf("ap"), {
      seconds: 60,
    });
  });
});
