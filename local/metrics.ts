/** The local cluster's metrics-server, for whoever wants autoscaling or `kubectl top`: nothing else needs it. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { certificateAuthority, kubectl } from "./control-plane.ts";
import { runningPid, startDaemon } from "./daemon.ts";
import { clusterDirectory, kubeconfig, network, ports, repository } from "./paths.ts";
import { isStopped, regions } from "./region-list.ts";
import { buildMetricsServer, tool } from "./tools.ts";

export const metricsServer = "metrics-server";

/** Builds it, starts it, and waits until the API server answers with the figures of every node that runs. */
export async function startMetrics(): Promise<void> {
  await buildMetricsServer();
  const nodes = regions().filter(({ name }) => !isStopped(name)).length;
  const folder = join(clusterDirectory, metricsServer);
  mkdirSync(folder, { recursive: true });
  await kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], manifest());
  await startDaemon({
    name: metricsServer,
    command: [
      tool(metricsServer),
      ...["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"].map((key) => `--${key}=${kubeconfig}`),
      // Who asks is told by the API server, whose certificate is of this authority.
      "--authentication-skip-lookup",
      `--requestheader-client-ca-file=${certificateAuthority.certificate}`,
      `--bind-address=${network.host}`,
      `--secure-port=${ports.metricsServer}`,
      `--cert-dir=${folder}`,
      "--kubelet-preferred-address-types=InternalIP",
      "--kubelet-insecure-tls", // a kubelet's certificate is its own as well
      // As often as it goes.
      "--metric-resolution=10s",
      "--kubelet-request-timeout=5s",
    ],
    healthy: async () => {
      const list = await kubectl(["get", "--raw", "/apis/metrics.k8s.io/v1beta1/nodes"]);
      return (JSON.parse(list) as { items: unknown[] }).items.length >= nodes;
    },
  });
}

/** Without its server the API is not offered either: as long as one is offered that nobody serves, no namespace ends. */
export async function forgetMetrics(): Promise<void> {
  if (runningPid(metricsServer) === undefined) await kubectl(["delete", "-f", "-", "--ignore-not-found"], manifest());
}

const manifest = (): string =>
  readFileSync(join(repository, "local", "addons", "metrics-server.yaml"), "utf8")
    .replaceAll("ADDRESS", network.host)
    .replaceAll("PORT", String(ports.metricsServer));
