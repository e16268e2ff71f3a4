import assert from "node:assert/strict";

import { WebService } from "../components/index.ts";
import type { CanaryRelease, WebServiceArgs } from "../components/index.ts";
import { canaryReplicas } from "../components/release.ts";
import { created, digest, graph, recordOptions, specOf, useMocks } from "./mocks.ts";

const image = `registry.example/hello@${digest}`;
const baseArgs: WebServiceArgs = { image, namespace: "shop", version: "v0.0.2" };
const stable = { version: "v0.0.1", image: `registry.example/hello@sha256:${"1".repeat(64)}` };
const deploymentType = "kubernetes:apps/v1:Deployment";

describe("a canary release", () => {
  beforeEach(() => useMocks());

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
      "replicas must be 2 or more with a weight of 50, got 1",
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
