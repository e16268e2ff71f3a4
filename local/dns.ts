/** The cluster's DNS: CoreDNS, as in every cluster. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { kubectl } from "./control-plane.ts";
import { until } from "./exec.ts";
import { coreDnsImage } from "./images.ts";
import { network, repository } from "./paths.ts";

/** Installs it, or brings it up to date, and waits until it answers. */
export async function startDns(regionCount: number): Promise<void> {
  const manifest = readFileSync(join(repository, "local", "addons", "coredns.yaml"), "utf8")
    .replace(/^#.*\n/, "")
    .replace("IMAGE", coreDnsImage)
    .replace("ADDRESS", network.dnsService)
    .replace("REPLICAS", String(Math.min(regionCount, 2)));
  await kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], manifest);
  await until(
    "the start of the cluster's DNS",
    async () => {
      const path = "-o=jsonpath={.status.readyReplicas}";
      return Number(await kubectl(["-n", "kube-system", "get", "deployment", "coredns", path])) > 0;
    },
    { seconds: 90, interval: 250 },
  );
}
