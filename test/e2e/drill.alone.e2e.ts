import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { edgeImage, seedEdgeImage } from "../../local/images.ts";
import { registry } from "../../local/paths.ts";
import { kubectl, Program, until } from "./support.ts";

describe("npm run drill", function () {
  this.timeout(300_000);
  let program: Program;

  before(async () => {
    await seedEdgeImage();
    const cdn = { cdn: true, cdnImage: edgeImage, cdnReplicas: 1, cdnCacheSize: "32Mi" };
    const cdnPort = 20_000 + Math.floor(Math.random() * 10_000);
    program = await Program.create({
      regions: ["eu", "us", "ap"],
      replicas: 3,
      scaleDownDelaySeconds: 5,
      ...cdn,
      cdnPort,
    });
    await program.up();
  });
  after(() => program.remove());

  interface Written {
    readonly requests: number;
    readonly failed: number;
    readonly marks: readonly { readonly text: string }[];
    readonly seconds: readonly { readonly caches: Readonly<Record<string, number>> }[];
    readonly events: readonly { readonly reason: string; readonly object: string }[];
  }

  /** Runs a drill to its end: what it prints and what it writes. */
  async function drill(name: string, ...args: string[]): Promise<Written & { code: number | null; output: string }> {
    const { code, output } = await program.command("commands/drill.ts", "--headless", ...args);
    assert.ok(code === 0 || code === 1, output);
    const read = (type: string): string => readFileSync(join(program.folder, "out", `drill-${name}.${type}`), "utf8");
    assert.match(read("svg"), /^<svg /);
    assert.equal(existsSync(join(program.folder, "out", "drill-undo.json")), false);
    return { code, output, ...(JSON.parse(read("json")) as Written) };
  }

  const texts = ({ marks }: Written): string[] => marks.map(({ text }) => text);

  /** Starts a drill and waits until it has said something. */
  async function begin(words: RegExp, ...args: string[]) {
    const running = program.startCommand("commands/drill.ts", "--headless", ...args);
    await until(`${words} of drill ${args.join(" ")}`, async () => words.test(running.output));
    return running;
  }

  it("puts back what a drill that was killed has broken, deletes a replica, and loses no request", async () => {
    const killed = await begin(/it is gone/, "control-plane", "--outage", "300");
    await assert.rejects(kubectl("get", "nodes", "--request-timeout=2s"));
    killed.signal("SIGKILL");
    await killed.result;
    const written = await drill("pod", "pod");
    const { code, output, failed, requests, events } = written;
    assert.match(output, /^An earlier drill has not come to its end; put back: the control-plane runs\.$/m);
    assert.match(texts(written)[0] ?? "", /^pod hello-\S+ is deleted$/);
    assert.equal(texts(written)[1], "3 of 3 replicas are ready, and the old one has ended");
    assert.deepEqual([code, failed], [0, 0]);
    assert.match(output, /^requests per second by region: █ ap {3}▒ eu {3}▓ us$/m);
    assert.match(output, new RegExp(`^${requests} requests, none failed; as before after [\\d.]+ s\\.`, "m"));
    assert.ok(events.some(({ reason, object }) => reason === "Killing" && object.startsWith("Pod/hello-")));
  });

  it("releases the next version, and shows how it takes over without a failed request", async () => {
    const written = await drill("release-blueGreen", "release", "blueGreen");
    assert.deepEqual([written.code, written.failed], [0, 0], written.output);
    assert.deepEqual(texts(written), [
      "pulumi up begins",
      "v0.0.2 answers for the first time",
      "pulumi up has ended",
      "only v0.0.2 answers",
    ]);
    assert.match(written.output, /^requests per second by version: █ v0\.0\.1 {3}▒ v0\.0\.2$/m);
  });

  it("loses the control plane, and no request", async () => {
    const written = await drill("control-plane", "control-plane", "--outage", "1");
    assert.deepEqual([written.code, written.failed], [0, 0], written.output);
    assert.equal(texts(written).at(-1), "all nodes are ready, and 3 of 3 replicas");
  });

  it("empties a node and uses it again, without a failed request", async () => {
    const written = await drill("node", "node", "us");
    assert.deepEqual([written.code, written.failed], [0, 0], written.output);
    assert.equal(texts(written).at(-1), "3 of 3 replicas are ready, 1 of them on us");
    assert.equal(await kubectl("get", "node", "us", "-o", "jsonpath={.spec.unschedulable}"), "");
  });

  it("takes the app away behind the CDN, which answers every request from what it has kept", async () => {
    const written = await drill("origin", "origin", "--outage", "6");
    assert.deepEqual([written.code, written.failed], [0, 0], written.output);
    assert.match(texts(written)[1] ?? "", /^the app itself no longer answers \(.+\), the CDN does$/);
    assert.ok(written.seconds.some(({ caches }) => (caches["stale"] ?? 0) > 50 && (caches["fresh"] ?? 0) === 0));
    // Not those of smoke tests.
    const pods = ["get", "pods", "-l", "app.kubernetes.io/name=hello", "-o", "name"];
    await until("as many replicas as before", async () => {
      return (await kubectl("-n", program.namespace, ...pods)).split("\n").filter(Boolean).length === 3;
    });
  });

  it("cuts the power of a region, and shows that it answers again", async () => {
    const written = await drill("region", "region", "AP", "--outage", "1");
    assert.deepEqual(texts(written), [
      "the region ap loses its power",
      "the region ap has its power back",
      "the region ap answers again",
    ]);
  });

  it("puts back what it has broken when it is interrupted", async () => {
    const running = await begin(/the registry is gone/, "registry", "--outage", "300");
    await assert.rejects(fetch(`http://${registry}/v2/`));
    running.signal("SIGINT");
    const { code, output } = await running.result;
    assert.equal(code, 130);
    assert.match(output, /^put back: the registry runs$/m);
    assert.match(output, /^error: interrupted; all is as before\.$/m);
    assert.equal((await fetch(`http://${registry}/v2/`)).status, 200);
  });
});
