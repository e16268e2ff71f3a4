import assert from "node:assert/strict";

import { SwarmApp } from "../components/index.ts";
import type { SwarmAppArgs } from "../components/index.ts";
import { appArgs } from "./app-args.ts";
import { dependencies, graph, only, recordOptions, secret, useMocks } from "./mocks.ts";

const { image } = appArgs;
const service = "docker:index/service:Service";

const everything: SwarmAppArgs = {
  ...appArgs,
  publish: "balancer",
  constraints: ["node.role!=manager"],
  spreadOver: ["node.labels.rack"],
  update: {
    parallelism: 2,
    delaySeconds: 3,
    order: "stop-first",
    failureAction: "pause",
    monitorSeconds: 4,
    maxFailureRatio: 0.25,
  },
};

/** What every task has. */
const running = {
  restartPolicy: { condition: "any", delay: "2s", maxAttempts: 10, window: "120s" },
  logDriver: { name: "json-file", options: { "max-size": "10m", "max-file": "3" } },
};
const hardened = { readOnly: true, capDrops: ["ALL"] };
/** What a store, or a balancer, may take. */
const small = {
  limits: { nanoCpus: 1e9, memoryBytes: 256 * 2 ** 20 },
  reservation: { nanoCpus: 50e6, memoryBytes: 32 * 2 ** 20 },
};

/** A service's inputs, apart from the health check of its tasks. */
async function serviceOf(name: string) {
  const { taskSpec, ...inputs } = (await only(service, name)).inputs;
  const { containerSpec, ...task } = taskSpec as { containerSpec: Record<string, unknown> };
  const { healthcheck, ...container } = containerSpec;
  return { healthcheck, container, task, inputs };
}

