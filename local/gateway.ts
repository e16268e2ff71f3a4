/**
 * The local cluster's ingress controller and Gateway API implementation, for whoever asks for one: Traefik, as in k3s. It
 * runs where a cloud's load balancer is, has the address of a Service, and finds the pods by itself.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { kubectl } from "./control-plane.ts";
import { runningPid, startDaemon, stopDaemon } from "./daemon.ts";
import { loadBalancerNamespace } from "./network.ts";
import { clusterDirectory, network, repository } from "./paths.ts";
import { step } from "./progress.ts";
import { writeKubeconfig } from "./region.ts";
import { succeeds, until } from "./exec.ts";
import { buildGateway, definitions, tool } from "./tools.ts";

/** Its name as a daemon of the kit. */
export const gatewayDaemon = "gateway";
/** The ports of its address and of localhost. */
export const gatewayPorts = [80, 443];
const folder = join(clusterDirectory, "gateway");
/** Tells the next `up` that there is one. */
const wantedFile = join(clusterDirectory, "gateway.wanted");

export const gatewayWanted = (): boolean => existsSync(wantedFile);
export const gatewayRuns = (): boolean => runningPid(gatewayDaemon) !== undefined;

export async function startGateway(): Promise<void> {
  await buildGateway();
  await step("gateway", async () => {
    writeFileSync(wantedFile, "");
    await kubectl(["apply", "--server-side", "--force-conflicts", "-f", definitions("traefik")]);
    // A kind that was defined a moment ago is served a moment later.
    await until("the acceptance of the gateway's objects", async () => {
      await kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], manifest());
      return true;
    });
    await startTraefik();
  });
}

const manifest = (): string =>
  readFileSync(join(repository, "local", "addons", "gateway.yaml"), "utf8").replace("ADDRESS", network.loadBalancer);

async function startTraefik(): Promise<void> {
  const kubeconfig = await writeKubeconfig(folder, "gateway", "/CN=meridian-gateway");
  const address = network.loadBalancer;
  const health = `${address}:8081`;
  await startDaemon({
    name: gatewayDaemon,
    command: [
      tool("traefik"),
      "--global.checknewversion=false",
      "--global.sendanonymoususage=false",
      "--log.level=INFO",
      `--entrypoints.web.address=${address}:80`,
      `--entrypoints.websecure.address=${address}:443`,
      // An Ingress without TLS of its own is here, too, with a certificate of Traefik's.
      "--entrypoints.websecure.http.tls=true",
      `--entrypoints.health.address=${health}`,
      "--ping=true",
      "--ping.entrypoint=health",
      // Changes come together where they can, and a weight is true at once all the same.
      "--providers.providersthrottleduration=200ms",
      "--providers.kubernetesingress=true",
      "--providers.kubernetesingress.ingressendpoint.publishedservice=gateway-system/traefik",
      "--providers.kubernetesgateway=true",
      "--providers.kubernetesgateway.statusaddress.service.name=traefik",
      "--providers.kubernetesgateway.statusaddress.service.namespace=gateway-system",
    ],
    namespace: loadBalancerNamespace,
    env: { KUBECONFIG: kubeconfig, HOME: folder },
    healthy: () => succeeds("curl", ["--silent", "--fail", "--max-time", "2", `http://${health}/ping`]),
  });
}

/** Ends it; with `forget` the next `up` starts without it. Its objects stay in the cluster, as those of others may need them. */
export async function stopGateway({ forget = false } = {}): Promise<void> {
  await stopDaemon(gatewayDaemon);
  if (forget) rmSync(wantedFile, { force: true });
}
