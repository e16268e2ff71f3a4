import assert from "node:assert/strict";

import { ComposeApp } from "../components/index.ts";
import { created, dependencies, digest, graph, only, recordOptions, useMocks } from "./mocks.ts";

const file = "test/e2e/fixtures/compose/compose.yaml";
const variables = { IMAGE: `ghcr.io/me/hello@${digest}` };
const container = "docker:index/container:Container";
const swarmService = "docker:index/service:Service";
const deployment = "kubernetes:apps/v1:Deployment";
const service = "kubernetes:core/v1:Service";

describe("ComposeApp", () => {
  beforeEach(() => useMocks());

  it("makes containers, a network and a volume on one Docker host", async () => {
    const app = new ComposeApp("pair", { file, variables, target: "docker" });

    assert.deepEqual(app.services, ["api", "web"]);
    assert.deepEqual(
      (await graph()).filter((line) => line.startsWith("docker:")),
      [
        `${container} pair-api-1`,
        `${container} pair-api-2`,
        `${container} pair-web`,
        "docker:index/network:Network pair-default",
        "docker:index/remoteImage:RemoteImage pair-api",
        "docker:index/remoteImage:RemoteImage pair-web",
        "docker:index/volume:Volume pair-data",
      ],
    );
    const { inputs } = await only(container, "pair-web");
    assert.deepEqual(inputs["ports"], [{ internal: 3100, external: 8080, protocol: "tcp" }]);
    assert.deepEqual(inputs["envs"], ["PORT=3100", "REGION=compose"]);
    assert.equal(inputs["memory"], 256);
    assert.equal(inputs["restart"], "unless-stopped");
    assert.equal(inputs["wait"], true);
    assert.equal((await only(container, "pair-api-1")).inputs["restart"], "no");
  });

  it("starts a service after those that it depends on, on every target", async () => {
    for (const [target, type, api] of [
      ["docker", container, `${container}::pair-api-2`],
      ["swarm", swarmService, `${swarmService}::pair-api`],
      ["kubernetes", deployment, `${deployment}::pair-api`],
    ] as const) {
      await useMocks();
      const { options, transformations } = recordOptions();
      new ComposeApp("pair", { file, variables, target }, { transformations });
      await graph();
      assert.ok((await dependencies(options, `${type} pair-web`)).includes(api), target);
    }
  });

  it("gives a service the names that links give it, on every target", async () => {
    new ComposeApp("pair", { file, variables, target: "docker" });
    const { networksAdvanced } = (await only(container, "pair-api-1")).inputs as {
      networksAdvanced: { aliases: string[] }[];
    };
    assert.deepEqual(networksAdvanced[0]?.aliases, ["api", "backend"]);

    await useMocks();
    new ComposeApp("pair", { file, variables, target: "kubernetes" });
    const names = (await created(service)).map(({ inputs }) => (inputs["metadata"] as { name: string }).name);
    assert.deepEqual(names.toSorted(), ["api", "backend", "web", "web-published"]);
  });

  it("makes services, and configs whose change rolls the tasks, on a Swarm", async () => {
    new ComposeApp("pair", { file, variables, target: "swarm" });

    const { inputs } = await only(swarmService, "pair-web");
    const { containerSpec, resources } = inputs["taskSpec"] as {
      containerSpec: Record<string, unknown>;
      resources: unknown;
    };
    assert.deepEqual(resources, { limits: { nanoCpus: 1e9, memoryBytes: 256 * 2 ** 20 }, reservation: {} });
    assert.equal((containerSpec["configs"] as { fileName: string }[])[0]?.fileName, "/etc/motto/motto.txt");
    assert.deepEqual((await only(swarmService, "pair-api")).inputs["mode"], { replicated: { replicas: 2 } });
    const config = await only("docker:index/serviceConfig:ServiceConfig");
    assert.equal(Buffer.from(String(config.inputs["data"]), "base64").toString(), "one file, three targets");
  });

  it("makes Deployments, a volume claim and a ConfigMap on Kubernetes, as safe as the file says", async () => {
    new ComposeApp("pair", { file, variables, target: "kubernetes", namespace: "shop" });

    const { spec } = (await only(deployment, "pair-web")).inputs as {
      spec: { strategy: unknown; template: { spec: Record<string, unknown> } };
    };
    assert.deepEqual(spec.strategy, { type: "Recreate" });
    const pod = spec.template.spec as {
      containers: [Record<string, unknown>];
      securityContext: Record<string, unknown>;
    };
    assert.equal(pod.securityContext["runAsUser"], 10001);
    assert.deepEqual(pod.containers[0]["securityContext"], {
      readOnlyRootFilesystem: true,
      capabilities: { add: [], drop: ["ALL"] },
    });
    assert.match(JSON.stringify(pod.containers[0]["readinessProbe"]), /backend:3000/);
    assert.deepEqual((await only("kubernetes:core/v1:ConfigMap")).inputs["data"], { file: "one file, three targets" });
    assert.equal((await created("kubernetes:core/v1:PersistentVolumeClaim")).length, 1);
    const published = (await only(service, "pair-web-published")).inputs["spec"] as { ports: { port: number }[] };
    assert.deepEqual(
      published.ports.map(({ port }) => port),
      [8080],
    );
  });

  it("names all that is wrong, and makes nothing", async () => {
    assert.throws(
      () => new ComposeApp("pair", { file, variables: { ...variables, IMAGE: "" }, target: "docker" }),
      /compose\.yaml:4:12: the variable IMAGE is required: the app's image/,
    );
    assert.throws(
      () => new ComposeApp("pair", { file: "nowhere.yaml", target: "docker" }),
      /there is no Compose file nowhere\.yaml/,
    );
    assert.throws(
      () => new ComposeApp("pair", { file, variables, target: "helm" as "docker" }),
      /target must be one of "kubernetes", "docker", "swarm", got "helm"/,
    );
    assert.deepEqual(
      (await graph()).filter((line) => !line.startsWith("meridian:")),
      [],
    );
  });
});
