import assert from "node:assert/strict";
import { customRule } from "../plugins/kubernetes/await/custom.ts";
import { explain, podTrouble, selectorOf } from "../plugins/kubernetes/await/explain.ts";
import { ruleFor } from "../plugins/kubernetes/await/rules.ts";
import type { Verdict } from "../plugins/kubernetes/await/verdict.ts";
import { ruleOf, timeoutOf } from "../plugins/kubernetes/await/wait.ts";
import { daemonSet, deployment, job, pod, statefulSet } from "../plugins/kubernetes/await/workloads.ts";
import type { Objects } from "../plugins/kubernetes/objects.ts";
import type { Bag } from "../plugins/serve.ts";

/** `ready`, `waiting: …` or `hopeless: …`. */
function say(verdict: Verdict): string {
  if (verdict.ready) return "ready";
  return verdict.hopeless === undefined ? `waiting: ${verdict.status}` : `hopeless: ${verdict.hopeless}`;
}

const condition = (type: string, status: string, reason = "", message = ""): Bag => ({ type, status, reason, message });
const of = (spec: Bag, status: Bag): Bag => ({
  metadata: { generation: 2 },
  spec,
  status: { observedGeneration: 2, ...status },
});

describe("kubernetes plugin: readiness of workloads", () => {
  const done = [condition("Progressing", "True", "NewReplicaSetAvailable"), condition("Available", "True")];
  const rolling = [condition("Progressing", "True", "ReplicaSetUpdated"), condition("Available", "True")];
  const late = [condition("Progressing", "False", "ProgressDeadlineExceeded", "ReplicaSet x has timed out")];
  const refused = [...rolling, condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota")];
  const pods = (updatedReplicas: number, availableReplicas: number, conditions: Bag[]): Bag => ({
    updatedReplicas,
    availableReplicas,
    conditions,
  });

  const deployments: [string, Bag, Bag, string][] = [
    ["ready when rolled out and available", { replicas: 3 }, pods(3, 3, done), "ready"],
    ["ready with no replicas wanted", { replicas: 0 }, pods(0, 0, done), "ready"],
    [
      "waiting while old Pods stand in for new ones",
      { replicas: 3 },
      pods(3, 3, rolling),
      "waiting: [1/2] Waiting for app ReplicaSet to be available (3/3 Pods available)",
    ],
    [
      "waiting while it is scaled, though the last roll-out is done",
      { replicas: 5 },
      pods(5, 3, done),
      "waiting: [1/2] Waiting for app ReplicaSet to be available (3/5 Pods available)",
    ],
    [
      "waiting with the reason why no Pods come",
      {},
      pods(0, 0, refused),
      "waiting: [1/2] Waiting for app ReplicaSet to be available (0/1 Pods available): exceeded quota",
    ],
    [
      "hopeless after its progress deadline",
      { replicas: 3 },
      pods(1, 0, late),
      "hopeless: [ProgressDeadlineExceeded] ReplicaSet x has timed out",
    ],
    ["ready when paused", { paused: true }, pods(0, 0, []), "ready"],
    [
      "waiting until the controller has seen the change",
      {},
      { ...pods(1, 1, done), observedGeneration: 1 },
      "waiting: [1/2] Waiting for the Deployment controller to see the change",
    ],
  ];
  for (const [what, spec, status, expected] of deployments) {
    it(`Deployment: ${what}`, () => assert.equal(say(deployment(of(spec, status))), expected));
  }

  it("Deployment: waiting when the progress deadline was that of an earlier release", () => {
    const at = (time: string): Bag => ({ ...late[0], lastUpdateTime: time });
    const changed = [{ manager: "pulumi", time: "2030-01-01T00:01:00Z", fieldsV1: { "f:spec": {} } }];
    const live = (time: string): Bag => ({
      ...of({}, pods(1, 0, [at(time)])),
      metadata: { generation: 2, managedFields: changed },
    });
    assert.match(say(deployment(live("2030-01-01T00:00:59Z"))), /^waiting: /);
    assert.match(say(deployment(live("2030-01-01T00:01:01Z"))), /^hopeless: /);
  });

  const sets: [string, Bag, Bag, string][] = [
    ["ready", { replicas: 2 }, { updatedReplicas: 2, readyReplicas: 2, replicas: 2 }, "ready"],
    [
      "rolling",
      { replicas: 2 },
      { updatedReplicas: 1, readyReplicas: 2, replicas: 2 },
      "waiting: [1/3] Waiting for StatefulSet update to roll out (1/2 Pods updated)",
    ],
    [
      "not ready",
      { replicas: 2 },
      { updatedReplicas: 2, readyReplicas: 1, replicas: 2 },
      "waiting: [2/3] Waiting for StatefulSet Pods to be ready (1/2 Pods ready)",
    ],
    [
      "ready above its partition",
      { replicas: 2, updateStrategy: { rollingUpdate: { partition: 1 } } },
      { updatedReplicas: 1, readyReplicas: 2, replicas: 2, currentRevision: "a", updateRevision: "b" },
      "ready",
    ],
    [
      "ready with updates on deletion",
      { replicas: 2, updateStrategy: { type: "OnDelete" } },
      { readyReplicas: 2, replicas: 2, currentRevision: "a", updateRevision: "b" },
      "ready",
    ],
  ];
  for (const [what, spec, status, expected] of sets) {
    it(`StatefulSet: ${what}`, () => assert.equal(say(statefulSet(of(spec, status))), expected));
  }

  it("DaemonSet: ready on every node", () => {
    const status = { desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3 };
    assert.equal(say(daemonSet(of({}, status))), "ready");
    assert.match(say(daemonSet(of({}, { ...status, numberAvailable: 2 }))), /2\/3 Pods available/);
    assert.match(say(daemonSet(of({}, { ...status, updatedNumberScheduled: 1 }))), /1\/3 Pods updated/);
  });

  it("Job: ready when complete, hopeless when failed", () => {
    assert.equal(say(job(of({}, { conditions: [condition("Complete", "True")] }))), "ready");
    const failed = [condition("Failed", "True", "BackoffLimitExceeded", "too often")];
    assert.equal(say(job(of({}, { conditions: failed }))), "hopeless: Job failed: [BackoffLimitExceeded] too often");
    const status = { startTime: "now", succeeded: 1, active: 1 };
    assert.match(say(job(of({ completions: 2 }, status))), /\(1\/2 Pods succeeded, 1 active, 0 failed\)/);
    assert.equal(say(job(of({}, {}))), "waiting: [1/2] Waiting for Job to start");
  });

  it("Pod: ready, ended, failed, or on its way", () => {
    assert.equal(say(pod(of({}, { conditions: [condition("Ready", "True")] }))), "ready");
    assert.equal(say(pod(of({}, { phase: "Succeeded" }))), "ready");
    assert.equal(say(pod(of({}, { phase: "Failed", reason: "Evicted" }))), "hopeless: Pod failed: Evicted");
    const unscheduled = [condition("PodScheduled", "False", "Unschedulable", "no room")];
    assert.equal(
      say(pod(of({}, { conditions: unscheduled }))),
      "waiting: [1/3] Waiting for Pod to be scheduled: no room",
    );
  });
});

describe("kubernetes plugin: readiness of Services", () => {
  const selector = { app: "web" };
  const alive = { metadata: {}, status: { phase: "Running" } };
  const slice = (...ready: boolean[]): Bag => ({ endpoints: ready.map((state) => ({ conditions: { ready: state } })) });
  const cases: [string, Bag, Bag, Bag[], Bag[], string][] = [
    ["all selected Pods ready", { selector }, {}, [slice(true, true)], [alive, alive], "ready"],
    ["no Pods selected", { selector }, {}, [slice()], [], "ready"],
    ["an endpoint not ready", { selector }, {}, [slice(true, false)], [alive, alive], "waiting"],
    ["a Pod without endpoint yet", { selector }, {}, [slice(true)], [alive, alive], "waiting"],
    ["endpoints not there yet", { selector }, {}, [], [], "waiting"],
    ["no selector", {}, {}, [], [], "ready"],
    ["headless", { selector, clusterIP: "None" }, {}, [], [], "ready"],
    ["an external name", { selector, type: "ExternalName" }, {}, [], [], "ready"],
    ["no address yet", { type: "LoadBalancer" }, {}, [], [], "waiting"],
    ["an address", { type: "LoadBalancer" }, { loadBalancer: { ingress: [{ ip: "1.2.3.4" }] } }, [], [], "ready"],
  ];
  for (const [what, spec, status, slices, pods, expected] of cases) {
    it(`is ${expected} with ${what}`, async () => {
      const live = { apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "a" }, spec, status };
      const objects = { list: async ({ kind }: { kind: string }) => (kind === "Pod" ? pods : slices) };
      const verdict = await ruleFor(live)?.(live, objects as unknown as Objects, AbortSignal.timeout(1000));
      assert.equal(verdict && say(verdict).split(":")[0], expected);
    });
  }
});

