import assert from "node:assert/strict";

import { readRoom, roomFor, tooLittleRoom } from "../config-room.ts";
import type { Room } from "../config-room.ts";

const pod = (nodeName: string, cpu: string, memory: string, phase = "Running") => ({
  spec: { nodeName, containers: [{ resources: { requests: { cpu, memory } } }] },
  status: { phase },
});
const node = (name: string, allocatable: Record<string, string>, more: object = {}) => ({
  metadata: { name, labels: { "topology.kubernetes.io/region": name } },
  spec: more,
  status: { allocatable },
});
const cluster: Room = {
  nodes: [
    node("eu", { cpu: "1", memory: "1Gi", pods: "110" }),
    node("us", { cpu: "4", memory: "128Mi", pods: "110" }),
    node("ap", { cpu: "4", memory: "8Gi", pods: "3" }),
  ],
  pods: [pod("eu", "200m", "64Mi"), pod("ap", "100m", "32Mi"), pod("eu", "1", "1Gi", "Succeeded")],
  replica: pod("eu", "200m", "64Mi"),
};

describe("the room for another release", () => {
  it("is what CPU, memory and number of pods leave on each node", () => {
    // 800m of 200m each; 128Mi of 64Mi each; two pods of three.
    assert.equal(roomFor(cluster), 4 + 2 + 2);
  });

  it("is read with and without units and exponents, and nothing that is not asked for is in the way", () => {
    const on = (allocatable: Record<string, string>, replica: object) =>
      roomFor({
        nodes: [node("eu", allocatable)],
        pods: [],
        replica: { spec: { containers: [{ resources: { requests: { ...replica } } }] } },
      });
    assert.equal(on({ cpu: "2", memory: "1e3", pods: "110" }, { cpu: "250m", memory: "250" }), 4);
    assert.equal(on({ cpu: "2", memory: "1.5Gi", pods: "110" }, { memory: "64Mi" }), 24);
    assert.equal(on({ cpu: "2", memory: "1Gi", pods: "110" }, {}), 110);
  });

  it("is not on nodes that take no pods, or are in other regions", () => {
    const [eu, us, ap] = cluster.nodes;
    const closed = { ...cluster, nodes: [eu!, us!, { ...ap!, spec: { unschedulable: true } }] };
    assert.equal(roomFor(closed), 4 + 2);
    const values = ["us", "ap"];
    const term = { matchExpressions: [{ key: "topology.kubernetes.io/region", operator: "In", values }] };
    const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } };
    const replica = { spec: { ...cluster.replica.spec, affinity: { nodeAffinity } } };
    assert.equal(roomFor({ ...cluster, replica }), 2 + 2);
  });

  it("is as large as it has to be, or a sentence says by how much it is not", () => {
    assert.equal(tooLittleRoom(cluster, 8), undefined);
    assert.equal(
      tooLittleRoom(cluster, 9),
      'release "blueGreen" starts 9 replicas beside those that run, and the nodes have room for 8 more at most',
    );
  });

  it("is what pods that end will leave as well", () => {
    const ending = { ...pod("ap", "4", "8Gi"), metadata: { deletionTimestamp: "2026-11-28T00:00:00Z" } };
    assert.equal(roomFor({ ...cluster, pods: [...cluster.pods, ending] }), 4 + 2 + 2);
  });

  it("is asked for a version that does not run yet, beside one that does, where the cluster may be asked", async () => {
    const replica = { ...pod("eu", "200m", "64Mi"), metadata: { labels: { "app.kubernetes.io/version": "v0.0.1" } } };
    const says =
      (items: object[], mayAsk = true) =>
      (what: string, scope: string) =>
        Promise.resolve(
          scope === "-n"
            ? JSON.stringify({ items })
            : mayAsk
              ? JSON.stringify({ items: what === "nodes" ? cluster.nodes : cluster.pods })
              : undefined,
        );
    const found = { nodes: cluster.nodes, pods: cluster.pods, replica };
    assert.deepEqual(await readRoom(says([replica]), "shop", "v0.0.2"), found);
    assert.deepEqual(await readRoom(says([replica]), "shop"), found);
    assert.equal(await readRoom(says([replica]), "shop", "v0.0.1"), undefined);
    assert.equal(await readRoom(says([]), "shop", "v0.0.2"), undefined);
    assert.equal(await readRoom(says([replica], false), "shop", "v0.0.2"), undefined);
    assert.equal(await readRoom(() => Promise.resolve(undefined), "shop", "v0.0.2"), undefined);
  });
});
