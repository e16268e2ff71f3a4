/** Distance between the regions: round trips as they are between such regions of the real world, when it is switched on. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endOfLog, logFile, runDirectory, startDaemon, stopDaemon } from "./daemon.ts";
import { run, until } from "./exec.ts";
import { regionNamespace } from "./network.ts";
import { clusterDirectory, network } from "./paths.ts";
import type { Region } from "./region.ts";
import { tool } from "./tools.ts";

export const latencyDaemon = "latency";
const onFile = join(runDirectory, "latency-on");

/** Milliseconds there and back, of the order that clouds publish for Frankfurt, Virginia and Singapore or Sydney. */
const roundTrips: Readonly<Record<string, number>> = { "eu us": 90, "ap eu": 160, "ap us": 150 };
/** Regions of other names. */
const otherwise = 120;

/** The round trip between two regions, in milliseconds. */
export function roundTrip(a: string, b: string): number {
  return a === b ? 0 : (roundTrips[[a, b].sort().join(" ")] ?? otherwise);
}

/** What a region is reached by: its pods, and its node for what kube-proxy hands on in the node's name. */
const networksOf = (index: number): string[] => [network.podRangeOf(index), `${network.region(index)}/32`];

export const isLatencyOn = (): boolean => existsSync(onFile);

/** Puts the running regions apart. Anew if it was on, since a region that started has a new namespace. */
export async function startLatency(running: readonly Region[]): Promise<void> {
  await stopLatency();
  for (const { name } of running) {
    // The kernel takes a device away a moment after the daemon that held it has ended.
    await until(`the end of distance0 in ${name}`, async () => !(await hasDevice(regionNamespace(name))));
  }
  const file = join(clusterDirectory, "latency.json");
  const config = {
    regions: running.map(({ name, index }) => ({
      namespace: `/run/netns/${regionNamespace(name)}`,
      networks: networksOf(index),
    })),
    milliseconds: running.map(({ name }) => running.map((other) => roundTrip(name, other.name))),
  };
  writeFileSync(file, JSON.stringify(config));
  await startDaemon({
    name: latencyDaemon,
    command: [tool("latency"), file],
    healthy: async () => endOfLog(logFile(latencyDaemon)).includes("carrying packets"),
  });
  for (const from of running) {
    const ip = ["-netns", regionNamespace(from.name)];
    await run("ip", [...ip, "link", "set", "distance0", "up"]);
    for (const to of running) {
      if (to.name === from.name) continue;
      for (const range of networksOf(to.index)) await run("ip", [...ip, "route", "replace", range, "dev", "distance0"]);
    }
  }
  writeFileSync(onFile, "");
}

/** Whether a region is apart from the others. */
async function hasDevice(namespace: string): Promise<boolean> {
  return (await run("ip", ["-netns", namespace, "-brief", "link"])).includes("distance0");
}

/** Brings the regions together. The devices end with the daemon, and the routes into them with the devices. */
export async function stopLatency(): Promise<void> {
  await stopDaemon(latencyDaemon);
  rmSync(onFile, { force: true });
}
