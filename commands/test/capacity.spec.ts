import assert from "node:assert/strict";

import { parseQuantity, roomFor, tooLittleRoom, type Cluster } from "../capacity.ts";

const pod = (nodeName: string, cpu: string, memory: string, phase = "Running") => ({
  spec: { nodeName, containers: [{ resources: { requests: { cpu, memory } } }] },
  status: { phase },
});
const node = (name: string, allocatable: Record<string, string>, more: object = {}) => ({
  metadata: { name, labels: { "topology.kubernetes.io/region": name } },
  spec: more,
  status: { allocatable },
});
const cluster: Cluster = {
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
      "A blueGreen release starts 9 replicas beside those that run, and the nodes have room for 8 more at most: " +
        "lower replicas, add nodes, or release with --kind rolling, which needs room for one.",
    );
  });

  const quantities: [string | undefined, number][] = [
    [undefined, 0],
    ["2", 2],
    ["250m", 0.25],
    ["64Mi", 67108864],
    ["1e3", 1000],
    ["1.5Gi", 1610612736],
  ];
  for (const [text, number] of quantities) {
    it(`reads ${text ?? "nothing"} as ${number}`, () => assert.equal(parseQuantity(text), number));
  }
});
