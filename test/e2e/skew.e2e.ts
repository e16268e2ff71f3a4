import assert from "node:assert/strict";
import { edgeImage, seedEdgeImage } from "../../local/images.ts";
import { PageLoad, type PageReport } from "./page-load.ts";
import { Program, until } from "./support.ts";

describe("the assets of a page", function () {
  this.timeout(300_000);
  let program: Program;
  let addresses: Record<"service" | "cdn", string>;

  before(async () => {
    await seedEdgeImage();
    const cdnPort = 20_000 + Math.floor(Math.random() * 10_000);
    const cdn = { cdn: true, cdnImage: edgeImage, cdnReplicas: 1, cdnPort, cdnCacheSize: "32Mi" };
    program = await Program.create({ regions: ["eu", "us", "ap"], replicas: 3, scaleDownDelaySeconds: 5, ...cdn });
    // Every release has other assets, which say whose they are.
    program.edit("app/frontend/style.css", ":root {", "/* release {{version}} */\n:root {");
    program.edit("app/frontend/tally.js", "const seconds", "// release {{version}}\nconst seconds");
    // One region's edge is enough to see what an edge does.
    program.edit("config-args.ts", "config.regions.map(", "config.regions.slice(0, 1).map(");
    await program.up();
    const [location] = JSON.parse(await program.pulumi("stack", "output", "cdnLocations", "--json")) as {
      url: string;
    }[];
    addresses = { service: await program.output("url"), cdn: location!.url };
  });
  after(() => program.remove());

  /** A release while pages are loaded from the service and from the CDN's edge, and for a moment after it. */
  async function release(version: string, ...options: string[]): Promise<Record<"service" | "cdn", PageReport>> {
    const loads = { service: new PageLoad(addresses.service), cdn: new PageLoad(addresses.cdn, 2) };
    const all = Object.values(loads);
    try {
      await until("pages of the release before", async () => all.every((load) => load.report().pages > 10));
      const { code, output } = await program.command("commands/release.ts", version, ...options);
      assert.equal(code, 0, output);
      await until("pages of the new release", async () =>
        all.every((load) => (load.report().versions[version] ?? 0) > 20),
      );
    } finally {
      await Promise.all(all.map((load) => load.stop()));
    }
    return { service: await loads.service.stop(), cdn: await loads.cdn.stop() };
  }

  it("are missing while there are two releases and nothing is done about it, which this measure sees", async () => {
    const { service } = await release("v0.0.2");
    assert.ok((service.missing["asset: HTTP 404"] ?? 0) > 0, JSON.stringify(service));
    assert.deepEqual(Object.keys(service.missing), ["asset: HTTP 404"]);
  });

  const kinds: [string, string, string[]][] = [
    ["rolling", "v0.0.3", []],
    ["blue/green", "v0.0.4", ["--kind", "blueGreen", "--keep", "0"]],
    ["canary", "v0.0.5", ["--kind", "canary", "--steps", "34:2,67:2"]],
  ];
  for (const [kind, version, options] of kinds) {
    it(`are those of the page's release, also in tabs that are older than a ${kind} release, also from the edge`, async () => {
      if (version === "v0.0.3") {
        await program.pulumi("config", "set", "assetStore", "true");
        await program.up();
      }
      for (const [address, report] of Object.entries(await release(version, ...options))) {
        const { missing, mixed, versions, oldTabAssets } = report;
        assert.deepEqual({ missing, mixed }, { missing: {}, mixed: 0 }, address);
        assert.equal(Object.keys(versions).length, 2, address);
        assert.ok(oldTabAssets > 20, `${address}: ${oldTabAssets}`);
      }
    });
  }
});
