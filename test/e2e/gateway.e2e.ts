import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import * as https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LoadReport, SteadyLoad } from "../../commands/steady-load.ts";
import { run } from "../../local/exec.ts";
import { repository } from "../../local/paths.ts";
import { kubectl, Program, until } from "./support.ts";

describe("a host name", function () {
  this.timeout(300_000);
  const host = `e2e-${randomUUID().slice(0, 8)}.example.com`;
  let program: Program;
  let address: string;
  let load: SteadyLoad;

  const cluster = (...args: string[]) =>
    run(process.execPath, ["--no-warnings", join(repository, "local", "main.ts"), "cluster", ...args]);
  const release = (...args: string[]) => program.command("commands/release.ts", ...args);
  const startLoad = () =>
    new SteadyLoad({ url: `http://${address}/`, host, freshPerSecond: 100, keepAlivePerSecond: 100 });
  const answered = () =>
    until("an answer by the gateway", async () => {
      const answer = await run("curl", ["--silent", "--fail", "--header", `Host: ${host}`, `http://${address}/`]);
      return answer.includes("hello");
    });
  /** Requests by version, of the seconds in which both have answered, without the first and last ones: a weight was changed. */
  const shared = ({ seconds }: LoadReport, versions: readonly string[]) => {
    const both = seconds.filter((second) => versions.every((version) => (second.versions[version] ?? 0) > 0));
    const sum = (version: string) => both.slice(1, -2).reduce((total, second) => total + second.versions[version]!, 0);
    return versions.map(sum);
  };

  before(async () => {
    await cluster("up", "--gateway");
    const path = "jsonpath={.status.addresses[0].value}";
    address = await kubectl("-n", "gateway-system", "get", "gateway", "public", "-o", path);
    const gateway = "gateway-system/public";
    program = await Program.create({ regions: ["eu", "us", "ap"], replicas: 3, release: "canary", host, gateway });
    await program.up();
    // The gateway has taken the route in, and acts on it a moment later.
    await answered();
  });
  beforeEach(() => void (load = startLoad()));
  afterEach(() => load.stop());
  after(() => program.remove());

  it("of a gateway sends a canary its exact share of the requests, and loses none", async () => {
    const { code, output } = await release("v0.0.2", "--steps", "10:14");
    assert.equal(code, 0, output);
    assert.match(output, /✓ v0\.0\.2 at 10 %: 0 of \d+ requests failed \(0\.0 %, at most 1 %\)/);
    const report = await load.stop();
    assert.deepEqual([report.failed, report.failures], [0, {}]);
    const [canary = 0, stable = 0] = shared(report, ["v0.0.2", "v0.0.1"]);
    const all = canary + stable;
    assert.ok(all >= 2000, `${all} requests at 10 %`);
    // By chance alone it would be further away once in 15,000 runs.
    const allowed = 4 * Math.sqrt(all * 0.1 * 0.9);
    assert.ok(
      Math.abs(canary - 0.1 * all) <= allowed,
      `${canary} of ${all} requests, not 10 % ± ${allowed.toFixed(0)}`,
    );
  });

  it("of a gateway takes all requests from a canary that fails, and says what it did", async () => {
    const line = "async function answer(request, path, query) {";
    program.edit("app/src/service.js", line, `${line}\n    if (path === "/") return json(500, { error: "broken" });`);
    const { code, output } = await release("v0.0.3", "--steps", "10:3");
    assert.equal(code, 1, output);
    assert.match(output, /✗ v0\.0\.3 at 10 %: (\d+) of \1 requests failed \(100\.0 %, at most 1 %\)/);
    assert.match(output, /The canary has failed at 10 %: .*\. All traffic is back with the release before\.\n$/);
    const { failures } = await load.stop();
    assert.deepEqual([...new Set(Object.keys(failures).map((failure) => failure.split(": ")[1]))], ["HTTP 500"]);
    load = startLoad();
    await until("1,000 answers", async () => load.report().requests >= 1000);
    const { failed, versions } = await load.stop();
    assert.deepEqual([failed, Object.keys(versions)], [0, ["v0.0.2"]]);
    await program.pulumi("preview", "--expect-no-changes");
  });

  it("of an Ingress is served with the certificate of its Secret", async () => {
    await program.pulumi("config", "set", "gateway", "");
    await program.pulumi("config", "set", "tls", "true");
    await program.up();
    assert.equal(await program.output("url"), `https://${host}`);
    const folder = mkdtempSync(join(tmpdir(), "meridian-tls-"));
    try {
      const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
      const subject = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`, "-days", "1"];
      const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
      await run("openssl", ["req", "-x509", ...curve, ...subject, "-keyout", key, "-out", certificate]);
      const secret = ["create", "secret", "tls", "hello-tls", `--cert=${certificate}`, `--key=${key}`];
      await kubectl("-n", program.namespace, ...secret);
      const ca = readFileSync(certificate, "utf8");
      const ask = async () => {
        const request = https.get({ host: address, servername: host, headers: { Host: host }, ca, agent: false });
        const [response] = (await once(request, "response")) as [import("node:http").IncomingMessage];
        response.resume();
        return [response.statusCode, response.headers["x-version"]];
      };
      await until("an answer with the Secret's certificate", async () => (await ask())[0] === 200, { seconds: 30 });
      assert.deepEqual(await ask(), [200, "v0.0.2"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("is served again after its gateway was killed and the cluster started", async () => {
    await load.stop();
    const [, pid] = /^gateway +running, pid (\d+)$/m.exec(await cluster("status")) ?? [];
    process.kill(Number(pid), "SIGKILL");
    await assert.rejects(cluster("status"), /`.* cluster status` failed with exit code 1/);
    await cluster("up");
    assert.match(await cluster("status"), /^gateway +running/m);
    await answered();
  });
});
