/** Which regions the cluster has. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unknown } from "../commands/nearest.ts";
import { runDirectory } from "./daemon.ts";
import { UserError } from "./exec.ts";
import { clusterDirectory } from "./paths.ts";
import type { Region } from "./region.ts";

const regionsFile = join(clusterDirectory, "regions.json");

export const defaultRegions = ["eu", "us", "ap"] as const;

/** Checks a list of regions. @throws UserError that says what is allowed. */
export function checkRegions(names: readonly string[]): void {
  const wrong = names.find((name) => !/^[a-z]([-a-z0-9]{0,8}[a-z0-9])?$/.test(name));
  if (wrong !== undefined) {
    throw new UserError(
      `regions must be names of 1 to 10 lower-case letters, digits and hyphens that start with a letter, got "${wrong}"; rename it.`,
    );
  }
  const reserved = names.find((name) => ["lb", "host"].includes(name));
  if (reserved !== undefined) {
    throw new UserError(
      `regions must not be called "lb" or "host", which the kit needs itself, got "${reserved}"; rename it.`,
    );
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new UserError(`regions must have different names, got "${twice}" twice; rename one.`);
  if (names.length < 1 || names.length > 9) {
    throw new UserError(
      `regions must be a list of 1 to 9 names, got ${names.length}; the local cluster has room for 9.`,
    );
  }
}

/** The regions of the cluster as it was last started. */
export function regions(): Region[] {
  const names = existsSync(regionsFile)
    ? (JSON.parse(readFileSync(regionsFile, "utf8")) as string[])
    : [...defaultRegions];
  return names.map((name, index) => ({ name, index: index + 1 }));
}

export function findRegion(wanted: string): Region {
  const name = wanted.toLowerCase();
  const region = regions().find((one) => one.name === name);
  if (region !== undefined) return region;
  throw new UserError(
    unknown(
      "region",
      wanted,
      regions().map((one) => one.name),
    ),
  );
}

/** The regions of the cluster from now on. */
export const keepRegions = (names: readonly string[]): void => writeFileSync(regionsFile, JSON.stringify(names));

/** Regions that the user has stopped stay so until they are started by name, or the cluster was down. */
const stoppedFile = (name: string): string => join(runDirectory, "stopped", name);
export const isStopped = (name: string): boolean => existsSync(stoppedFile(name));
export function markStopped(name: string, stopped: boolean): void {
  if (!stopped) return rmSync(stoppedFile(name), { force: true });
  mkdirSync(join(runDirectory, "stopped"), { recursive: true });
  writeFileSync(stoppedFile(name), "");
}
