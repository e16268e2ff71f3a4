import assert from "node:assert/strict";

import { WebService } from "../components/index.ts";
import type { BlueGreenRelease, Release, WebServiceArgs } from "../components/index.ts";
import { releaseTimeoutSeconds } from "../components/release.ts";
import { dependencies, digest, graph, only, recordOptions, specOf, useMocks } from "./mocks.ts";

const baseArgs: WebServiceArgs = { image: `registry.example/hello@${digest}`, namespace: "shop" };
const smokeTest = { command: ["node", "smoke.js"] };
const releaseSelector = { "app.kubernetes.io/name": "hello", "app.kubernetes.io/instance": "hello-c0ffee00" };

describe("a rolling release", () => {
  beforeEach(() => useMocks());

  it("can go without a surge, as in the course", async () => {
    new WebService("hello", { ...baseArgs, release: { kind: "rolling", maxSurge: 0, maxUnavailable: 1 } });

    assert.deepEqual((await specOf("kubernetes:apps/v1:Deployment", "hello"))["strategy"], {
      type: "RollingUpdate",
      rollingUpdate: { maxSurge: 0, maxUnavailable: 1 },
    });
  });

  it("changes the Deployment in place and needs no identity", async () => {
    const { options, transformations } = recordOptions();
    new WebService("hello", baseArgs, { transformations });

    assert.ok(!(await graph()).some((resource) => resource.startsWith("random:")));
    assert.equal(options.get("kubernetes:apps/v1:Deployment hello")?.replaceOnChanges, undefined);
  });

  it("gives its replicas a mark, and the traffic when they are ready, so that the kind can change under load", async () => {
    const { options, transformations } = recordOptions();
    new WebService("hello", baseArgs, { transformations });

    const marked = { "app.kubernetes.io/name": "hello", "app.kubernetes.io/instance": "hello" };
    assert.deepEqual((await specOf("kubernetes:core/v1:Service", "hello"))["selector"], marked);
    const { template } = await specOf("kubernetes:apps/v1:Deployment", "hello");
    assert.deepEqual((template as { metadata: { labels: unknown } }).metadata.labels, {
      ...marked,
      "app.kubernetes.io/managed-by": "pulumi",
    });
    assert.deepEqual(await dependencies(options, "kubernetes:core/v1:Service hello"), [
      "kubernetes:apps/v1:Deployment::hello",
    ]);
  });
});

