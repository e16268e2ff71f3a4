import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { localhostRules, publishedPorts } from "../docker-ports.ts";
import { engineOf, explain } from "../plugins/docker/engine.ts";
import { dockerPlugin } from "../plugins/docker/provider.ts";
import { serviceSpec } from "../plugins/docker/service-spec.ts";
import { nanoseconds } from "../plugins/docker/values.ts";
import type { Call } from "../plugins/provider.ts";

const call = (kind: string): Call => ({
  urn: "urn",
  type: `docker:index/${kind}:${kind}`,
  name: "hello",
  signal: new AbortController().signal,
  status: () => undefined,
  log: () => undefined,
});

describe("the docker plugin", () => {
  it("finds the engine by the provider's host, DOCKER_HOST, or the context", () => {
    const folder = mkdtempSync(join(tmpdir(), "docker-config-"));
    try {
      const id = createHash("sha256").update("far").digest("hex");
      mkdirSync(join(folder, "contexts", "meta", id), { recursive: true });
      const meta = { Endpoints: { docker: { Host: "ssh://me@far" } } };
      writeFileSync(join(folder, "contexts", "meta", id, "meta.json"), JSON.stringify(meta));
      const env = { DOCKER_CONFIG: folder, DOCKER_HOST: "tcp://near:2375" };

      assert.equal(engineOf({ host: "tcp://other:2375" }, env).address, "tcp://other:2375");
      assert.equal(engineOf({}, env).address, "tcp://near:2375");
      assert.equal(engineOf({}, { ...env, DOCKER_CONTEXT: "far" }).address, "ssh://me@far");
      assert.equal(engineOf({}, { DOCKER_CONFIG: folder }).address, "unix:///var/run/docker.sock");
      assert.throws(() => engineOf({ context: "nowhere" }, env), {
        message: 'there is no Docker context "nowhere"; `docker context ls` names them',
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  for (const [host, expected] of [
    ["ssh://me@far:2222", { protocol: "ssh", host: "far", port: 2222, username: "me" }],
    ["ssh://me@far", { protocol: "ssh", host: "far", port: 22, username: "me" }],
    ["tcp://near:2375", { protocol: "http", host: "near", port: 2375, username: undefined }],
    ["https://near", { protocol: "https", host: "near", port: 2376, username: undefined }],
  ] as const) {
    it(`connects to ${host} by ${expected.protocol}, port ${expected.port}`, () => {
      const {
        protocol,
        host: name,
        port,
        username,
      } = engineOf({ host }, {}).docker.modem as unknown as Record<string, unknown>;
      assert.deepEqual({ protocol, host: name, port, username }, expected);
    });
  }

  it("refuses an address that is none", () => {
    assert.throws(() => engineOf({ host: "far" }, {}), {
      message: `the Docker engine's address must be a URL such as ssh://me@host, got "far"`,
    });
  });

  it("names both platforms of an image that does not fit the engine", async () => {
    const name = `localhost:5001/hello@sha256:${"0".repeat(64)}`;
    const folder = mkdtempSync(join(tmpdir(), "docker-engine-"));
    const socket = join(folder, "docker.sock");
    const engine = createServer(({ url = "" }, response) => {
      const isInfo = url.endsWith("/info");
      const image = { Id: "sha256:1", RepoDigests: [name], Os: "linux", Architecture: "arm64" };
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify(isInfo ? { Architecture: "x86_64" } : url.includes("/images/") ? image : "OK"));
    });
    await once(engine.listen(socket), "listening");
    try {
      const plugin = dockerPlugin();
      await plugin.configure!({ host: `unix://${socket}` }, call("RemoteImage"));
      const request = { inputs: { name }, preview: false, timeoutSeconds: 0, secrets: [] };
      await assert.rejects(plugin.create(request, call("RemoteImage")), {
        message: `the image ${name} is for linux/arm64, and the Docker engine runs on amd64; build it for linux/amd64 too (\`pulumi config set --path 'platforms[0]' linux/amd64\`)`,
      });
    } finally {
      engine.closeAllConnections();
      engine.close();
      rmSync(folder, { recursive: true });
    }
  });

  it("names the port that is taken, as each of the engine's versions says it", () => {
    for (const words of [
      "driver failed programming external connectivity: Bind for 0.0.0.0:8888 failed: port is already allocated",
      "failed to bind host port 0.0.0.0:8888/tcp: address already in use",
    ]) {
      const error = Object.assign(new Error("(HTTP code 500)"), { statusCode: 500, json: { message: words } });
      assert.match(
        explain(error, "unix:///docker.sock").message,
        /^port 8888 of the machine with the Docker engine at/,
      );
    }
  });

  it("says which address it has tried when no engine answers", async () => {
    const host = "unix:///nowhere/docker.sock";
    await assert.rejects(dockerPlugin().configure!({ host }, call("network")), {
      message: `no Docker engine answers at ${host} (ENOENT); start it, or name another one by DOCKER_HOST; the local kit's is started by \`npm run cluster -- up --docker\``,
    });
  });

  it("names the command for an engine that is in no Swarm", () => {
    const error = Object.assign(new Error("(HTTP code 503)"), {
      statusCode: 503,
      json: { message: 'This node is not a swarm manager. Use "docker swarm init" …' },
    });
    assert.equal(
      explain(error, "ssh://me@far").message,
      "the Docker engine at ssh://me@far is not a manager of a Swarm; run `docker swarm init` there (the local kit: `npm run cluster -- up --swarm`) and try again",
    );
  });

  it("replaces a container for another image, and not for another patience", async () => {
    const request = { id: "1", oldOutputs: {}, ignoreChanges: [] };
    const oldInputs = { image: "a", waitTimeout: 60, labels: [{ label: "x", value: "y" }] };
    const diff = (news: Record<string, string | number | never>) =>
      dockerPlugin().diff({ ...request, oldInputs, news: { ...oldInputs, ...news } }, call("Container"));

    assert.deepEqual(await diff({}), { detailed: {} });
    assert.deepEqual(await diff({ image: "b" }), { detailed: { image: "update-replace" } });
    assert.deepEqual(await diff({ waitTimeout: 90 }), { detailed: { waitTimeout: "update" } });
  });

  it("refuses what it would leave out", async () => {
    const { failures } = await dockerPlugin().check(
      { olds: {}, news: { image: "a", gpus: "all" }, randomSeed: Buffer.of() },
      call("Container"),
    );
    assert.deepEqual(failures, [
      {
        property: "gpus",
        reason: "gpus is not supported by the local kit's docker plugin for docker:index/Container:Container",
      },
    ]);
  });

  it("makes up a name, and keeps it", async () => {
    const check = async (olds: Record<string, string>) =>
      (await dockerPlugin().check({ olds, news: {}, randomSeed: Buffer.of() }, call("Network"))).inputs["name"];
    assert.match(String(await check({})), /^hello-[0-9a-f]{7}$/);
    assert.equal(await check({ name: "hello-1234567" }), "hello-1234567");
  });

  for (const [duration, expected] of [
    ["1m30s", 9e10],
    ["500ms", 5e8],
    ["0s", 0],
  ] as const) {
    it(`reads ${duration} as ${expected} ns`, () => assert.equal(nanoseconds(duration), expected));
  }
  it("refuses a duration without a unit", () =>
    assert.throws(() => nanoseconds("10"), {
      message: 'a duration must be such as "500ms", "10s" or "1m30s", got "10"',
    }));

  it("hands updates and limits of a service on in the engine's units", () => {
    const spec = serviceSpec({
      name: "hello",
      mode: { replicated: { replicas: 3 } },
      taskSpec: {
        containerSpec: { image: "a" },
        resources: { limits: { nanoCpus: 250_000_000, memoryBytes: 512_000_000 } },
      },
      updateConfig: { parallelism: 2, delay: "3s", order: "start-first", monitor: "10s", maxFailureRatio: "0.5" },
    });
    assert.deepEqual(spec.UpdateConfig, {
      Parallelism: 2,
      Delay: 3e9,
      FailureAction: "pause",
      Monitor: 10e9,
      MaxFailureRatio: 0.5,
      Order: "start-first",
    });
    assert.deepEqual(spec.Mode, { Replicated: { Replicas: 3 } });
  });
});

describe("localhost's ports of the Docker engine", () => {
  it("are the TCP ports that containers publish, each once", () => {
    const port = (Type: string, PublicPort?: number) => ({ Type, ...(PublicPort !== undefined && { PublicPort }) });
    const containers = [{ Ports: [port("tcp", 8888), port("tcp", 8888), port("udp", 53), port("tcp")] }, { Ports: [] }];
    assert.deepEqual(publishedPorts(containers), [8888]);
  });

  it("lead to the engine's address", () => {
    assert.match(
      localhostRules([8888, 9999]),
      /elements = \{ 8888 : 10\.213\.0\.3 \. 8888, 9999 : 10\.213\.0\.3 \. 9999 \}/,
    );
    assert.doesNotMatch(localhostRules([]), /elements/);
  });
});
