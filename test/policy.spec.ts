import assert from "node:assert/strict";

import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import * as pulumi from "@pulumi/pulumi";

import type { Resource } from "../policy/pod.ts";
import { policies } from "../policy/policies.ts";
import * as rules from "../policy/rules.ts";
import { all, digest, runProgram, useConfig, useMocks } from "./mocks.ts";

const container = {
  name: "app",
  image: `registry.example/hello@${digest}`,
  resources: { requests: { cpu: "50m", memory: "32Mi" }, limits: { cpu: "1", memory: "128Mi" } },
  securityContext: { allowPrivilegeEscalation: false },
};

function deployment(changed: object = {}, spec: object = {}): Resource {
  const pod = { securityContext: { runAsNonRoot: true }, containers: [{ ...container, ...changed }] };
  const props = { metadata: { name: "hello" }, spec: { replicas: 2, template: { spec: pod }, ...spec } };
  return { type: "kubernetes:apps/v1:Deployment", name: "hello", props };
}

/** What the policies say of these resources in a stack. */
async function violations(stack: string, resources: readonly Resource[]): Promise<string[]> {
  const urn = ({ type, name }: Resource) => `urn:pulumi:${stack}::meridian::${type}::${name}`;
  const seen = resources.map((resource) => ({ ...resource, urn: urn(resource) }));
  const found: string[] = [];
  for (const policy of policies) {
    const report = (message: string) => found.push(`${policy.name}: ${message}`);
    if ("validateStack" in policy) {
      const validate = policy.validateStack as (args: object, report: (message: string) => void) => unknown;
      await validate({ resources: seen } satisfies object, report);
    } else {
      const { validateResource } = policy as ResourceValidationPolicy;
      const validate = validateResource as unknown as (args: object, report: (message: string) => void) => unknown;
      await Promise.all(seen.map((resource) => validate(resource, report)));
    }
  }
  return found;
}

