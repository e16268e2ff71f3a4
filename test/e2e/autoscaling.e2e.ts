import assert from "node:assert/strict";

import { load } from "../../commands/requests.ts";
import type { Outcome } from "../../commands/requests.ts";
import { startMetrics } from "../../local/metrics.ts";
import { kubectl, Program, until } from "./support.ts";

describe("a service that follows its load", function () {
  this.timeout(600_000);
  let program: Program;
  let url: string;
  const first = { replicas: 1, maxReplicas: 3, regions: ["eu", "us", "ap"] };
  const get = (object: string, path: string) =>
    kubectl("-n", program.namespace, "get", object, "-o", `jsonpath={${path}}`);
  const pod = async () => (await program.list("pods", ".metadata.name"))[0] ?? assert.fail("there is no replica");

  before(async () => {
    await startMetrics();
    program = await Program.create(first);
    await program.up();
    url = await program.output("url");
  });
  after(() => program?.remove());

  it("gives a running replica other figures in place, which no update takes back", async () => {
    const name = await pod();
    const container = async () => JSON.parse(await get(`pod/${name}`, ".status.containerStatuses[0]")) as Container;
    const before = await container();
    const resources = { requests: { cpu: "60m", memory: "48Mi" }, limits: { cpu: "500m", memory: "192Mi" } };
    const patch = JSON.stringify({ spec: { containers: [{ name: "app", resources }] } });
    await kubectl("-n", program.namespace, "patch", "pod", name, "--subresource", "resize", "--patch", patch);
    await until(
      "the container to get its figures",
      async () => (await container()).resources.limits?.memory === "192Mi",
    );
    const { containerID, restartCount, resources: now } = await container();
    assert.deepEqual([containerID, restartCount], [before.containerID, 0]);
    // What has not been asked for is as before.
    assert.deepEqual(now, {
      requests: { ...before.resources.requests, ...resources.requests },
      limits: { ...before.resources.limits, ...resources.limits },
    });
    await program.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.deepEqual([await pod(), (await container()).resources], [name, now]);
  });

  it("gets more replicas under load, loses no request, and keeps them through a release", async () => {
    const outcomes: Outcome[] = [];
    const ended = new AbortController();
    const onOutcome = (outcome: Outcome) => outcomes.push(outcome) > 0;
    const pressure = load({ url, requests: 200_000, concurrency: 8, signal: ended.signal, onOutcome });
    try {
      const replicas = async () => Number(await get("deployments", ".items[0].status.readyReplicas"));
      await until("more replicas", async () => (await replicas()) > 1, { seconds: 180, interval: 500 });
      const wanted = Number(await get("deployments", ".items[0].spec.replicas"));
      assert.equal(await get("hpa", ".items[0].status.conditions[?(@.type=='ScalingActive')].status"), "True");
      await program.pulumi("config", "set", "version", "v0.0.2");
      await program.up();
      assert.ok(Number(await get("deployments", ".items[0].spec.replicas")) >= wanted);
    } finally {
      ended.abort();
      await pressure;
    }
    const failures = outcomes.filter(({ kind }) => kind === "failed");
    assert.deepEqual(failures, []);
    assert.ok(outcomes.some((outcome) => outcome.kind === "answered" && outcome.version === "v0.0.2"));
  });
});

interface Container {
  readonly containerID: string;
  readonly restartCount: number;
  readonly resources: {
    readonly requests?: Readonly<Record<string, string>>;
    readonly limits?: Readonly<Record<string, string>>;
  };
}
