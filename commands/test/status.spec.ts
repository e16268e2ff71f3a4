import assert from "node:assert/strict";
import { age, renderStatus } from "../status-view.ts";
import { describeCluster, describeUpdate, type KubeNode, type KubePod, type Status, type Update } from "../status.ts";

const now = Date.parse("2026-01-01T01:00:00Z");
const created = "2026-01-01T00:30:00Z";

const node = (name: string, region: string, status: string, unschedulable = false): KubeNode => ({
  metadata: { name, labels: { "topology.kubernetes.io/region": region }, creationTimestamp: created },
  spec: { unschedulable },
  status: { conditions: [{ type: "Ready", status }], nodeInfo: { kubeletVersion: "v1.36.3" } },
});
const pod = (name: string, nodeName: string, status: string, more: Partial<KubePod["metadata"]> = {}): KubePod => ({
  metadata: { name, labels: { "app.kubernetes.io/version": "v0.0.2" }, creationTimestamp: created, ...more },
  spec: { nodeName, containers: [{ image: `hello@sha256:${"a".repeat(64)}` }] },
  status: {
    phase: "Running",
    conditions: [{ type: "Ready", status }],
    containerStatuses: [{ restartCount: 2 }],
  },
});
const update = (version: string, resourceChanges: Record<string, number>): Update => ({
  ...{ kind: "update", result: "succeeded", resourceChanges },
  ...{ startTime: "2026-01-01T00:50:00Z", endTime: "2026-01-01T00:50:12Z" },
  config: { "meridian:version": { value: version }, "meridian:token": { value: version, secret: true } },
});

const cluster = describeCluster(
  [node("us-1", "us", "True"), node("eu-1", "eu", "False"), node("us-2", "us", "True", true)],
  [
    pod("hello-one", "us-1", "True"),
    pod("hello-two", "eu-1", "False"),
    pod("hello-three", "us-1", "True", { deletionTimestamp: created }),
  ],
  [{ name: "eu", url: "http://edge" }],
  now,
);
const status: Status = {
  ...{ stack: "mine", url: "http://app", problems: [], releaseKind: "rolling" },
  releases: [{ version: "v0.0.2", role: "active", image: `hello@sha256:${"a".repeat(64)}` }],
  ...cluster,
  lastUpdate: describeUpdate([update("v0.0.2", { same: 9, update: 2 }), update("v0.0.1", {})], now),
};

describe("npm run status", () => {
  it("says how many replicas are ready and what could not be read, and nothing else, if it shall be quiet", () => {
    const lines = renderStatus(
      { ...status, problems: ["nodes cannot be read: no route"] },
      { columns: 80, color: false, quiet: true },
    );
    assert.equal(lines, "mine: 1 of 3 replicas ready, at http://app\n! nodes cannot be read: no route");
  });

  it("counts nodes and replicas by region, and knows which of them are ready", () => {
    assert.deepEqual(cluster.regions, [
      { name: "eu", nodes: 1, readyNodes: 0, pods: 1, readyPods: 0, url: "http://edge" },
      { name: "us", nodes: 2, readyNodes: 2, pods: 2, readyPods: 1, url: undefined },
    ]);
    assert.deepEqual(
      cluster.nodes.map(({ state }) => state),
      ["ready", "not ready", "ready, no new pods"],
    );
    assert.deepEqual(
      cluster.pods.map(({ name, state, restarts, ageSeconds }) => [name, state, restarts, ageSeconds]),
      [
        ["hello-two", "not ready", 2, 1800],
        ["hello-one", "ready", 2, 1800],
        ["hello-three", "ending", 2, 1800],
      ],
    );
  });

  it("tells what the last update has changed, but no secret", () => {
    assert.deepEqual(status.lastUpdate, {
      ...{ kind: "update", result: "succeeded", secondsAgo: 588, seconds: 12, changes: { update: 2 } },
      config: [{ key: "version", from: "v0.0.1", to: "v0.0.2" }],
    });
    assert.deepEqual(describeUpdate([update("v0.0.1", { create: 3 })], now)?.config, []);
    assert.equal(describeUpdate([], now), undefined);
  });

  it("is one screen of 60 columns, in which the ends of names are kept", () => {
    const long = { ...status, problems: [`the history cannot be read: ${"something went wrong ".repeat(5)}`] };
    const pods = status.pods.map((each) => ({ ...each, name: `hello-${"x".repeat(40)}-tail1` }));
    const lines = renderStatus({ ...long, pods }, { columns: 60, color: false }).split("\n");
    for (const line of lines) assert.ok(line.length <= 60, line);
    assert.ok(lines.length < 40);
    assert.match(lines.join("\n"), /^ {2}hello\S+…\S*tail1 {2}v0\.0\.2 {2}eu /m);
  });

  it("shows what there is to know, with colours only if they are wanted", () => {
    const text = renderStatus(status, { columns: 100, color: false });
    assert.match(text, /^mine: 1 of 3 replicas ready, at http:\/\/app$/m);
    assert.match(text, /^ {2}v0\.0\.2 {2}active {2}sha256:a{12}$/m);
    assert.match(text, /^ {2}eu {2}0 of 1 node ready {3}0 of 1 replica ready {3}http:\/\/edge$/m);
    assert.match(text, /^ {2}update succeeded 9 min ago, took 12 s: 2 update$/m);
    assert.match(text, /^ {2}version: v0\.0\.1 → v0\.0\.2$/m);
    assert.ok(!text.includes("\x1b"));
    assert.ok(renderStatus(status, { columns: 100, color: true }).includes("\x1b[1mReplicas\x1b[0m"));
  });

  it("gives ages in the unit that says most", () => {
    assert.deepEqual([0, 119, 120, 7199, 7200, 172_800].map(age), ["0 s", "119 s", "2 min", "119 min", "2 h", "2 d"]);
  });
});