describe("a blue/green release", () => {
  beforeEach(() => useMocks());

  it("has a Deployment, an identity and a preview of its own", async () => {
    new WebService("hello", { ...baseArgs, release: { kind: "blueGreen", smokeTest } });

    assert.deepEqual(await graph(), [
      "kubernetes:apps/v1:Deployment hello",
      "kubernetes:batch/v1:Job hello-smoke-test",
      "kubernetes:core/v1:Service hello",
      "kubernetes:core/v1:Service hello-preview",
      "kubernetes:core/v1:ServiceAccount hello",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy hello",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy hello-smoke-test",
      "kubernetes:policy/v1:PodDisruptionBudget hello",
      "meridian:index:WebService hello",
      "random:index/randomId:RandomId hello-release",
    ]);
  });

  it("is all the component's, with a test that only the replicas answer", async () => {
    const { options, transformations } = recordOptions();
    new WebService("hello", { ...baseArgs, release: { kind: "blueGreen", smokeTest } }, { transformations });

    assert.deepEqual(await graph(), [...options.keys()].toSorted());
    const labels = { ...releaseSelector, "app.kubernetes.io/name": "hello-smoke-test" };
    for (const type of ["kubernetes:networking.k8s.io/v1:NetworkPolicy", "kubernetes:batch/v1:Job"]) {
      const { metadata } = (await only(type, "hello-smoke-test")).inputs;
      assert.deepEqual(metadata, { namespace: "shop", labels });
    }
  });

  it("replaces the Deployment, and moves the traffic after the smoke test", async () => {
    const { options, transformations } = recordOptions();
    new WebService("hello", { ...baseArgs, release: { kind: "blueGreen", smokeTest } }, { transformations });

    const { selector, template } = await specOf("kubernetes:apps/v1:Deployment", "hello");
    assert.deepEqual(selector, { matchLabels: releaseSelector });
    assert.deepEqual((template as { metadata: { labels: unknown } }).metadata.labels, {
      ...releaseSelector,
      "app.kubernetes.io/managed-by": "pulumi",
    });
    assert.deepEqual(options.get("kubernetes:apps/v1:Deployment hello")?.replaceOnChanges, [
      "spec.selector",
      "spec.template",
    ]);
    assert.deepEqual((await specOf("kubernetes:core/v1:Service", "hello"))["selector"], releaseSelector);
    assert.deepEqual(await dependencies(options, "kubernetes:core/v1:Service hello"), [
      "kubernetes:apps/v1:Deployment::hello",
      "kubernetes:batch/v1:Job::hello-smoke-test",
    ]);
    assert.deepEqual(await dependencies(options, "kubernetes:batch/v1:Job hello-smoke-test"), [
      "kubernetes:apps/v1:Deployment::hello",
    ]);
  });

  it("moves the traffic as soon as all replicas are ready if there is no smoke test", async () => {
    const { options, transformations } = recordOptions();
    new WebService("hello", { ...baseArgs, release: { kind: "blueGreen" } }, { transformations });

    assert.ok(!(await graph()).includes("kubernetes:batch/v1:Job hello-smoke-test"));
    assert.deepEqual(await dependencies(options, "kubernetes:core/v1:Service hello"), [
      "kubernetes:apps/v1:Deployment::hello",
    ]);
  });

  it("lets the old replicas go on for a while, which the update does not wait for", async () => {
    new WebService("hello", { ...baseArgs, release: { kind: "blueGreen" } });

    const { metadata, spec } = (await only("kubernetes:apps/v1:Deployment")).inputs as {
      metadata: { annotations: Record<string, string> };
      spec: { template: { spec: { terminationGracePeriodSeconds: number; containers: [{ lifecycle: unknown }] } } };
    };
    assert.deepEqual(spec.template.spec.containers[0].lifecycle, { preStop: { sleep: { seconds: 30 } } });
    assert.equal(spec.template.spec.terminationGracePeriodSeconds, 55);
    assert.equal(metadata.annotations["pulumi.com/deletionPropagationPolicy"], "background");
  });

  it("shows the new release at once on a preview Service inside the cluster", async () => {
    new WebService("hello", { ...baseArgs, release: { kind: "blueGreen" } });

    assert.deepEqual((await only("kubernetes:core/v1:Service", "hello-preview")).inputs["metadata"], {
      namespace: "shop",
      labels: releaseSelector,
      annotations: { "pulumi.com/skipAwait": "true" },
    });
    assert.deepEqual(await specOf("kubernetes:core/v1:Service", "hello-preview"), {
      type: "ClusterIP",
      selector: releaseSelector,
      ports: [{ name: "http", port: 8888, targetPort: "http" }],
    });
  });

  it("is tested by a Job that is as restricted as the replicas and gets none of their requests", async () => {
    const image = "registry.example/curl@sha256:1";
    const release: Release = { kind: "blueGreen", smokeTest: { ...smokeTest, image, timeoutSeconds: 20 } };
    new WebService("hello", { ...baseArgs, release });

    const labels = { ...releaseSelector, "app.kubernetes.io/name": "hello-smoke-test" };
    assert.deepEqual(await specOf("kubernetes:batch/v1:Job", "hello-smoke-test"), {
      backoffLimit: 2,
      activeDeadlineSeconds: 20,
      template: {
        metadata: { labels },
        spec: {
          automountServiceAccountToken: false,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 10001,
            runAsGroup: 10001,
            fsGroup: 10001,
            seccompProfile: { type: "RuntimeDefault" },
          },
          serviceAccountName: "hello-1a2b3c4d",
          imagePullSecrets: [],
          restartPolicy: "Never",
          containers: [
            {
              name: "smoke-test",
              image,
              imagePullPolicy: "IfNotPresent",
              command: ["node", "smoke.js"],
              env: [{ name: "PREVIEW_URL", value: "http://hello-preview-1a2b3c4d.shop.svc:8888" }],
              resources: {
                requests: { cpu: "50m", memory: "32Mi", "ephemeral-storage": "16Mi" },
                limits: { cpu: "1", memory: "128Mi", "ephemeral-storage": "64Mi" },
              },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ["ALL"] },
              },
            },
          ],
        },
      },
    });
  });

  it("gets another identity by whatever changes the replicas, and by nothing else", async () => {
    const keeper = async (args: Partial<WebServiceArgs>) => {
      await useMocks();
      new WebService("hello", { ...baseArgs, release: { kind: "blueGreen" }, ...args });
      return (await only("random:index/randomId:RandomId")).inputs["keepers"] as { template: string };
    };

    const { template } = await keeper({});
    assert.match(template, /^[0-9a-f]{64}$/);
    assert.deepEqual(await keeper({}), { template });
    assert.deepEqual(await keeper({ replicas: 5 }), { template });
    assert.notDeepEqual(await keeper({ image: "registry.example/hello@sha256:2" }), { template });
    assert.notDeepEqual(await keeper({ env: { GREETING: "hi" } }), { template });
    assert.notDeepEqual(await keeper({ version: "v0.0.2" }), { template });
  });
});