describe("kubernetes plugin: replicas that are not there", () => {
  it("are explained by what their ReplicaSet was refused, also if the others are well", async () => {
    const live = { apiVersion: "apps/v1", kind: "Deployment", metadata: { uid: "d" }, spec: { selector: { a: "b" } } };
    const pod = of({}, { conditions: [condition("Ready", "True")] });
    const lists: Record<string, Bag[]> = {
      ReplicaSet: [{ metadata: { name: "web-1", uid: "r", ownerReferences: [{ uid: "d" }] } }],
      Pod: [{ ...pod, metadata: { name: "web-1-x", ownerReferences: [{ uid: "r" }] } }],
      Event: [
        { reason: "FailedCreate", message: 'pods "web-1-y" is forbidden: exceeded quota: team, requested: pods=1' },
      ],
    };
    const objects = { list: async ({ kind }: { kind: string }) => lists[kind] } as unknown as Objects;
    assert.deepEqual(await explain(objects, live, true), [
      'ReplicaSet web-1: FailedCreate: pods "web-1-y" is forbidden: exceeded quota: team, requested: pods=1',
    ]);
  });
});

describe("kubernetes plugin: annotations that change the wait", () => {
  const annotated = (annotations: Bag): Bag => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { annotations },
  });
  const live = of({}, { phase: "Up", conditions: [condition("Synced", "True")], list: [{ name: "a", ok: "yes" }] });

  it("skips it, or replaces its rule", () => {
    assert.equal(ruleOf(annotated({ "pulumi.com/skipAwait": "true", "pulumi.com/waitFor": "condition=X" })), undefined);
    assert.equal(ruleOf(annotated({})), deployment);
    assert.notEqual(ruleOf(annotated({ "pulumi.com/waitFor": "condition=X" })), deployment);
  });

  for (const [expression, expected] of [
    ["condition=Synced", "ready"],
    ["condition=Synced=False", "waiting: Waiting for condition=Synced=False"],
    ["jsonpath={.status.phase}=Up", "ready"],
    ["jsonpath={.status.phase}=Down", "waiting: Waiting for jsonpath={.status.phase}=Down"],
    ["jsonpath={.status.nothing}", "waiting: Waiting for jsonpath={.status.nothing}"],
    ['jsonpath={.status.conditions[?(@.type=="Synced")].status}=True', "ready"],
    ["jsonpath={.status.list[0].ok}=yes", "ready"],
    ["jsonpath={.status.list[*].name}", "ready"],
    ['["condition=Synced","jsonpath={.status.phase}=No"]', "waiting: Waiting for jsonpath={.status.phase}=No"],
  ] as const) {
    it(`understands ${expression}`, async () => {
      assert.equal(say(await customRule(expression)(live, {} as Objects, AbortSignal.timeout(1000))), expected);
    });
  }

  it("refuses what it cannot read", () => {
    assert.throws(() => customRule("ready"), /must begin with jsonpath= or condition=, got ready/);
    assert.throws(() => customRule("[]"), /must be an expression or a JSON list/);
    assert.throws(() => customRule("jsonpath={.a[}"), /cannot be read at/);
  });

  it("takes the time from the option, then from the annotation, then from the kind", () => {
    const inputs = annotated({ "pulumi.com/timeoutSeconds": "30" });
    assert.equal(timeoutOf({ inputs, timeoutSeconds: 5 }, 600), 5);
    assert.equal(timeoutOf({ inputs, timeoutSeconds: 0 }, 600), 30);
    assert.equal(timeoutOf({ inputs: annotated({}), timeoutSeconds: 0 }, 600), 600);
  });
});

