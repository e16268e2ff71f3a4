import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SteadyLoad, type LoadReport } from "../../commands/steady-load.ts";
import { repository } from "../../local/paths.ts";
import { kubectl, Program, until } from "./support.ts";

const replicas = 3;
/** Requests to each kind of release, shared between the cases that try it. */
const requests = 100_000;
const steady = { freshPerSecond: 200, keepAlivePerSecond: 600 };
/** More than the machine can answer: the clients, one request each at a time, keep it busy without piling up. */
const heavy = { freshPerSecond: 200, keepAlivePerSecond: 10_000, clients: 32 };
/** What was measured, for people: not a promise. */
const figures: Record<string, unknown> = {};

describe("a release under load", function () {
  this.timeout(600_000);
  let program: Program;
  let url: string;
  let active = "v0.0.1";
  let config: Record<string, unknown> = { regions: ["eu", "us", "ap"], replicas, scaleDownDelaySeconds: 5 };

  const configure = (changes: Record<string, unknown>): void => {
    config = { ...config, ...changes };
    const port = Number(new URL(url).port);
    program.configure({ namespace: program.namespace, repository: program.image, port, ...config });
  };

  /** Names of the pods that serve, or have served; not those of smoke tests. */
  async function replicasOf(): Promise<string[]> {
    const labels = ["-l", "app.kubernetes.io/name=hello"];
    const pods = await kubectl("-n", program.namespace, "get", "pods", "-o", "name", ...labels);
    return pods.split("\n").filter(Boolean);
  }

  /** Requests of all kinds while `work` runs, until nothing is left of earlier releases and there have been so many. */
  async function underLoad(name: string, least: number, work: () => Promise<unknown>): Promise<LoadReport> {
    const load = new SteadyLoad({ url, slowSeconds: 10, ...(least > 1 ? heavy : steady) });
    try {
      await work();
      await until("the replicas of earlier releases to go", async () => (await replicasOf()).length === replicas);
      await until("the last requests", async () => load.report().requests >= least, { seconds: 300 });
    } finally {
      await load.stop();
      const { seconds, ...counts } = load.report();
      figures[name] = { seconds: seconds.length, ...counts };
    }
    return load.report();
  }

  /** Some releases in a row, each of which has to be complete before the next one begins; none may lose a request. */
  async function release(name: string, least: number, ...versions: string[]): Promise<LoadReport> {
    const up = async (version: string): Promise<void> => {
      configure({ version });
      await program.up();
    };
    return releaseBy(up, name, least, ...versions);
  }

  async function releaseBy(
    up: (version: string) => Promise<void>,
    name: string,
    least: number,
    ...versions: string[]
  ): Promise<LoadReport> {
    const report = await underLoad(name, least, async () => {
      for (const version of versions) await up(version);
    });
    assertNoneLost(report, [active, ...versions]);
    active = versions.at(-1) ?? active;
    return report;
  }

  function assertNoneLost(report: LoadReport, versions: readonly string[]): void {
    const { failed, failures } = report;
    assert.deepEqual({ failed, failures }, { failed: 0, failures: {} });
    assert.ok(report.clients.fresh > 0 && report.clients.keepAlive > 0 && report.clients.slow > 0);
    assert.deepEqual(Object.keys(report.versions).sort(), [...versions].sort());
    // A connection is moved on to a newer replica, never back to an older one.
    assert.equal(report.backwards.keepAlive, 0);
  }

  before(async () => {
    program = await Program.create(config);
    await program.up();
    url = await program.output("url");
  });
  after(async () => {
    mkdirSync(join(repository, "out"), { recursive: true });
    writeFileSync(join(repository, "out", "release-e2e.json"), `${JSON.stringify(figures, undefined, 2)}\n`);
    await program.remove();
  });

  it("is measured by a load that loses nothing while there is no release", async () => {
    assertNoneLost(await underLoad("control", requests / 2, async () => undefined), [active]);
  });

  it("loses nothing when rolling with one replica more", async () => {
    await release("rolling, maxSurge 1", requests / 2, "v0.0.2", "v0.0.3");
  });

  it("loses nothing when rolling with one replica less, as in the course", async () => {
    configure({ maxSurge: 0, maxUnavailable: 1 });
    await release("rolling, maxUnavailable 1", requests / 2, "v0.0.4", "v0.0.5");
  });

  it("loses nothing when the kind changes to blue/green, which gives no traffic to what is not tested", async () => {
    configure({ release: "blueGreen", maxSurge: 1, maxUnavailable: 0 });
    const { backwards } = await release("rolling to blueGreen", requests / 3, "v0.0.6");
    assert.equal(backwards.fresh, 0);
  });

  it("loses nothing under blue/green, and all new connections change over at once", async () => {
    const { backwards } = await release("blueGreen", requests / 3, "v0.0.7", "v0.0.8", "v0.0.9");
    assert.equal(backwards.fresh, 0);
  });

  it("loses nothing when the kind changes back to rolling", async () => {
    configure({ release: "rolling" });
    const { backwards } = await release("blueGreen to rolling", requests / 3, "v0.0.10");
    assert.equal(backwards.fresh, 0);
  });

  it("loses nothing under canaries, from one share to the next", async () => {
    // Whether the machine is quick is not the question here.
    const course = ["--kind", "canary", "--steps", "34:3,67:3", "--max-p99", "30000"];
    const canary = async (version: string): Promise<void> => {
      const { code, output } = await program.command("commands/release.ts", version, ...course);
      assert.equal(code, 0, output);
    };
    await releaseBy(canary, "canary", requests, "v0.0.11", "v0.0.12");
  });

  describe("that fails under blue/green", () => {
    /** Breaks the program, watches it fail under load, and repairs it again. */
    async function attempt(file: string, from: string, to: string, version: string): Promise<string> {
      program.edit(file, from, to);
      configure({ version });
      let output = "";
      try {
        const report = await underLoad(`blueGreen, failing ${version}`, 1, async () => {
          const result = await program.attempt("up", "--yes", "--skip-preview");
          assert.notEqual(result.code, 0, `up has succeeded:\n${result.output}`);
          ({ output } = result);
          configure({ version: `${version}-repaired` });
          program.edit(file, to, from);
          await program.up();
        });
        assertNoneLost(report, [active, `${version}-repaired`]);
        assert.equal(report.backwards.fresh, 0);
        active = `${version}-repaired`;
      } catch (error) {
        assert.fail(`${String(error)}\n${output}`);
      }
      // The next good update has cleaned up.
      for (const kind of ["deployments", "jobs"]) {
        assert.equal((await program.list(kind, ".metadata.name")).length, 1, kind);
      }
      return output;
    }
    before(async () => {
      program.edit("config-args.ts", 'kind: "blueGreen",', 'kind: "blueGreen", progressDeadlineSeconds: 25,');
      configure({ version: active, release: "blueGreen", maxSurge: 1, maxUnavailable: 0 });
      await program.up();
    });

    it("says why when the smoke test fails, and the traffic stays where it is", async () => {
      const output = await attempt("config-args.ts", '"hello":"world"', '"hello":"moon"', "v0.1.0");
      assert.match(output, /Job .*hello-smoke-test-\w+.*: Job failed: \[BackoffLimitExceeded\]/s);
      assert.match(output, /Pod hello-smoke-test-[\w-]+: container "smoke-test" exited with code 1/);
      assert.match(output, /its last log lines:\s+failed \/ body is .*which does not match "hello":"moon"/);
    });

    it("says why when the image never gets ready, and the traffic stays where it is", async () => {
      const output = await attempt("app/src/service.js", "(draining ? json(503", "(true ? json(503", "v0.2.0");
      assert.match(output, /Pod hello-[\w-]+: container "app" runs but is not ready.*Readiness probe failed.*503/);
      assert.match(output, /its last log lines:\s+\{.*"msg":"listening"/);
    });

    it("says why when the program gets ready and crashes a while later, and the traffic stays where it is", async () => {
      configure({ minReadySeconds: 6 });
      const crash = `process.stderr.write("no database\\n"); process.exit(7);`;
      const late = `(setTimeout(() => { ${crash} }, 1000), draining ? json(503`;
      const output = await attempt("app/src/service.js", "(draining ? json(503", late, "v0.3.0");
      assert.match(output, /Pod hello-[\w-]+: container "app" .*exited with code 7/);
      assert.match(output, /its last log lines:[^]*no database/);
    });
  });
});
