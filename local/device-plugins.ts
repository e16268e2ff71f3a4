import { mkdirSync } from "node:fs";
import { run } from "./exec.ts";

/**
 * Gives the kubelet of these mounts a folder of its own for a socket that it makes at the same place whatever its root
 * folder is: of two that start at once, one would find it in use and end.
 */
export async function ownDevicePlugins(mounts: number, own: string): Promise<void> {
  const place = "/var/lib/kubelet/device-plugins";
  for (const folder of [place, own]) mkdirSync(folder, { recursive: true });
  await run("nsenter", ["--target", String(mounts), "--mount", "--", "mount", "--bind", own, place]);
}