describe("kubernetes plugin: what is wrong with a Pod", () => {
  const withContainer = (status: Bag): Bag => ({ status: { containerStatuses: [{ name: "app", ...status }] } });
  const waiting = (reason: string, message = ""): Bag => ({ state: { waiting: { reason, message } } });
  const ended = { terminated: { exitCode: 3, reason: "Error" } };
  const cases: [string, Bag, string | undefined][] = [
    ["nothing", { status: { conditions: [condition("Ready", "True")] } }, undefined],
    [
      "no node",
      { status: { conditions: [condition("PodScheduled", "False", "Unschedulable", "0/3 nodes")] } },
      "it is not scheduled: 0/3 nodes",
    ],
    [
      "no image",
      withContainer(waiting("ImagePullBackOff", "not found")),
      'container "app" is waiting: ImagePullBackOff: not found',
    ],
    [
      "no Secret",
      withContainer(waiting("CreateContainerConfigError", 'secret "database" not found')),
      'container "app" is waiting: CreateContainerConfigError: secret "database" not found',
    ],
    [
      "no such key in the Secret",
      withContainer(waiting("CreateContainerConfigError", "couldn't find key password in Secret shop/database")),
      `container "app" is waiting: CreateContainerConfigError: couldn't find key password in Secret shop/database`,
    ],
    [
      "a crash loop",
      withContainer({ ...waiting("CrashLoopBackOff"), lastState: ended, restartCount: 4 }),
      'container "app" keeps crashing (CrashLoopBackOff): exited with code 3 (Error), restarted 4 times',
    ],
    ["an end", withContainer({ state: ended }), 'container "app" exited with code 3 (Error)'],
    ["no readiness", withContainer({ state: { running: {} }, ready: false }), 'container "app" runs but is not ready'],
    ["a slow start", withContainer(waiting("ContainerCreating")), 'container "app" is not created yet'],
    [
      "an eviction",
      { status: { phase: "Failed", reason: "Evicted", message: "disk" } },
      "it has failed: Evicted: disk",
    ],
  ];
  for (const [what, given, expected] of cases) {
    it(`names ${what}`, () => assert.equal(podTrouble(given)?.message, expected));
  }

  it("selects the Pods as their owner does", () => {
    const expressions = [
      { key: "a", operator: "In", values: ["x", "y"] },
      { key: "b", operator: "DoesNotExist" },
    ];
    const selector = { matchLabels: { app: "web" }, matchExpressions: expressions };
    assert.equal(selectorOf({ spec: { selector } }), "app=web,a in (x,y),!b");
    assert.equal(selectorOf({ spec: { selector: { app: "web" } } }), "app=web");
    assert.equal(selectorOf({ spec: {} }), "");
  });
});