describe("a blue/green release beside a previous one", () => {
  const previous = [{ version: "v0.0.1", image: `registry.example/hello@sha256:${"1".repeat(64)}` }];
  const version = "v0.0.2";
  const make = async (release: Partial<BlueGreenRelease>) => {
    await useMocks();
    const { options, transformations } = recordOptions();
    new WebService("hello", { ...baseArgs, version, release: { kind: "blueGreen", ...release } }, { transformations });
    return options;
  };

  it("gives each version a Deployment and an identity of its own", async () => {
    await make({ previous });

    const deployments = (await graph()).filter((resource) => /Deployment|RandomId/.test(resource));
    assert.deepEqual(deployments, [
      "kubernetes:apps/v1:Deployment hello-v0-0-1",
      "kubernetes:apps/v1:Deployment hello-v0-0-2",
      "random:index/randomId:RandomId hello-v0-0-1-release",
      "random:index/randomId:RandomId hello-v0-0-2-release",
    ]);
    const { template } = await specOf("kubernetes:apps/v1:Deployment", "hello-v0-0-1");
    const { metadata, spec } = template as {
      metadata: { labels: Record<string, string> };
      spec: { containers: { image: string }[] };
    };
    assert.equal(metadata.labels["app.kubernetes.io/version"], "v0.0.1");
    assert.equal(spec.containers[0]?.image, previous[0]?.image);
  });

  it("leaves the previous one as it was", async () => {
    const options = await make({ previous });
    await graph();

    const ignored = (resource: string) => options.get(resource)?.ignoreChanges;
    assert.deepEqual(ignored("kubernetes:apps/v1:Deployment hello-v0-0-1"), ["spec.selector", "spec.template"]);
    assert.deepEqual(ignored("random:index/randomId:RandomId hello-v0-0-1-release"), ["keepers"]);
    assert.deepEqual(ignored("kubernetes:apps/v1:Deployment hello-v0-0-2"), []);
    assert.deepEqual(ignored("random:index/randomId:RandomId hello-v0-0-2-release"), []);
  });

  it("waits for the new one and its test before the traffic moves, and for nothing else when it goes back", async () => {
    const gate = async (choice: Partial<BlueGreenRelease>) => {
      const options = await make({ previous, smokeTest, ...choice });
      await graph();
      return dependencies(options, "kubernetes:core/v1:Service hello");
    };

    const newest = ["kubernetes:apps/v1:Deployment::hello-v0-0-2", "kubernetes:batch/v1:Job::hello-smoke-test"];
    const earlier = ["kubernetes:apps/v1:Deployment::hello-v0-0-1"];
    assert.deepEqual(await gate({}), newest);
    assert.deepEqual(await gate({ active: "v0.0.2" }), newest);
    assert.deepEqual(await gate({ active: "v0.0.1" }), earlier);
    assert.deepEqual(await gate({ promote: "manual" }), earlier);
    assert.deepEqual(await gate({ promote: "manual", active: "v0.0.2" }), newest);
  });
});

describe("the time that a release may take", () => {
  const table: [Release, number, number][] = [
    [{ kind: "rolling" }, 3, 360],
    [{ kind: "rolling", maxSurge: 2, maxUnavailable: 1 }, 3, 120],
    [{ kind: "rolling", maxSurge: "25%", maxUnavailable: "25%" }, 6, 240],
    [{ kind: "rolling", maxSurge: "1%", maxUnavailable: "0%", progressDeadlineSeconds: 10 }, 4, 40],
    [{ kind: "rolling", maxSurge: 0, maxUnavailable: "10%", minReadySeconds: 10 }, 3, 390],
    [{ kind: "blueGreen" }, 50, 120],
    [{ kind: "blueGreen", progressDeadlineSeconds: 60, minReadySeconds: 5 }, 3, 65],
  ];
  for (const [release, replicas, seconds] of table) {
    it(`is ${seconds} s for ${replicas} replicas with ${JSON.stringify(release)}`, () => {
      assert.equal(releaseTimeoutSeconds(release, replicas), seconds);
    });
  }
});
