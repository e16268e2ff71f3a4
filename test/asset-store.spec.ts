import assert from "node:assert/strict";

import { WebService } from "../components/index.ts";
import type { AssetStore, WebServiceArgs } from "../components/index.ts";
import { dependencies, digest, graph, only, recordOptions, specOf, useMocks } from "./mocks.ts";

const baseArgs: WebServiceArgs = { image: `registry.example/hello@${digest}`, namespace: "shop", version: "v0.0.3" };
const previous = ["v0.0.2", "v0.0.1"].map((version) => ({ version, image: `registry.example/${version}@${digest}` }));
const assetStore: AssetStore = { folder: "/app/dist", previous };
const deployment = "kubernetes:apps/v1:Deployment";
const selector = { "app.kubernetes.io/name": "hello-assets" };
const labels = { ...selector, "app.kubernetes.io/managed-by": "pulumi" };

interface Pod {
  readonly volumes: unknown;
  readonly containers: [{ image: string; env: { name: string; value?: string }[]; envFrom: []; volumeMounts: unknown }];
}
const podOf = async (name: string) => ((await specOf(deployment, name))["template"] as { spec: Pod }).spec;
const waitsFor = async (args: Partial<WebServiceArgs>, resource: string) => {
  const { options, transformations } = recordOptions();
  new WebService("hello", { ...baseArgs, assetStore, ...args }, { transformations });
  await graph();
  return dependencies(options, resource);
};

