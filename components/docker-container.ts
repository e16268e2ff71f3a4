import type * as docker from "@pulumi/docker";

import { parseQuantity, resourcesWithDefaults } from "./resources.ts";
import type { Resources } from "./resources.ts";

/** What every container of ours has given up: root's powers, new ones, and a root file system that can be written to. */
export const hardened = {
  readOnly: true,
  capabilities: { drops: ["ALL"] },
  securityOpts: ["no-new-privileges:true"],
  init: false,
  // It comes back when it ends or the machine starts, unless somebody has stopped it on purpose.
  restart: "unless-stopped",
  // Processes and threads. Docker's provider knows no limit per container, so this counts all of the user's on the host.
  ulimits: [{ name: "nproc", soft: 4096, hard: 4096 }],
} satisfies Partial<docker.ContainerArgs>;

/** At most 30 MB of logs for each container, the oldest go first. */
export const logs = { logDriver: "json-file", logOpts: { "max-size": "10m", "max-file": "3" } } as const;

const mebibyte = 2 ** 20;

/** Limits as a container takes them: cores as text, memory in MiB, and no swap on top. */
export function limits(resources: Resources): { cpus: string; memory: number; memorySwap: number } {
  const { cpu, memory } = resourcesWithDefaults(resources).limits;
  const mebibytes = Math.ceil(parseQuantity(memory)! / mebibyte);
  return { cpus: String(parseQuantity(cpu)!), memory: mebibytes, memorySwap: mebibytes };
}
