import assert from "node:assert/strict";

import { SwarmApp } from "../components/index.ts";
import type { SwarmAppArgs } from "../components/index.ts";
import { checkSwarmApp } from "../components/swarm-app.ts";
import { created, digest, graph, only, recordOptions, useMocks, valueOf } from "./mocks.ts";

const baseArgs = { image: `ghcr.io/me/hello@${digest}` };
const service = "docker:index/service:Service";

interface TaskSpec {
  readonly containerSpec: Record<string, unknown>;
  readonly resources: unknown;
  readonly restartPolicy: unknown;
  readonly placement: unknown;
}

const taskOf = async (name = "hello"): Promise<TaskSpec> => (await only(service, name)).inputs["taskSpec"] as TaskSpec;

describe("SwarmApp", () => {
  beforeEach(() => useMocks());

  it("takes its image away by force: containers that have ended, or a way back, must not hold up an update", async () => {
    new SwarmApp("hello", baseArgs);

    const { inputs } = await only("docker:index/remoteImage:RemoteImage", "hello");
    assert.deepEqual(inputs, { name: baseArgs.image, forceRemove: true });
  });

  it("is one service of three tasks on an overlay network, behind the routing mesh", async () => {
    const app = new SwarmApp("hello", baseArgs);

    assert.deepEqual(
      (await graph()).filter((line) => !line.startsWith("meridian:")),
      ["docker:index/network:Network hello", "docker:index/remoteImage:RemoteImage hello", `${service} hello`],
    );
    assert.equal(await valueOf(app.url), "http://localhost:8888");
    const { inputs } = await only(service);
    assert.deepEqual(inputs["mode"], { replicated: { replicas: 3 } });
    assert.deepEqual(inputs["endpointSpec"], {
      mode: "vip",
      ports: [{ targetPort: 3000, publishedPort: 8888, publishMode: "ingress" }],
    });
    assert.equal((await only("docker:index/network:Network")).inputs["driver"], "overlay");
  });

  it("has a balancer on one node instead of the mesh, where that is wanted", async () => {
    new SwarmApp("hello", { ...baseArgs, publish: "balancer" });

    assert.deepEqual((await only(service, "hello")).inputs["endpointSpec"], { mode: "dnsrr" });
    const { inputs } = await only(service, "hello-balancer");
    assert.deepEqual(inputs["endpointSpec"], {
      mode: "dnsrr",
      ports: [{ targetPort: 8080, publishedPort: 8888, publishMode: "host" }],
    });
    // Two cannot have the node's port.
    assert.equal((inputs["updateConfig"] as { order: string }).order, "stop-first");
    const config = await only("docker:index/serviceConfig:ServiceConfig");
    assert.match(Buffer.from(String(config.inputs["data"]), "base64").toString(), /set \$balancer_upstream hello;/);
  });

  it("replaces tasks one after the other, new ones first, and goes back if one fails", async () => {
    new SwarmApp("hello", baseArgs);

    const { updateConfig, rollbackConfig } = (await only(service)).inputs;
    const update = { parallelism: 1, delay: "0s", order: "start-first", monitor: "10s", maxFailureRatio: "0" };
    assert.deepEqual(updateConfig, { ...update, failureAction: "rollback" });
    // Swarm cannot roll a rollback back.
    assert.deepEqual(rollbackConfig, { ...update, failureAction: "pause" });
  });

  it("takes root, new powers and a writable root file system from every task", async () => {
    const image = `ghcr.io/me/store@${digest}`;
    new SwarmApp("hello", { ...baseArgs, publish: "balancer", store: { image } });

    const services = await created(service);
    assert.deepEqual(services.map(({ name }) => name).toSorted(), ["hello", "hello-balancer", "hello-store"]);
    for (const { name, inputs } of services) {
      const { containerSpec } = inputs["taskSpec"] as TaskSpec;
      assert.equal(containerSpec["readOnly"], true, name);
      assert.deepEqual(containerSpec["capDrops"], ["ALL"], name);
      assert.match(String(containerSpec["user"]), /^[1-9]\d*:[1-9]\d*$/, name);
    }
  });

  it("has limits and reservations, placement, and a restart policy with an end", async () => {
    const resources = { limits: { cpu: "250m", memory: "512M" }, requests: { cpu: "100m", memory: "64M" } } as const;
    const constraints = ["node.labels.zone==eu"];
    new SwarmApp("hello", { ...baseArgs, resources, constraints, spreadOver: ["node.labels.rack"] });

    const task = await taskOf();
    assert.deepEqual(task.resources, {
      limits: { nanoCpus: 250_000_000, memoryBytes: 512_000_000 },
      reservation: { nanoCpus: 100_000_000, memoryBytes: 64_000_000 },
    });
    assert.deepEqual(task.placement, { constraints, prefs: ["spread=node.labels.rack"] });
    assert.deepEqual(task.restartPolicy, { condition: "any", delay: "2s", maxAttempts: 10, window: "120s" });
  });

  it("gives secrets as files of the app's user, each by a secret that Pulumi names anew when it changes", async () => {
    new SwarmApp("hello", { ...baseArgs, secrets: { API_KEY: "s3cret" } });

    const { inputs } = await only("docker:index/secret:Secret");
    assert.equal(inputs["name"], undefined);
    assert.match(JSON.stringify(inputs["data"]), new RegExp(Buffer.from("s3cret").toString("base64")));
    const { containerSpec } = await taskOf();
    assert.deepEqual(containerSpec["secrets"], [
      {
        secretId: "hello-api-key-id",
        secretName: "hello-api-key-1a2b3c4d",
        fileName: "/run/secrets/API_KEY",
        fileUid: "10001",
        fileGid: "10001",
        fileMode: 0o400,
      },
    ]);
    assert.doesNotMatch(JSON.stringify(containerSpec), /s3cret/);
  });

  it("waits until an update has converged, for as long as all tasks and a way back may take", async () => {
    new SwarmApp("hello", { ...baseArgs, update: { parallelism: 3 } });
    // One step: start period 10 s, three checks of 2 + 30 s, drain 5 s, monitor 10 s; twice, and a minute.
    assert.deepEqual((await only(service)).inputs["convergeConfig"], { delay: "1s", timeout: "302s" });
  });

  it("protects the store's volume unless told otherwise, and keeps the store on its node", async () => {
    const { options, transformations } = recordOptions();
    new SwarmApp("hello", { ...baseArgs, store: { image: `ghcr.io/me/store@${digest}` } }, { transformations });
    await graph();

    assert.equal(options.get("docker:index/volume:Volume hello-store")?.protect, true);
    assert.deepEqual((await taskOf("hello-store")).placement, { constraints: ["node.role==manager"], maxReplicas: 1 });
  });

  const wrong: [Partial<SwarmAppArgs>, string][] = [
    [{ publish: "host" as "ingress" }, 'publish must be one of "ingress", "balancer", got "host"'],
    [{ update: { parallelism: 0 } }, "update.parallelism must be an integer from 1 to 100, got 0"],
    [{ update: { delaySeconds: -1 } }, "update.delaySeconds must be an integer from 0 to 3600, got -1"],
    [
      { update: { order: "new-first" as "start-first" } },
      'update.order must be one of "start-first", "stop-first", got "new-first"',
    ],
    [
      { update: { failureAction: "stop" as "pause" } },
      'update.failureAction must be one of "rollback", "pause", "continue", got "stop"',
    ],
    [{ update: { monitorSeconds: 0 } }, "update.monitorSeconds must be an integer from 1 to 3600, got 0"],
    [{ update: { maxFailureRatio: 1.1 } }, "update.maxFailureRatio must be a number from 0 to 1, got 1.1"],
    [{ update: { maxFailureRatio: -0.1 } }, "update.maxFailureRatio must be a number from 0 to 1, got -0.1"],
    [
      { update: { failureAction: "continue", maxFailureRatio: 0.5 } },
      'update.maxFailureRatio must be 0 with failureAction "continue", since Swarm then never looks at it',
    ],
    ...["zone=eu", "my node.id==a", "node.id==a b", "node.labels.zone = = eu"].map(
      (text): [Partial<SwarmAppArgs>, string] => [
        { constraints: [text] },
        `constraints[0] must be a constraint such as "node.labels.zone==eu", got "${text}"`,
      ],
    ),
    ...["zone", "my node.labels.zone", "node.labels.zone ="].map((text): [Partial<SwarmAppArgs>, string] => [
      { spreadOver: [text] },
      `spreadOver[0] must be a label such as "node.labels.zone", got "${text}"`,
    ]),
    ...(["limits", "requests"] as const).map((kind): [Partial<SwarmAppArgs>, string] => [
      { resources: { [kind]: { "ephemeral-storage": "64Mi" } } },
      "resources must leave out ephemeral-storage, which Swarm does not limit",
    ]),
    [{ drainSeconds: 0 }, "drainSeconds must be at least 1: Swarm's DNS tells of a stopped task a moment late"],
  ];
  for (const [args, message] of wrong) {
    it(`refuses ${JSON.stringify(args)}: ${message}`, () =>
      assert.deepEqual(checkSwarmApp("hello", { ...baseArgs, ...args }), [message]));
  }

  for (const args of [
    { update: { failureAction: "continue" } },
    { update: { failureAction: "pause", maxFailureRatio: 1 } },
    { constraints: ["node.role != manager", "engine.labels.disk==ssd"], spreadOver: ["engine.labels.rack"] },
    { resources: { limits: { memory: "64Mi" } } },
    { resources: { requests: { memory: "64Mi" } } },
  ] as const) {
    it(`takes ${JSON.stringify(args)}`, () => assert.deepEqual(checkSwarmApp("hello", { ...baseArgs, ...args }), []));
  }
});
