import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Program } from "./support.ts";

describe("npm run drill", function () {
  this.timeout(300_000);
  let program: Program;
  let place: string[];

  before(async () => {
    program = await Program.create({ regions: ["eu", "us", "ap"], replicas: 3, scaleDownDelaySeconds: 5 });
    await program.up();
    place = ["--headless", "--url", await program.output("url"), "--namespace", program.namespace];
  });
  after(() => program.remove());

  /** Runs a drill that must lose nothing: what it prints and what it writes. */
  async function drill(name: string, ...args: string[]) {
    const { code, output } = await program.command("commands/drill.ts", ...place, ...args);
    assert.equal(code, 0, output);
    const read = (type: string): string => readFileSync(join(program.folder, "out", `drill-${name}.${type}`), "utf8");
    assert.match(read("svg"), /^<svg /);
    return { output, ...(JSON.parse(read("json")) as { requests: number; failed: number; marks: { text: string }[] }) };
  }

  it("deletes a replica, and shows that another one takes its place without a failed request", async () => {
    const { output, marks, requests, failed } = await drill("pod", "pod");
    assert.match(marks[0]?.text ?? "", /^pod hello-\S+ is deleted$/);
    assert.equal(marks[1]?.text, "3 of 3 replicas are ready, and the old one has ended");
    assert.equal(failed, 0);
    assert.match(output, /^requests per second by region: {3}█ ap {3}▒ eu {3}▓ us$/m);
    assert.match(output, new RegExp(`^${requests} requests, none failed; as before after [\\d.]+ s\\.`, "m"));
  });

  it("releases the next version, and shows how it takes over without a failed request", async () => {
    const { output, marks } = await drill("release-blueGreen", "release", "blueGreen");
    assert.deepEqual(
      marks.map(({ text }) => text),
      ["pulumi up begins", "v0.0.2 answers for the first time", "pulumi up has ended", "only v0.0.2 answers"],
    );
    assert.match(output, /^requests per second by version: {3}█ v0\.0\.1 {3}▒ v0\.0\.2$/m);
  });
});