describe("the services of a SwarmApp", () => {
  beforeEach(() => useMocks());

  it("are, for the image alone, tasks as Swarm finds them, with the image's own health check", async () => {
    new SwarmApp("hello", { image });

    const { healthcheck, container, task, inputs } = await serviceOf("hello");
    assert.deepEqual(healthcheck, { tests: [], interval: "2s", timeout: "30s", retries: 3, startPeriod: "10s" });
    assert.deepEqual(container, {
      ...hardened,
      image,
      env: { PORT: "3000", DRAIN_SECONDS: "5" },
      user: "10001:10001",
      stopGracePeriod: "25s",
      secrets: [],
    });
    assert.deepEqual(task, {
      ...running,
      networksAdvanceds: [{ name: "hello-id", aliases: ["hello"] }],
      placement: { constraints: [], prefs: [] },
      resources: { ...small, limits: { nanoCpus: 1e9, memoryBytes: 128 * 2 ** 20 } },
    });
    assert.deepEqual(inputs["convergeConfig"], { delay: "1s", timeout: "786s" });
  });

  it("are tasks that have all that is asked for, and read secrets from files of their user", async () => {
    new SwarmApp("hello", everything);

    const { healthcheck, container, task, inputs } = await serviceOf("hello");
    assert.deepEqual(healthcheck, {
      tests: ["CMD", "/check", "--fast"],
      interval: "3s",
      timeout: "4s",
      retries: 5,
      startPeriod: "6s",
    });
    const file = (name: string, child: string) => ({
      secretId: `${child}-id`,
      secretName: `${child}-1a2b3c4d`,
      fileName: `/run/secrets/${name}`,
      fileUid: "1234",
      fileGid: "1234",
      fileMode: 0o400,
    });
    assert.deepEqual(container, {
      ...hardened,
      image,
      commands: ["node"],
      args: ["server.js"],
      env: {
        PORT: "8000",
        DRAIN_SECONDS: "7",
        STORE_URL: "redis://hello-store:6379",
        API_KEY_FILE: "/run/secrets/API_KEY",
        STORE_PASSWORD_FILE: "/run/secrets/STORE_PASSWORD",
        LOG_LEVEL: "debug",
      },
      user: "1234:1234",
      stopGracePeriod: "27s",
      secrets: [file("API_KEY", "hello-api-key"), file("STORE_PASSWORD", "hello-store-password")],
    });
    assert.deepEqual(task, {
      ...running,
      networksAdvanceds: [{ name: "hello-id", aliases: ["hello"] }],
      placement: { constraints: ["node.role!=manager"], prefs: ["spread=node.labels.rack"] },
      resources: { ...small, limits: { nanoCpus: 250e6, memoryBytes: 64.5 * 2 ** 20 } },
    });
    const update = { parallelism: 2, delay: "3s", order: "stop-first", monitor: "4s", maxFailureRatio: "0.25" };
    assert.deepEqual(inputs, {
      mode: { replicated: { replicas: 2 } },
      updateConfig: { ...update, failureAction: "pause" },
      rollbackConfig: { ...update, failureAction: "pause" },
      endpointSpec: { mode: "dnsrr" },
      // Both at once, there and back: 6 s, five checks of 3 + 4 s, drain 7 s, monitor 4 s, delay 3 s; and a minute.
      convergeConfig: { delay: "1s", timeout: "170s" },
    });
    assert.deepEqual((await only("docker:index/secret:Secret", "hello-store-password")).inputs, {
      data: secret(Buffer.from("random password").toString("base64")),
    });
  });

  it("are a balancer on one node, whose port has one owner at a time", async () => {
    new SwarmApp("hello", everything);

    const { healthcheck, container, task, inputs } = await serviceOf("hello-balancer");
    assert.match(JSON.stringify(healthcheck), /nc -z 127\.0\.0\.1 8080/);
    assert.deepEqual(container, {
      ...hardened,
      image: "registry.example/nginx:1",
      commands: ["nginx", "-e", "stderr", "-c", "/etc/balancer/nginx.conf", "-g", "daemon off;"],
      user: "101:101",
      stopGracePeriod: "25s",
      mounts: [{ type: "tmpfs", target: "/tmp", tmpfsOptions: { sizeBytes: 64 * 2 ** 20, mode: 0o1777 } }],
      configs: [
        {
          configId: "hello-balancer-id",
          configName: "hello-balancer-1a2b3c4d",
          fileName: "/etc/balancer/nginx.conf",
          fileMode: 0o444,
        },
      ],
    });
    assert.deepEqual(task, {
      ...running,
      networksAdvanceds: [{ name: "hello-id", aliases: ["hello-balancer"] }],
      resources: small,
    });
    const update = { parallelism: 1, delay: "0s", order: "stop-first", monitor: "10s", maxFailureRatio: "0" };
    assert.deepEqual(inputs, {
      mode: { replicated: { replicas: 1 } },
      updateConfig: { ...update, failureAction: "rollback" },
      rollbackConfig: { ...update, failureAction: "pause" },
      endpointSpec: { mode: "dnsrr", ports: [{ targetPort: 8080, publishedPort: 80, publishMode: "host" }] },
      convergeConfig: { delay: "1s", timeout: "176s" },
    });
  });

  it("are one store on the manager, whose configuration is a secret, and never two on the same data", async () => {
    new SwarmApp("hello", everything);

    const { healthcheck, container, task, inputs } = await serviceOf("hello-store");
    assert.match(JSON.stringify(healthcheck), /valkey-cli ping/);
    assert.deepEqual(container, {
      ...hardened,
      image: "ghcr.io/me/store:8",
      commands: ["valkey-server", "/etc/store/valkey.conf"],
      user: "10001:10001",
      stopGracePeriod: "30s",
      mounts: [{ type: "volume", source: "hello-store-1a2b3c4d", target: "/data" }],
      secrets: [
        {
          secretId: "hello-store-id",
          secretName: "hello-store-1a2b3c4d",
          fileName: "/etc/store/valkey.conf",
          fileUid: "10001",
          fileGid: "10001",
          fileMode: 0o400,
        },
      ],
    });
    assert.deepEqual(task, {
      ...running,
      networksAdvanceds: [{ name: "hello-id", aliases: ["hello-store"] }],
      placement: { constraints: ["node.role==manager"], maxReplicas: 1 },
      resources: small,
    });
    assert.deepEqual(inputs, {
      mode: { replicated: { replicas: 1 } },
      updateConfig: { order: "stop-first", failureAction: "rollback", monitor: "10s" },
      rollbackConfig: { order: "stop-first", failureAction: "pause", monitor: "10s" },
      endpointSpec: { mode: "dnsrr" },
      convergeConfig: { delay: "1s", timeout: "180s" },
    });
    const { data } = (await only("docker:index/secret:Secret", "hello-store")).inputs as { data: { value: string } };
    assert.deepEqual(data, secret(data.value));
    assert.match(Buffer.from(data.value, "base64").toString(), /^dir \/data$.*^requirepass random password\n$/ms);
  });

  it("come after what they need, and all belong to the component", async () => {
    const { options, transformations } = recordOptions();
    new SwarmApp("hello", everything, { transformations });
    // A user's transformation reaches all of them.
    assert.deepEqual(await graph(), [...options.keys()].toSorted());

    for (const [name, ...before] of [
      ["hello-store", "docker:index/remoteImage:RemoteImage::hello-store"],
      ["hello", "docker:index/remoteImage:RemoteImage::hello", `${service}::hello-store`],
      ["hello-balancer", `${service}::hello`],
    ] as const) {
      assert.deepEqual(await dependencies(options, `${service} ${name}`), before, name);
    }
    assert.equal(options.get("docker:index/volume:Volume hello-store")?.protect, false);
  });

  it("are not made of arguments that are wrong", async () => {
    assert.throws(() => new SwarmApp("hello", { image, drainSeconds: 0 }), /drainSeconds must be at least 1/);
    assert.deepEqual(await graph(), ["meridian:index:SwarmApp hello"]);
  });
});