describe("the policy pack", () => {
  const one = "Deployment hello: container app";
  const table: readonly [string, (resource: Resource) => string[], object, string[]][] = [
    ["a digest", rules.noLatest, {}, []],
    ["a version", rules.noLatest, { image: "localhost:5000/hello:v1" }, []],
    [
      "latest",
      rules.noLatest,
      { image: "hello:latest" },
      [`${one} runs hello:latest, which is another image at another time: name a version`],
    ],
    [
      "no tag",
      rules.noLatest,
      { image: "localhost:5000/hello" },
      [`${one} runs localhost:5000/hello, which is another image at another time: name a version`],
    ],
    ["an image that is not known yet", rules.digestsOnly, { image: undefined }, []],
    ["a digest", rules.digestsOnly, {}, []],
    [
      "a tag",
      rules.digestsOnly,
      { image: "hello:v1" },
      [`${one} runs hello:v1 by its tag: name it by its digest, such as ContainerImage.ref does`],
    ],
    ["requests and limits", rules.limitsSet, {}, []],
    [
      "a missing limit and a missing request",
      rules.limitsSet,
      { resources: { requests: { cpu: "1" }, limits: { memory: "1Mi" } } },
      [`${one} has no resources.requests.memory: give it one`, `${one} has no resources.limits.cpu: give it one`],
    ],
    ["a pod that is not root", rules.nonRoot, {}, []],
    [
      "a container that may be root though its pod may not",
      rules.nonRoot,
      { securityContext: { runAsNonRoot: false, runAsUser: 0, privileged: true } },
      [
        `${one} may run as root: set securityContext.runAsNonRoot to true`,
        `${one} runs as root: set securityContext.runAsUser to another user`,
        `${one} may gain privileges: set securityContext.allowPrivilegeEscalation to false`,
        `${one} is privileged: take securityContext.privileged out`,
      ],
    ],
    ["a reference to a Secret", rules.noPlainSecrets, { env: [{ name: "DB_PASSWORD", valueFrom: {} }] }, []],
    [
      "a password, a key and a URL with a password",
      rules.noPlainSecrets,
      {
        env: [
          { name: "DB_PASSWORD", value: "x" },
          { name: "ApiKey", value: { secret: "x" } },
          { name: "STORE_URL", value: "redis://:x@store:6379" },
          { name: "HOME_URL", value: "https://example.com/a:b@c" },
        ],
      },
      ["DB_PASSWORD", "ApiKey", "STORE_URL"].map(
        (name) => `${one} has a secret in its environment variable ${name}: keep it in a Secret`,
      ),
    ],
  ];
  for (const [what, rule, changed, expected] of table) {
    it(`${expected.length === 0 ? "lets pass" : "refuses"} ${what} (${rule.name})`, () => {
      assert.deepEqual(rule(deployment(changed)), expected);
    });
  }

  it("finds the pods of every kind that makes some, and their first containers", () => {
    const bad = { name: "app", image: "hello" };
    const pod = { initContainers: [{ name: "first", image: "hello" }], containers: [bad] };
    const template = { spec: pod };
    const specs = {
      "core/v1:Pod": pod,
      "batch/v1:Job": { template },
      "batch/v1:CronJob": { jobTemplate: { spec: { template } } },
      "apps/v1:StatefulSet": { template },
      "apps/v1beta1:DaemonSet": { template },
    };
    for (const [kind, spec] of Object.entries(specs)) {
      assert.equal(rules.noLatest({ type: `kubernetes:${kind}`, name: "hello", props: { spec } }).length, 2, kind);
    }
    assert.deepEqual(rules.noLatest({ type: "aws:ecs/service:Pod", name: "hello", props: { spec: pod } }), []);
    assert.deepEqual(rules.noLatest({ type: "kubernetes:core/v1:Pod", name: "hello", props: {} }), []);
  });

  it("refuses secrets in a ConfigMap", () => {
    const props = { data: { token: "x", color: "blue" } };
    assert.deepEqual(rules.noPlainSecrets({ type: "kubernetes:core/v1:ConfigMap", name: "hello", props }), [
      "ConfigMap hello has a secret in its key token: keep it in a Secret",
    ]);
  });

  it("asks for source ranges and two replicas in production only", async () => {
    const service = (spec: object) => ({ type: "kubernetes:core/v1:Service", name: "hello", props: { spec } });
    const resources = [
      deployment({}, { replicas: 1 }),
      service({ type: "LoadBalancer" }),
      service({ type: "ClusterIP" }),
      service({ type: "LoadBalancer", loadBalancerSourceRanges: ["203.0.113.0/24"] }),
    ];
    assert.deepEqual(await violations("dev", resources), []);
    assert.deepEqual(await violations("eu-prod", resources), [
      "source-ranges: Service hello is open to everyone: set spec.loadBalancerSourceRanges, " +
        'or to ["0.0.0.0/0", "::/0"] if that is meant',
      "two-replicas: Deployment hello must have spec.replicas of at least 2, got 1",
    ]);
    assert.deepEqual(await violations("prod", []), []);
  });

  it("takes the autoscaler's smallest number for the replicas of its Deployment", () => {
    const autoscaler = (name: string | undefined, minReplicas?: number) => ({
      type: "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
      name: "hello",
      props: { spec: { scaleTargetRef: { name }, minReplicas } },
    });
    const free = deployment({}, { replicas: undefined });
    assert.deepEqual(rules.twoReplicas([free, autoscaler("hello", 2)]), []);
    assert.deepEqual(rules.twoReplicas([free, autoscaler(undefined, 2)]), []);
    assert.deepEqual(rules.twoReplicas([free, autoscaler("other")]), [
      "Deployment hello must have spec.replicas of at least 2, got 1",
      "HorizontalPodAutoscaler hello must have spec.minReplicas of at least 2, got 1",
    ]);
  });

  it("knows production by the stack's name", () => {
    const names = ["prod", "production", "eu-prod", "acme/shop/prod", "dev", "nonprod", "prod-test", "product"];
    assert.deepEqual(names.filter(rules.isProduction), ["prod", "production", "eu-prod", "acme/shop/prod"]);
  });

  it("gives every policy a name of its own, a description and no way around it", () => {
    assert.equal(new Set(policies.map(({ name }) => name)).size, 7);
    for (const { description, enforcementLevel } of policies as readonly (
      ResourceValidationPolicy | StackValidationPolicy
    )[]) {
      assert.match(description, /^[A-Z].*\.$/);
      assert.equal(enforcementLevel, "mandatory");
    }
  });

  const dashboardImage = `ghcr.io/headlamp-k8s/headlamp@${digest}`;
  for (const config of [{}, { release: "blueGreen", store: "true", dashboardImage }, { maxReplicas: "9" }]) {
    it(`has nothing to say about this project's program with ${JSON.stringify(config)}`, async () => {
      await useMocks();
      useConfig({ ...config, loadBalancerSourceRanges: '["203.0.113.0/24"]' });
      await runProgram();
      const seen = (await all()).map(({ type, name, inputs }) => ({ type, name, props: plain(inputs) }));
      assert.ok(seen.length > 5);
      assert.deepEqual(await violations("prod", seen), []);
    });
  }
});

/** Inputs without the envelopes of secrets, as policies see them. */
function plain(inputs: object): Record<string, unknown> {
  const open = (_: string, value: unknown) =>
    pulumi.runtime.isRpcSecret(value) ? pulumi.runtime.unwrapRpcSecret(value) : value;
  return JSON.parse(JSON.stringify(inputs, open)) as Record<string, unknown>;
}
