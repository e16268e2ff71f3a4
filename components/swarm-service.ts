import type { types } from "@pulumi/docker";

import type { ContainerAppSettings } from "./app-args.ts";
import { parseQuantity, resourcesWithDefaults } from "./resources.ts";
import type { Resources } from "./resources.ts";
import type { SwarmUpdateSettings } from "./swarm-app.ts";

/** A task that ends is started anew, for as long as it takes; after ten ends within two minutes Swarm leaves it. */
export const restart = { condition: "any", delay: "2s", maxAttempts: 10, window: "120s" } as const;

/** Limits and reservations as a service takes them. */
export function quantities(resources: Resources): types.input.ServiceTaskSpecResources {
  const { requests, limits } = resourcesWithDefaults(resources);
  const of = ({ cpu, memory }: { cpu: string; memory: string }) => ({
    nanoCpus: Math.round(parseQuantity(cpu)! * 1e9),
    memoryBytes: Math.ceil(parseQuantity(memory)!),
  });
  return { limits: of(limits), reservation: of(requests) };
}

/** The update, or the way back, as a service takes it. */
export function rolling(update: SwarmUpdateSettings): types.input.ServiceUpdateConfig {
  return {
    parallelism: update.parallelism,
    delay: `${update.delaySeconds}s`,
    order: update.order,
    failureAction: update.failureAction,
    monitor: `${update.monitorSeconds}s`,
    maxFailureRatio: String(update.maxFailureRatio),
  };
}

/** How long the provider waits: what all replicas may take one after the other, and as much again for a way back. */
export function converge(
  { healthCheck, replicas, drainSeconds }: ContainerAppSettings,
  { monitorSeconds, delaySeconds, parallelism }: SwarmUpdateSettings,
): types.input.ServiceConvergeConfig {
  const { startPeriodSeconds, retries, intervalSeconds, timeoutSeconds } = healthCheck;
  const one = startPeriodSeconds + retries * (intervalSeconds + timeoutSeconds) + drainSeconds + monitorSeconds;
  const seconds = 60 + 2 * Math.ceil(replicas / parallelism) * (one + delaySeconds);
  return { delay: "1s", timeout: `${seconds}s` };
}
