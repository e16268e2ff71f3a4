import assert from "node:assert/strict";
import { configCommands } from "../../commands/release.ts";
import { SteadyLoad } from "../../commands/steady-load.ts";
import { kubectl, Program, until } from "./support.ts";

describe("npm run release with a canary", function () {
  this.timeout(300_000);
  let program: Program;
  let load: SteadyLoad;

  const canary = (...args: string[]) => program.command("commands/release.ts", ...args, "--steps", "34:3,67:3");
  /** How many replicas there are of each version. */
  const replicas = async (): Promise<Record<string, number>> => {
    const path =
      '{range .items[*]}{.spec.template.metadata.labels.app\\.kubernetes\\.io/version}={.spec.replicas}{"\\n"}{end}';
    const lines = (await kubectl("-n", program.namespace, "get", "deployments", "-o", `jsonpath=${path}`))
      .trim()
      .split("\n");
    return Object.fromEntries(lines.map((line) => [line.split("=")[0], Number(line.split("=")[1])]));
  };

  before(async () => {
    program = await Program.create({ regions: ["eu", "us", "ap"], replicas: 3, release: "canary" });
    await program.up();
    load = new SteadyLoad({ url: await program.output("url"), freshPerSecond: 60, keepAlivePerSecond: 60 });
  });
  after(async () => {
    await load.stop();
    await program.remove();
  });

  it("gives a release that does well one share after the other, and loses no request", async () => {
    const { code, output } = await canary("v0.0.2");
    assert.equal(code, 0, output);
    assert.match(
      output,
      /✓ v0\.0\.2 at 34 %: 0 of \d+ requests failed \(0\.0 %, at most 1 %\), p99 is at most [\d.]+ ms/,
    );
    assert.match(output, /✓ v0\.0\.2 at 67 %: 0 of \d+ requests failed/);
    assert.deepEqual(await replicas(), { "v0.0.2": 3 });
    const { failed, failures, backwards } = load.report();
    assert.deepEqual({ failed, failures }, { failed: 0, failures: {} });
    assert.equal(backwards.keepAlive, 0);
  });

  it("is taken up again after `kill -9` in the middle of a step, goes back when told so, and loses no request", async () => {
    const previous = [{ version: "v0.0.2", image: await program.output("imageRef") }];
    for (const args of configCommands({ version: "v0.0.3", image: "", previous, weight: 34 })) {
      await program.pulumi(...args);
    }
    const update = program.start("up", "--yes", "--skip-preview");
    // The canary's Deployment has been created, and Pulumi waits for it before the others make room.
    await until("a pod of the canary", async () =>
      (await program.list("pods", ".metadata.labels.app\\.kubernetes\\.io/version")).includes("v0.0.3"),
    );
    await program.kill(update);
    await program.recover();
    await program.up();
    assert.deepEqual(await replicas(), { "v0.0.2": 2, "v0.0.3": 1 });

    const { code, output } = await canary("rollback");
    assert.equal(code, 0, output);
    assert.deepEqual(await replicas(), { "v0.0.2": 3 });
    const { failed, failures } = load.report();
    assert.deepEqual({ failed, failures }, { failed: 0, failures: {} });
  });

  it("takes all traffic from a release that fails, and says what it did", async () => {
    const line = "async function answer(request, path, query) {";
    program.edit("app/src/service.js", line, `${line}\n    if (path === "/") return json(500, { error: "broken" });`);
    const { code, output } = await canary("v0.0.3");
    assert.equal(code, 1, output);
    assert.match(output, /✗ v0\.0\.3 at 34 %: (\d+) of \1 requests failed \(100\.0 %, at most 1 %\)/);
    assert.match(output, /The canary has failed at 34 %: .*\. All traffic is back with the release before\.\n$/);
    assert.deepEqual(await replicas(), { "v0.0.2": 3 });
    assert.match((await program.command("commands/release.ts", "status")).output, /^v0\.0\.2 +active/m);
    await program.pulumi("preview", "--expect-no-changes");
    // Nothing else went wrong, and only while the canary was there.
    const kinds = Object.keys((await load.stop()).failures).map((failure) => failure.split(": ")[1]);
    assert.deepEqual([...new Set(kinds)], ["HTTP 500"]);
  });
});
