import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { edgeImage, seedEdgeImage } from "../../local/images.ts";
import { repository } from "../../local/paths.ts";
import { countsIn, launch, open, tallyOf } from "./browser.ts";
import { kubectl, Program, until } from "./support.ts";

const regions = ["eu", "us", "ap"];
const pictures = join(repository, "out", "page");

interface Metadata {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
}

describe("the page and what is monitored, on a cluster", function () {
  this.timeout(300_000);
  let program: Program;
  let browser: Browser;
  let url: string;
  let edgeUrl: string;

  before(async () => {
    await seedEdgeImage();
    const cdnPort = 20_000 + Math.floor(Math.random() * 10_000);
    const cdn = { cdn: true, cdnImage: edgeImage, cdnReplicas: 1, cdnCacheSize: "32Mi", cdnPort };
    program = await Program.create({ regions, ...cdn, monitoring: "annotations" });
    await program.up();
    url = await program.output("url");
    const locations = await program.pulumi("stack", "output", "cdnLocations", "--json");
    edgeUrl = (JSON.parse(locations) as { url: string }[])[0]!.url;
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await program?.remove();
  });

  it("turns v0.0.1 into v0.0.2 before the eyes of whoever has the page open, and no request fails", async () => {
    const { page, complaints, hosts } = await open(browser, url);
    await page.getByText("Ready. Send a request").waitFor();
    await page.getByRole("button", { name: "Send steadily" }).focus();
    await page.keyboard.press("Space");
    await until("each replica to answer", async () => (await countsIn(page, "#replicas")).length === 3);
    await until("a version", async () => (await page.locator("#versions li").count()) === 1);

    program.edit("Pulumi.e2e.yaml", "config:", "config:\n  meridian:version: v0.0.2");
    const underWay = page.getByText("Release under way: v0.0.1 → v0.0.2").waitFor({ timeout: 120_000 });
    await Promise.all([program.up(), underWay]);
    await page.getByText("All answers come from v0.0.2.").waitFor();
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: join(pictures, "release.png"), fullPage: true });

    await page.keyboard.press("Space");
    await page.getByText("Stopped.").waitFor();
    await until("the last outcome", async () => {
      const { sent, answered, failed } = await tallyOf(page);
      return sent === answered + failed;
    });
    const { sent, failed, sums } = await tallyOf(page);
    assert.deepEqual([failed, sums], [0, [sent, sent]], (await page.locator("#failures").textContent()) ?? "");
    assert.deepEqual((await page.locator("#versions b").allTextContents()).sort(), ["v0.0.1", "v0.0.2"]);
    assert.equal(await page.locator("#cache").textContent(), "none on the way");
    assert.deepEqual([complaints, [...hosts]], [[], [new URL(url).host]]);
  });

  it("says at an edge what its cache did", async () => {
    const { page, complaints, hosts } = await open(browser, edgeUrl);
    await page.selectOption("#what", "page");
    await page.getByRole("button", { name: "Send 100" }).click();
    await page.locator("#caches", { hasText: "meridian-eu: hit" }).waitFor();
    await page.selectOption("#what", "answer");
    await page.getByRole("button", { name: "Send 1", exact: true }).click();
    await page.locator("#cache", { hasText: /^meridian-eu; fwd=uri-miss/ }).waitFor();
    assert.deepEqual([complaints, [...hosts]], [[], [new URL(edgeUrl).host]]);
  });

  it("logs a request under one id at the edge and at the replica, a JSON object a line each", async () => {
    const id = randomUUID();
    const answer = await fetch(`${edgeUrl}/api`, { headers: { "X-Request-Id": id } });
    assert.equal(answer.headers.get("x-request-id"), id);
    const logged = async (label: string): Promise<Record<string, unknown>[]> => {
      const lines = await kubectl("-n", program.namespace, "logs", "-l", label, "--tail=-1", "--prefix=false");
      return lines
        .split("\n")
        .filter((line) => line.includes(id))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    };
    await until("the edge's line", async () => (await logged("app.kubernetes.io/part-of=meridian")).length > 0);
    const [edge, ...edges] = await logged("app.kubernetes.io/part-of=meridian");
    const [replica, ...replicas] = await logged("app.kubernetes.io/name=hello");
    assert.deepEqual([edges, replicas], [[], []]);
    for (const line of [edge!, replica!]) {
      const { msg, method, path, status, requestId } = line;
      assert.deepEqual([msg, method, path, status, requestId], ["request", "GET", "/api", 200, id]);
      assert.ok(Number(line["durationMs"]) < 60_000 && typeof line["durationMs"] === "number");
      assert.ok(!Number.isNaN(Date.parse(String(line["time"]))));
    }
    assert.equal(edge!["region"], "eu");
    assert.ok(regions.includes(String(replica!["region"])));
  });

  it("exports each metric that the Grafana dashboard in the cluster asks for", async () => {
    const scraped = async (label: string): Promise<string> => {
      const json = await kubectl("-n", program.namespace, "get", "pods", "-l", label, "-o", "json");
      const { items } = JSON.parse(json) as { items: { metadata: Metadata }[] };
      // Those of the release before may still be there, and end.
      const { name, annotations } = items.find(({ metadata }) => metadata.deletionTimestamp === undefined)!.metadata;
      assert.equal(annotations["prometheus.io/scrape"], "true");
      const [port, path] = ["port", "path"].map((key) => annotations[`prometheus.io/${key}`]);
      return kubectl("get", "--raw", `/api/v1/namespaces/${program.namespace}/pods/${name}:${port}/proxy${path}`);
    };
    const metrics =
      (await scraped("app.kubernetes.io/name=hello")) + (await scraped("app.kubernetes.io/part-of=meridian"));
    const exported = new Set([...metrics.matchAll(/^(\w+)(?:\{| )/gm)].map(([, name]) => name));
    const args = ["get", "configmaps", "-l", "grafana_dashboard=1", "-o", "jsonpath={.items[0].data.hello\\.json}"];
    const dashboard = await kubectl("-n", program.namespace, ...args);
    const asked = new Set(dashboard.match(/\b(http|edge|app|process)_\w+/g));
    assert.deepEqual(
      [...asked].filter((name) => !exported.has(name)),
      [],
    );
    assert.ok(asked.size >= 6);
  });
});
