/** The local cluster's default StorageClass: Rancher's local-path-provisioner, as in k3s and kind. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { kubectl } from "./control-plane.ts";
import { localPathImage, nodeImage } from "./images.ts";
import { clusterDirectory, repository } from "./paths.ts";
import type { Region } from "./region.ts";

/** Each region has a folder of its own, so that a volume is where its region is, as a disk would be. */
const volumes = (region: string): string => join(clusterDirectory, "volumes", region);

/** Installs it, or brings it up to date with the regions. It starts in its own time: whoever wants a volume waits. */
export async function startStorage(regions: readonly Region[]): Promise<void> {
  const configuration = { nodePathMap: regions.map(({ name }) => ({ node: name, paths: [volumes(name)] })) };
  const manifest = readFileSync(join(repository, "local", "addons", "local-path.yaml"), "utf8")
    .replace("CONFIGURATION", JSON.stringify(configuration))
    .replace("HELPER", nodeImage)
    .replace("IMAGE", localPathImage);
  await kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], manifest);
}
