import assert from "node:assert/strict";
import { SteadyLoad } from "../../commands/steady-load.ts";
import { kubectl, Program, until } from "./support.ts";

describe("npm run release", function () {
  this.timeout(300_000);
  let program: Program;
  let load: SteadyLoad;

  /** Runs the command, which must succeed: what it prints. */
  async function release(...args: string[]): Promise<string> {
    const { code, output } = await program.command("commands/release.ts", ...args);
    assert.equal(code, 0, `release ${args.join(" ")} failed:\n${output}`);
    return output;
  }
  /** Runs the command, which must fail with one sentence. */
  async function refused(...args: string[]): Promise<string> {
    const { code, output } = await program.command("commands/release.ts", ...args);
    assert.equal(code, 2, output);
    return output.trim();
  }
  /** Which version each release is, and what it is doing. */
  const roles = async () =>
    Object.fromEntries([...(await release("status")).matchAll(/^(v\S+) +(\w+)/gm)].map((m) => m.slice(1, 3)));
  /** Waits until new connections are answered by a version: nodes hear of a change a moment after Pulumi. */
  const answers = async (version: string) => {
    const url = new URL("/version", await program.output("url"));
    await until(`an answer by ${version}`, async () => {
      const answer = await fetch(url, { headers: { connection: "close" } });
      return ((await answer.json()) as { version: string }).version === version;
    });
  };
  const deployments = async () =>
    (await kubectl("-n", program.namespace, "get", "deployments", "-o", "jsonpath={.items[*].metadata.uid}"))
      .split(" ")
      .sort();

  before(async () => {
    program = await Program.create({ replicas: 1, release: "blueGreen", scaleDownDelaySeconds: 5 });
    program.edit("app/src/settings.js", '"CONNECTION_SECONDS", "60"', '"CONNECTION_SECONDS", "2"');
    await program.up();
    load = new SteadyLoad({ url: await program.output("url"), freshPerSecond: 20, keepAlivePerSecond: 20, clients: 2 });
  });
  after(async () => {
    await load.stop();
    await program.remove();
  });

  it("holds a release back, with the traffic where it was, until it is promoted by a change to the Service alone", async () => {
    await program.pulumi("config", "set", "promote", "manual");
    await release("v0.0.2");
    assert.deepEqual(await roles(), { "v0.0.2": "preview", "v0.0.1": "active" });
    await answers("v0.0.1");
    const before = await deployments();
    assert.equal(before.length, 2);

    const output = await release("promote");
    assert.match(output, /^ +~ 1 updated$/m);
    assert.doesNotMatch(output, /created|deleted|replaced/);
    assert.deepEqual(await roles(), { "v0.0.2": "active", "v0.0.1": "standby" });
    await answers("v0.0.2");
    assert.deepEqual(await deployments(), before);
    // Connections that stay open follow, although the release that they were made to still runs.
    const lately = (of: string) => load.report().seconds.at(-1)?.versions[of] ?? 0;
    await until("answers by the new release alone", async () => lately("v0.0.2") > 0 && lately("v0.0.1") === 0);
  });

  it("goes back by a change to the Service alone, and forward again", async () => {
    const before = await deployments();
    assert.match(await release("rollback"), /^ +~ 1 updated$/m);
    await answers("v0.0.1");
    assert.match(await release("promote"), /^ +~ 1 updated$/m);
    await answers("v0.0.2");
    assert.deepEqual(await deployments(), before);
  });

  it("keeps as many earlier releases as it is told, untouched, and goes back to one that was dropped by its image", async () => {
    const before = await deployments();
    await program.pulumi("config", "set", "promote", "auto");
    await release("v0.0.3", "--keep", "2");
    assert.deepEqual(await roles(), { "v0.0.3": "active", "v0.0.2": "standby", "v0.0.1": "standby" });
    const kept = await deployments();
    assert.deepEqual(
      before.filter((uid) => !kept.includes(uid)),
      [],
    );

    await release("v0.0.4", "--kind", "rolling");
    assert.equal((await deployments()).length, 1);
    await release("rollback");
    await answers("v0.0.3");
  });

  it("is taken up again after `kill -9` in the middle of a blue/green release, and loses no request", async () => {
    const pending = async () => /"pending_operations": \[\s*\{/.test(await program.pulumi("stack", "export"));
    await program.pulumi("config", "set", "release", "blueGreen");
    await program.pulumi("config", "set", "version", "v0.0.6");
    await program.pulumi("config", "set", "image", "");
    await program.pulumi("config", "set", "keepPrevious", "0");
    const update = program.start("up", "--yes", "--skip-preview");
    // The new release's Deployment has been created, and Pulumi waits for it.
    await until("a pod of the new release", async () =>
      (await program.list("pods", ".metadata.labels.app\\.kubernetes\\.io/version")).includes("v0.0.6"),
    );
    await program.kill(update);
    assert.equal(await pending(), true);
    await program.recover();
    assert.equal(await pending(), false);
    await program.up();
    await answers("v0.0.6");
    assert.equal((await deployments()).length, 1);
    const { failed, failures } = load.report();
    assert.deepEqual({ failed, failures }, { failed: 0, failures: {} });
    await program.pulumi("preview", "--refresh", "--expect-no-changes");
  });

  it("refuses what makes no sense with one sentence, before anything is changed", async () => {
    assert.equal(await refused("v0.0.6"), "v0.0.6 has the traffic already; a new release needs a new version.");
    assert.equal(await refused("promote"), "No release waits: v0.0.6 has the traffic.");
    assert.equal(await refused("0.0.5"), 'A version looks like v0.0.2 or v1.2.0-rc.1, not like "0.0.5".');
    await program.pulumi("preview", "--expect-no-changes");
  });

  it("drops a release that failed, and loses no request through all of this", async () => {
    program.edit(
      "app/server.js",
      "let settings;",
      'process.stderr.write("no database\\n"); process.exit(7);\nlet settings;',
    );
    program.edit("config-args.ts", 'kind: "blueGreen",', 'kind: "blueGreen", progressDeadlineSeconds: 20,');
    const { code, output } = await program.command("commands/release.ts", "v0.0.5");
    assert.notEqual(code, 0);
    assert.match(output, /exited with code 7/);
    assert.match(output, /The release has failed for the reason above\. Mend it and release again, or `rollback`\.\n$/);
    assert.equal((await roles())["v0.0.5"], "failed");

    await release("rollback");
    await answers("v0.0.6");
    const { failed, failures } = await load.stop();
    assert.deepEqual({ failed, failures }, { failed: 0, failures: {} });
  });
});
