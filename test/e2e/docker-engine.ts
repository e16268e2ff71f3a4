/** The kit's own Docker engine, as the tests of both kinds of Docker apps look at it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import Docker from "dockerode";

import { spread } from "../../commands/spread.ts";
import { type LoadReport, SteadyLoad } from "../../commands/steady-load.ts";

import { dockerHost } from "../../local/docker.ts";
import { run, until } from "../../local/exec.ts";
import { repository } from "../../local/paths.ts";

export const docker = new Docker({ socketPath: dockerHost.replace("unix://", "") });

/** Starts it, with `swarm` as a Swarm of one node. */
export async function startEngine({ swarm = false }: { swarm?: boolean } = {}): Promise<void> {
  const kind = swarm ? "--swarm" : "--docker";
  await run(process.execPath, ["--no-warnings", join(repository, "local", "main.ts"), "cluster", "up", kind]);
}

/** Names of the containers (with a `/` before them), volumes and networks there are, and of a Swarm's objects. */
export async function namesOnEngine(): Promise<string[]> {
  const isSwarm = ((await docker.info()) as { Swarm: { ControlAvailable: boolean } }).Swarm.ControlAvailable;
  const kinds = isSwarm ? [docker.listServices(), docker.listSecrets(), docker.listConfigs()] : [];
  const objects = (await Promise.all(kinds)).flat() as { Spec?: { Name?: string } }[];
  const containers = await docker.listContainers({ all: true });
  const { Volumes } = await docker.listVolumes();
  return [
    ...containers.flatMap(({ Names }) => Names),
    ...Volumes.map(({ Name }) => Name),
    ...(await docker.listNetworks()).map(({ Name }) => Name),
    ...objects.map(({ Spec }) => Spec?.Name ?? ""),
  ];
}

/** Names of what stacks have made of the app, and of the images that are from a repository. */
export async function madeOnEngine(image: string): Promise<Set<string>> {
  const digests = (await docker.listImages()).flatMap(({ RepoDigests }) => RepoDigests ?? []);
  return new Set([
    ...(await namesOnEngine()).filter((name) => /^\/?hello-/.test(name)),
    ...digests.filter((name) => name.startsWith(image)),
  ]);
}

/** 100 requests are spread over three replicas, once the balancer, which asks Docker's DNS from time to time, knows all. */
export async function assertSpread(url: string): Promise<void> {
  await until("the balancer to know all replicas", async () => {
    const { replicas } = await spread({ url, requests: 12 });
    return replicas.length === 3;
  });
  const { replicas } = await spread({ url, requests: 100 });
  assert.equal(replicas.length, 3);
  for (const { count } of replicas) assert.ok(count >= 18 && count <= 49, `got ${count}`);
}

/** What an update has printed that had nothing to change. */
export function assertUnchanged(output: string): void {
  assert.match(output, /unchanged/);
  assert.doesNotMatch(output, /[+~-] +\d+ (?:created|updated|replaced|deleted)/);
}

/** Requests while `work` runs, and until there have been so many: none may fail. */
export async function loseNothing(url: string, least: number, work: () => Promise<unknown>): Promise<LoadReport> {
  const load = new SteadyLoad({ url, freshPerSecond: 200, keepAlivePerSecond: 10_000, clients: 16, slowSeconds: 3 });
  try {
    await work();
    await until("the last requests", async () => load.report().requests >= least, { seconds: 300 });
  } finally {
    await load.stop();
  }
  const { seconds, ...report } = load.report();
  console.log(`      ${report.requests} requests in ${seconds.length} s: ${JSON.stringify(report)}`);
  assert.deepEqual({ failed: report.failed, failures: report.failures }, { failed: 0, failures: {} });
  assert.ok(report.clients.fresh > 0 && report.clients.keepAlive > 0 && report.clients.slow > 0);
  return load.report();
}
