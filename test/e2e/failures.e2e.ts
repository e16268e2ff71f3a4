import assert from "node:assert/strict";
import { Program, requestsDuring, until, type Result } from "./support.ts";

const goodCommand = 'CMD ["node", "server.js"]';
const crash = `CMD ["node", "-e", "console.error('no database at db:5432'); process.exit(3)"]`;

/** What every refusal has: a sentence for the user, no stack trace, and an exit code. */
function assertRefused({ code, output }: Result, sentence: RegExp): void {
  assert.notEqual(code, 0, `it succeeded:\n${output}`);
  assert.match(output, sentence);
  assert.doesNotMatch(output, /\n +at |\bError: |dry run/);
}

describe("an update that goes wrong", () => {
  let program: Program;
  let url: string;

  before(async () => {
    program = await Program.create({ replicas: 1 });
    // Long enough for a release on a slow machine, and no test waits longer.
    program.edit("config-args.ts", '"rolling", maxSurge,', '"rolling", progressDeadlineSeconds: 15, maxSurge,');
    await program.up();
    url = await program.output("url");
  });
  after(() => program.remove());

  const breakApp = () => program.edit("app/Dockerfile", goodCommand, crash);
  const mendApp = () => program.edit("app/Dockerfile", crash, goodCommand);
  const crashing = () =>
    until("a pod of the new release to crash", async () => {
      return (await program.list("pods", ".status.containerStatuses[0].restartCount")).some((count) => count !== "0");
    });

  it("is told with pod, exit code and log if the app crashes, and the old release goes on answering", async () => {
    const before = await program.list("pods", ".metadata.name");
    breakApp();
    const update = program.attempt("up", "--yes", "--skip-preview");
    const outcomes = await requestsDuring(url, update);
    assertRefused(
      await update,
      /Pod hello-\S+: container "app" .*exited with code 3.*; its last log lines:\n +no database at db:5432\n/,
    );
    assert.deepEqual(
      outcomes.filter(({ kind }) => kind === "failed"),
      [],
    );
    const now = await program.list("pods", ".metadata.name");
    assert.ok(
      before.every((name) => now.includes(name)),
      `${before.join()} is not among ${now.join()}`,
    );
  });

  it("is followed by one that succeeds once the app is mended", async () => {
    mendApp();
    await program.up();
    await program.settled(1);
    assert.equal((await fetch(url)).status, 200);
    await program.pulumi("preview", "--expect-no-changes");
  });

  it("is told with pod and image if the image cannot be pulled, and the old release goes on answering", async () => {
    const image = `${program.image}@sha256:${"0".repeat(64)}`;
    await program.pulumi("config", "set", "image", image);
    const update = program.attempt("up", "--yes", "--skip-preview");
    const outcomes = await requestsDuring(url, update);
    await program.pulumi("config", "rm", "image");
    assertRefused(await update, new RegExp(`Pod hello-\\S+: container "app" [^]*${image}[^]*not found`));
    assert.deepEqual(
      outcomes.filter(({ kind }) => kind === "failed"),
      [],
    );
    await program.up();
  });

  it("names the pod and the Secret that it waits for if that is not there", async () => {
    const env = "env: store && {";
    const waiting = `envFrom: [{ kind: "secret", name: "database" }],\n  ${env}`;
    program.edit("index.ts", env, waiting);
    const result = await program.attempt("up", "--yes", "--skip-preview");
    program.edit("index.ts", waiting, env);
    assertRefused(result, /Pod hello-\S+: container "app" is waiting: \w+: secret "database" not found/);
    assert.equal((await fetch(url)).status, 200);
    await program.up();
  });

  it("shows the output of a Dockerfile that fails, and changes nothing", async () => {
    const before = await program.specs();
    const failing = `RUN echo 'no compiler here' >&2; exit 4\n`;
    program.edit("app/Dockerfile", "RUN node build.js", `${failing}RUN node build.js`);
    const result = await program.attempt("up", "--yes", "--skip-preview");
    program.edit("app/Dockerfile", failing, "");
    assertRefused(result, /the build failed: [^]*exit code: 4[^]*no compiler here[^]*Dockerfile:\d+/);
    assert.deepEqual(await program.specs(), before);
  });

  it("stops at once on Ctrl-C, and the next one completes it", async () => {
    breakApp();
    const update = program.start("up", "--yes", "--skip-preview");
    await crashing();
    const began = Date.now();
    update.signal("SIGINT");
    const { code, output } = await update.result;
    assert.notEqual(code, 0);
    assert.match(output, /the operation was cancelled/);
    assert.ok(Date.now() - began < 5000, `it took ${Date.now() - began} ms to stop`);
    assert.deepEqual(program.processes(), []);
    mendApp();
    assert.doesNotMatch(await program.up(), /warning|pending/);
    await program.settled(1);
  });

  it("that is killed leaves a lock, which `pulumi cancel` takes away, and the next one completes it", async () => {
    breakApp();
    const update = program.start("up", "--yes", "--skip-preview");
    await crashing();
    await program.kill(update);
    mendApp();
    assertRefused(await program.attempt("up", "--yes", "--skip-preview"), /the stack is currently locked by 1 lock/);
    await program.pulumi("cancel", "--yes");
    // What was under way when it was killed is looked up in the cluster.
    assert.doesNotMatch(await program.up("--refresh"), /pending operations/);
    await program.settled(1);
    assert.equal((await fetch(url)).status, 200);
    await program.pulumi("preview", "--refresh", "--expect-no-changes");
  });
});
