import assert from "node:assert/strict";

import { WebService } from "../components/index.ts";
import type { CanaryRelease, WebServiceArgs } from "../components/index.ts";
import { canaryReplicas, weightedReplicas } from "../components/release.ts";
import { created, dependencies, digest, graph, recordOptions, specOf, useMocks } from "./mocks.ts";

const image = `registry.example/hello@${digest}`;
const baseArgs: WebServiceArgs = { image, namespace: "shop", version: "v0.0.2" };
const stable = { version: "v0.0.1", image: `registry.example/hello@sha256:${"1".repeat(64)}` };
const deploymentType = "kubernetes:apps/v1:Deployment";

describe("a canary release", () => {
  beforeEach(() => useMocks());

  const route = { host: "hello.example.com", gateway: { name: "public" } };
  const selectorOf = (version: string) => ({
    "app.kubernetes.io/name": "hello",
    "app.kubernetes.io/instance": "hello-canary",
    "app.kubernetes.io/version": version,
  });

  const make = (release: Partial<CanaryRelease>, args: Partial<WebServiceArgs> = {}) => {
    const { options, transformations } = recordOptions();
    new WebService("hello", { ...baseArgs, ...args, release: { kind: "canary", ...release } }, { transformations });
    return options;
  };

  it("has its share of the replicas, and the stable release the others, behind one Service", async () => {
    make({ stable, weight: 30 }, { replicas: 10 });

    const specs = (await created(deploymentType)).map(({ name, inputs }) => {
      const { replicas, selector } = inputs["spec"] as { replicas: number; selector: { matchLabels: unknown } };
      return { name, replicas, selector: selector.matchLabels };
    });
    const common = { "app.kubernetes.io/name": "hello", "app.kubernetes.io/instance": "hello-canary" };
    const selector = (version: string) => ({ ...common, "app.kubernetes.io/version": version });
    assert.deepEqual(specs, [
      { name: "hello-v0-0-2", replicas: 3, selector: selector("v0.0.2") },
      { name: "hello-v0-0-1", replicas: 7, selector: selector("v0.0.1") },
    ]);
    assert.deepEqual((await specOf("kubernetes:core/v1:Service"))["selector"], common);
  });

  it("gets the traffic when its replicas are ready, and only then takes some from the stable release", async () => {
    const options = make({ stable, weight: 30 });
    await graph();

    const newest = `${deploymentType}::hello-v0-0-2`;
    assert.deepEqual(await dependencies(options, "kubernetes:core/v1:Service hello"), [
      newest,
      `${deploymentType}::hello-v0-0-1`,
    ]);
    assert.ok((await dependencies(options, `${deploymentType} hello-v0-0-1`)).includes(newest));
  });

  it("is all there is while no other release is stable", async () => {
    for (const args of [{}, { route }]) {
      await useMocks();
      const options = make({}, args);
      assert.deepEqual(await dependencies(options, "kubernetes:core/v1:Service hello"), [
        `${deploymentType}::hello-v0-0-2`,
      ]);
      assert.equal((await specOf(deploymentType))["replicas"], 3);
    }
  });

  it("leaves the stable release as it was", async () => {
    const options = make({ stable, weight: 30 });
    await graph();

    assert.deepEqual(options.get(`${deploymentType} hello-v0-0-1`)?.ignoreChanges, ["spec.template"]);
    assert.equal(options.get(`${deploymentType} hello-v0-0-2`)?.ignoreChanges, undefined);
  });

  it("has all replicas in the end", async () => {
    make({ stable, weight: 100 });

    assert.deepEqual(
      (await created(deploymentType)).map(({ name }) => name),
      ["hello-v0-0-2"],
    );
    assert.equal((await specOf(deploymentType))["replicas"], 3);
  });

  const backends = async () => {
    const { rules } = (await specOf("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute")) as {
      rules: { backendRefs: unknown }[];
    };
    return rules[0]?.backendRefs;
  };

  it("has its exact share of a route's requests, beside a stable release that keeps all its replicas", async () => {
    make({ stable, weight: 10 }, { route });

    const replicas = (await created(deploymentType)).map(({ name, inputs }) => [
      name,
      (inputs["spec"] as { replicas: number }).replicas,
    ]);
    assert.deepEqual(Object.fromEntries(replicas), { "hello-v0-0-2": 1, "hello-v0-0-1": 3 });
    assert.deepEqual(await backends(), [
      { name: "hello-v0-0-2-1a2b3c4d", port: 8888, weight: 10 },
      { name: "hello-v0-0-1-1a2b3c4d", port: 8888, weight: 90 },
    ]);
    const services = await created("kubernetes:core/v1:Service");
    const ports = [{ name: "http", port: 8888, targetPort: "http" }];
    assert.deepEqual(services.find(({ name }) => name === "hello-v0-0-1")?.inputs, {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        namespace: "shop",
        labels: selectorOf("v0.0.1"),
        annotations: { "pulumi.com/skipAwait": "true" },
      },
      spec: { type: "ClusterIP", selector: selectorOf("v0.0.1"), ports },
    });
    const common = { "app.kubernetes.io/name": "hello", "app.kubernetes.io/instance": "hello-canary" };
    assert.deepEqual(
      Object.fromEntries(
        services.map(({ name, inputs }) => [name, (inputs["spec"] as { selector: unknown }).selector]),
      ),
      {
        hello: common,
        "hello-v0-0-2": { ...common, "app.kubernetes.io/version": "v0.0.2" },
        "hello-v0-0-1": { ...common, "app.kubernetes.io/version": "v0.0.1" },
      },
    );
  });

  it("gets its share of a route when its replicas are ready", async () => {
    const options = make({ stable, weight: 10 }, { route });
    await graph();

    const { dependsOn } = options.get("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute hello") ?? {};
    assert.equal((dependsOn as unknown[]).length, 2);
    assert.deepEqual([...options.keys()].toSorted(), await graph());
    assert.deepEqual(options.get(`${deploymentType} hello-v0-0-1`)?.ignoreChanges, ["spec.template"]);
  });

  it("has all of a route's requests in the end", async () => {
    make({ stable, weight: 100 }, { route });

    assert.deepEqual(await backends(), [{ name: "hello-v0-0-2-1a2b3c4d", port: 8888, weight: 100 }]);
    assert.deepEqual(
      (await created(deploymentType)).map(({ name }) => name),
      ["hello-v0-0-2"],
    );
  });

  it("of one replica has a share of a route's requests", async () => {
    make({ stable, weight: 50 }, { route, replicas: 1 });

    assert.equal((await created(deploymentType)).length, 2);
  });

  for (const [weight, replicas, share] of [
    [1, 3, 1],
    [34, 3, 2],
    [50, 4, 2],
    [100, 3, 3],
  ] as const) {
    it(`of ${weight} % of the requests has ${share} replicas beside ${replicas}`, () =>
      assert.equal(weightedReplicas(weight, replicas), share));
  }

  const shares: [number, number, number][] = [
    [1, 3, 1],
    [34, 3, 1],
    [50, 3, 2],
    [99, 3, 2],
    [100, 3, 3],
    [5, 100, 5],
    [100, 1, 1],
  ];
  for (const [weight, replicas, share] of shares) {
    it(`of ${weight} % has ${share} of ${replicas} replicas`, () =>
      assert.equal(canaryReplicas(weight, replicas), share));
  }

  const refused: [string, Partial<CanaryRelease>, Partial<WebServiceArgs>, string][] = [
    ["a weight of 0", { stable, weight: 0 }, {}, "release.weight must be an integer from 1 to 100, got 0"],
    ["a weight above 100", { stable, weight: 101 }, {}, "release.weight must be an integer from 1 to 100, got 101"],
    ["a share of nothing else", { weight: 50 }, {}, "release.stable must be set with a weight of 50"],
    [
      "a share of one replica",
      { stable, weight: 50 },
      { replicas: 1 },
      "replicas must be 2 or more with a weight of 50 and without a route, got 1",
    ],
    [
      "itself beside it",
      { stable: { ...stable, version: "v0.0.2" }, weight: 50 },
      {},
      'version and release.stable.version must each be given once, got "v0.0.2" twice or more',
    ],
    [
      "a service without a version",
      {},
      { version: undefined },
      "version must be set with a canary release, which tells releases apart by it",
    ],
  ];
  for (const [what, release, args, message] of refused) {
    it(`refuses ${what}`, () => assert.throws(() => make(release, args), { message }));
  }
});