describe("an asset store", () => {
  beforeEach(() => useMocks());

  it("is left out unless it is wanted", async () => {
    new WebService("hello", baseArgs);
    assert.ok(!(await graph()).some((resource) => resource.includes("assets")));
  });

  it("mounts the assets of earlier releases out of their images", async () => {
    new WebService("hello", { ...baseArgs, assetStore });

    const { containers, volumes } = await podOf("hello-assets");
    assert.deepEqual(volumes, [
      { name: "release-0", image: { reference: `registry.example/v0.0.2@${digest}`, pullPolicy: "IfNotPresent" } },
      { name: "release-1", image: { reference: `registry.example/v0.0.1@${digest}`, pullPolicy: "IfNotPresent" } },
    ]);
    assert.deepEqual(containers[0].volumeMounts, [
      { name: "release-0", mountPath: "/releases/v0.0.2", subPath: "app/dist" },
      { name: "release-1", mountPath: "/releases/v0.0.1", subPath: "app/dist" },
    ]);
    assert.equal(containers[0].image, baseArgs.image);
    const folders = containers[0].env.find(({ name }) => name === "ASSET_FOLDERS");
    assert.equal(folders?.value, "/releases/v0.0.2:/releases/v0.0.1");
  });

  it("is known to the replicas, and to nobody else", async () => {
    new WebService("hello", { ...baseArgs, assetStore, allowTo: [] });

    const url = (await podOf("hello")).containers[0].env.find(({ name }) => name === "ASSET_STORE_URL");
    assert.equal(url?.value, "http://hello-assets-1a2b3c4d.shop.svc:8888");
    const { ingress } = await specOf("kubernetes:networking.k8s.io/v1:NetworkPolicy", "hello-assets");
    const from = [{ podSelector: { matchLabels: { "app.kubernetes.io/name": "hello" } } }];
    assert.deepEqual(ingress, [{ from, ports: [{ port: "http", protocol: "TCP" }] }]);
    const { egress } = await specOf("kubernetes:networking.k8s.io/v1:NetworkPolicy", "hello");
    const to = [{ podSelector: { matchLabels: { "app.kubernetes.io/name": "hello-assets" } } }];
    assert.deepEqual((egress as unknown[])[0], { to });
  });

  it("gets nothing of the service's environment, which may be secret", async () => {
    new WebService("hello", { ...baseArgs, assetStore, env: { STORE_URL: "x" }, secretEnv: { PASSWORD: "y" } });

    const [{ env, envFrom }] = (await podOf("hello-assets")).containers;
    assert.ok(!env.some(({ name }) => name === "STORE_URL"));
    assert.deepEqual(envFrom, []);
    assert.equal((await only("kubernetes:core/v1:Service", "hello-assets")).type, "kubernetes:core/v1:Service");
  });

  it("is two pods with a program of their own if they are told so, all of them renewed at once", async () => {
    const release = { kind: "rolling", progressDeadlineSeconds: 33 } as const;
    const volumes = [{ kind: "emptyDir", name: "scratch", mountPath: "/tmp", sizeLimit: "16Mi" }] as const;
    const command = ["node", "files.js"];
    new WebService("hello", { ...baseArgs, release, volumes, assetStore: { ...assetStore, command } });

    const { template, ...spec } = await specOf(deployment, "hello-assets");
    const { metadata, spec: pod } = template as { metadata: unknown; spec: { containers: { command: unknown }[] } };
    assert.deepEqual(spec, {
      replicas: 2,
      selector: { matchLabels: selector },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "100%", maxUnavailable: 0 } },
      progressDeadlineSeconds: 33,
      revisionHistoryLimit: 1,
    });
    assert.deepEqual(metadata, { labels });
    assert.deepEqual(pod.containers[0]!.command, command);
    assert.deepEqual((await podOf("hello-assets")).containers[0].volumeMounts, [
      { name: "release-0", mountPath: "/releases/v0.0.2", subPath: "app/dist" },
      { name: "release-1", mountPath: "/releases/v0.0.1", subPath: "app/dist" },
    ]);
  });

  it("has an address inside of the cluster, and asks nobody", async () => {
    new WebService("hello", { ...baseArgs, assetStore });

    assert.deepEqual((await only(deployment, "hello-assets")).inputs["metadata"], { namespace: "shop", labels });
    const service = (await only("kubernetes:core/v1:Service", "hello-assets")).inputs;
    assert.deepEqual(service["metadata"], {
      namespace: "shop",
      labels,
      annotations: { "pulumi.com/skipAwait": "true" },
    });
    assert.deepEqual(service["spec"], {
      type: "ClusterIP",
      selector,
      ports: [{ name: "http", port: 8888, targetPort: "http" }],
    });
    const { podSelector, policyTypes, egress } = await specOf(
      "kubernetes:networking.k8s.io/v1:NetworkPolicy",
      "hello-assets",
    );
    assert.deepEqual([podSelector, policyTypes, egress], [{ matchLabels: selector }, ["Ingress", "Egress"], undefined]);
  });

  it("may be empty, for the first release", async () => {
    new WebService("hello", { ...baseArgs, assetStore: { folder: "/app/dist" } });

    const { containers, volumes } = await podOf("hello-assets");
    assert.deepEqual([volumes, containers[0].volumeMounts], [[], []]);
  });

  it("goes with the service that it belongs to", async () => {
    const { options, transformations } = recordOptions();
    const service = new WebService("hello", { ...baseArgs, assetStore }, { transformations });
    await graph();
    const own = [...options].filter(([resource]) => resource.endsWith(" hello-assets"));
    assert.deepEqual(
      own.map(([, { parent }]) => parent === service),
      [true, true, true],
    );
  });

  it("has the new assets before a replica of a rolling release or a canary starts", async () => {
    const store = "kubernetes:apps/v1:Deployment::hello-assets";
    assert.deepEqual(await waitsFor({}, `${deployment} hello`), [store]);
    assert.deepEqual(await waitsFor({ release: { kind: "canary" } }, `${deployment} hello-v0-0-3`), [store]);
  });

  it("has the new assets before a blue/green release gets the traffic, and starts beside it", async () => {
    const release = { kind: "blueGreen" } as const;
    assert.deepEqual(await waitsFor({ release }, `${deployment} hello-v0-0-3`), []);
    assert.ok(
      (await waitsFor({ release }, "kubernetes:core/v1:Service hello")).includes(`${deployment}::hello-assets`),
    );
  });

  const refused: [string, Partial<AssetStore>, string][] = [
    [
      "a relative folder",
      { folder: "dist" },
      'assetStore.folder must be an absolute path without a "/" at its end, such as "/app/dist", got "dist"',
    ],
    [
      "a way out of the image",
      { folder: "/app/../dist" },
      'assetStore.folder must be an absolute path without a "/" at its end, such as "/app/dist", got "/app/../dist"',
    ],
    ["no pod", { replicas: 0 }, "assetStore.replicas must be an integer from 1 to 20, got 0"],
    ["no program", { command: [] }, "assetStore.command must name a program, got []"],
    [
      "a release given twice",
      { previous: [previous[0]!, previous[0]!] },
      'assetStore.previous[…].version must each be given once, got "v0.0.2" twice or more',
    ],
  ];
  for (const [what, wrong, message] of refused) {
    it(`refuses ${what}`, () => {
      const args = { ...baseArgs, assetStore: { ...assetStore, ...wrong } };
      assert.throws(() => new WebService("hello", args), { message });
    });
  }
});
