import assert from "node:assert/strict";

import type { Engine } from "../plugins/docker/engine.ts";
import { service } from "../plugins/docker/service.ts";
import { network } from "../plugins/docker/simple-kinds.ts";
import type { Call } from "../plugins/provider.ts";

const call: Call = {
  urn: "urn:pulumi:dev::meridian::docker:index/service:Service::hello",
  type: "docker:index/service:Service",
  name: "hello",
  signal: new AbortController().signal,
  status: () => undefined,
  log: () => undefined,
};
const inputs = { name: "hello", mode: { replicated: { replicas: 1 } }, convergeConfig: { timeout: "10s" } };
const running = { DesiredState: "running", Status: { State: "running", Timestamp: "2026-01-01T00:00:00Z" } };

/** What the engine answers to one look after the other; the last answer stays. */
function looks(...states: { image: string; labels?: object; update?: object }[]) {
  let index = 0;
  const inspect = async () => {
    const { image, labels = {}, update } = states[Math.min(index++, states.length - 1)]!;
    const Spec = { Labels: labels, TaskTemplate: { ContainerSpec: { Image: image } } };
    return { Version: { Index: 1 }, Spec, UpdateStatus: update };
  };
  const docker = { getService: () => ({ inspect, update: async () => undefined }), listTasks: async () => [running] };
  return { engine: { docker, address: "unix:///docker.sock" } as unknown as Engine, seen: () => index };
}

describe("the docker plugin on a Swarm", () => {
  const earlier = { State: "completed", StartedAt: "1" };

  it("waits for an update that Swarm has not begun yet, while all tasks of before still run", async () => {
    const updating = { State: "updating", StartedAt: "2" };
    const { engine, seen } = looks(
      { image: "one", update: earlier },
      { image: "two" },
      { image: "two" },
      { image: "two", update: updating },
      { image: "two", update: { ...updating, State: "completed" } },
    );
    await service.update!(engine, "1", inputs, call);
    assert.equal(seen(), 5);
  });

  it("tells of a rollback, with the reason of the task that failed last", async () => {
    const update = { State: "rollback_completed", StartedAt: "2" };
    const { engine } = looks({ image: "one", update: earlier }, { image: "two" }, { image: "one", update });
    engine.docker.listTasks = async () =>
      [{ ...running, Status: { State: "failed", Err: "exit 3", Timestamp: new Date().toISOString() } }] as never;
    await assert.rejects(service.update!(engine, "1", inputs, call), {
      message: "the update of hello failed and was rolled back: exit 3",
    });
  });

  it("does not wait for an update that replaces no task", async () => {
    const { engine, seen } = looks(
      { image: "one", update: earlier },
      { image: "one", labels: { tier: "web" }, update: earlier },
    );
    await service.update!(engine, "1", inputs, call);
    assert.equal(seen(), 3);
  });

  it("removes what a node keeps of a network that the Swarm has forgotten", async () => {
    let left = 2;
    const there = {
      inspect: async () => {
        if (left === 0) throw Object.assign(new Error("no such network"), { statusCode: 404 });
        return {};
      },
      remove: async () => void left--,
    };
    await network.delete({ docker: { getNetwork: () => there } } as unknown as Engine, "1", {}, call);
    assert.equal(left, 0);
  });
});
