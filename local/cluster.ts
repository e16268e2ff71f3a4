/** The local cluster as a whole: up, down, status, regions. Every function may be called at any time, in any state. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeGroup, rootGroup } from "./cgroups.ts";
import {
  apiserver,
  controlPlaneRuns,
  controlPlaneStarted,
  deadComponents,
  kubectl,
  startControlPlane,
  stopControlPlane,
} from "./control-plane.ts";
import { deadDockerDaemons, dockerDaemons, dockerRuns, startDocker, stopDocker } from "./docker.ts";
import { endOfLog, hasDied, logFile, runDirectory, runningPid, startDaemon, stopDaemon } from "./daemon.ts";
import { until, UserError } from "./exec.ts";
import { startDns } from "./dns.ts";
import { gatewayDaemon, gatewayPorts, gatewayRuns, gatewayWanted, startGateway, stopGateway } from "./gateway.ts";
import { seedImages } from "./images.ts";
import { isLatencyOn, latencyDaemon, startLatency, stopLatency } from "./latency.ts";
import { forgetMetrics, metricsServer, startMetrics } from "./metrics.ts";
import {
  createBridge,
  createLocalhost,
  createNamespace,
  deleteNamespace,
  deleteNetwork,
  loadBalancerNamespace,
  regionNamespace,
  route,
} from "./network.ts";
import { cache, clusterDirectory, network, repository, stacksDirectory } from "./paths.ts";
import { checkOwner, checkRights, hostDaemons, ownerFile, preflight } from "./preflight.ts";
import { say, step } from "./progress.ts";
import {
  deadDaemons,
  deleteRegion,
  proxyHealthy,
  type Region,
  regionRuns,
  startRegion,
  stopRegion,
  writeKubeconfig,
  writeProxyConfiguration,
} from "./region.ts";
import { checkRegions, isStopped, keepRegions, markStopped, regions } from "./region-list.ts";
import { startBuilder, startRegistry } from "./registry.ts";
import { startStorage } from "./storage.ts";
import { tool } from "./tools.ts";

const wantedDaemons = (): string[] => [...hostDaemons, ...(gatewayWanted() ? [gatewayDaemon] : [])];

export const clusterRuns = (): boolean =>
  controlPlaneRuns() && wantedDaemons().every((name) => runningPid(name) !== undefined);

/** Components that were started and are gone, with their logs. */
export function dead(): { name: string; log: string }[] {
  if (!existsSync(ownerFile)) return [];
  return [
    ...deadComponents(),
    ...[...wantedDaemons(), latencyDaemon, metricsServer].filter(hasDied).map((name) => ({ name, log: logFile(name) })),
    ...regions().flatMap(({ name }) => deadDaemons(name)),
    ...deadDockerDaemons(),
  ];
}

async function startLoadBalancer(first: Region): Promise<void> {
  const folder = join(clusterDirectory, "load-balancer");
  const kubeconfig = await writeKubeconfig(folder, "kube-proxy", "/CN=system:kube-proxy");
  const config = writeProxyConfiguration(folder, kubeconfig, first.name, network.loadBalancer);
  await startDaemon({
    name: "load-balancer-proxy",
    command: [tool("kube-proxy"), `--config=${config}`],
    namespace: loadBalancerNamespace,
    healthy: () => proxyHealthy(network.loadBalancer),
  });
  await startDaemon({
    name: "load-balancer",
    command: [process.execPath, "--no-warnings", join(repository, "local", "load-balancer.ts")],
    healthy: async () => endOfLog(logFile("load-balancer"), 1000).includes("watching Services"),
  });
}

async function removeSurplusRegions(wanted: readonly string[]): Promise<void> {
  for (const region of regions()) {
    const index = wanted.indexOf(region.name) + 1;
    // A region at another place in the list gets other addresses: it starts anew.
    if (index === 0) await deleteRegion(region);
    else if (index !== region.index) await stopRegion(region);
  }
}

export interface UpOptions {
  /** Names of the regions. Default: as before; `defaultRegions` the first time. */
  readonly regions?: readonly string[];
  /** Whether a metrics-server is wanted, too. Once started, it runs until `down`. */
  readonly metrics?: boolean;
  /** Ports of localhost that are going to be used, checked while the cluster is down. */
  readonly servicePorts?: readonly number[];
  /** Whether there is a gateway. Default: as before; none the first time. */
  readonly gateway?: boolean;
  /** Whether there is a Docker engine beside the cluster, and as what. Default: only if one ran and has died. */
  readonly docker?: "host" | "swarm" | undefined;
}

/** Starts the cluster, or what is missing of it. */
export async function up(options: UpOptions = {}): Promise<void> {
  const { docker } = options;
  const dockerDied = deadDockerDaemons().length > 0;
  await upCluster(options);
  if (docker !== undefined || dockerDied) await startDocker({ swarm: docker === "swarm" });
}

async function upCluster({
  regions: names,
  servicePorts = [],
  metrics = false,
  gateway = gatewayWanted(),
}: UpOptions): Promise<void> {
  await preflight([...servicePorts, ...(gateway ? gatewayPorts : [])]);
  if (!gateway) await stopGateway({ forget: true });
  const wantsMetrics = metrics || hasDied(metricsServer);
  await startCluster(names);
  if (wantsMetrics) await step("metrics-server", () => startMetrics());
  if (gateway && !gatewayRuns()) await startGateway();
}

async function startCluster(names: readonly string[] | undefined): Promise<void> {
  const wanted = names ?? regions().map(({ name }) => name);
  checkRegions(wanted);
  const gone = dead();
  if (gone.length > 0 && !controlPlaneStarted()) {
    say("! the cluster had ended without being stopped (a reboot?); starting it again");
  } else {
    for (const { name, log } of gone)
      say(`! ${name} had ended, starting it again; the end of ${log}:\n${endOfLog(log, 5)}`);
  }
  mkdirSync(clusterDirectory, { recursive: true });
  mkdirSync(runDirectory, { recursive: true });
  writeFileSync(ownerFile, cache);

  const sameRegions = JSON.stringify(wanted) === JSON.stringify(regions().map(({ name }) => name));
  const open = regions().filter(({ name }) => !isStopped(name));
  const regionsRun = sameRegions && open.every(({ name }) => regionRuns(name));
  if (regionsRun && clusterRuns() && !hasDied(latencyDaemon)) return;

  await step("network", async () => {
    await createBridge();
    await createNamespace(loadBalancerNamespace, network.loadBalancer);
    await createLocalhost();
  });
  await Promise.all([
    step("control plane", () => startControlPlane()),
    step("image registry and builder", async () => {
      await startRegistry();
      await startBuilder();
      await seedImages();
    }),
  ]);
  if (!sameRegions) await removeSurplusRegions(wanted);
  keepRegions(wanted);
  const all = regions();
  const starting = all.filter(({ name }) => !isStopped(name));
  await step(`regions ${starting.map(({ name }) => name).join(", ")}`, async () => {
    for (const { name, index } of starting) await createNamespace(regionNamespace(name), network.region(index));
    await routes(starting);
    await Promise.all(starting.map((region) => startRegion(region)));
    // Again: a half-dead region got a new namespace.
    await routes(starting);
  });
  const first = starting[0];
  await step("load balancer, DNS and storage", async () => {
    if (first !== undefined) await startLoadBalancer(first);
    await startDns(all.length);
    await startStorage(all);
    await forgetMetrics();
  });
}

async function routes(running: readonly Region[]): Promise<void> {
  const namespaces = running.map(({ name, index }) => ({ name: regionNamespace(name), index }));
  await route(regions().length, [...namespaces, { name: loadBalancerNamespace, index: 0 }]);
  if (isLatencyOn()) await startLatency(running);
}

/** Stops everything. The state stays on disk: the next `up` goes on with the same cluster. */
export async function down(): Promise<void> {
  checkRights();
  checkOwner();
  await step("stopping the cluster", async ({ note }) => {
    await stopGateway();
    note("Docker engine");
    await stopDocker();
    for (const name of [latencyDaemon, metricsServer, "load-balancer", "load-balancer-proxy", "buildkitd"])
      await stopDaemon(name);
    note("regions");
    await Promise.all(regions().map(stopRegion));
    note("control plane");
    await stopControlPlane();
    await stopDaemon("registry");
    note("network");
    await deleteNamespace(loadBalancerNamespace, network.loadBalancer);
    await deleteNetwork();
    await until("the end of the kit's control groups", async () => removeGroup(rootGroup), { seconds: 10 });
    rmSync(runDirectory, { recursive: true, force: true });
  });
}

/**
 * Stops everything and forgets the cluster: certificates, etcd, containers, volumes, logs; and the stacks, which tell of
 * objects that are no more. Tools and images stay.
 */
export async function forget(): Promise<void> {
  await down();
  rmSync(clusterDirectory, { recursive: true, force: true });
  rmSync(stacksDirectory, { recursive: true, force: true });
}

function checkRunning(): void {
  checkRights();
  checkOwner();
  if (!clusterRuns()) throw new UserError("the local cluster is not running; start it with `npm run cluster -- up`.");
}

export async function stopOneRegion(region: Region): Promise<void> {
  checkRunning();
  markStopped(region.name, true);
  await step(`stopping region ${region.name}`, () => stopRegion(region));
}

export async function startOneRegion(region: Region): Promise<void> {
  checkRunning();
  markStopped(region.name, false);
  await step(`starting region ${region.name}`, async () => {
    await createNamespace(regionNamespace(region.name), network.region(region.index));
    await routes(regions().filter(({ name }) => !isStopped(name)));
    await startRegion(region);
    await routes(regions().filter(({ name }) => !isStopped(name)));
  });
}

/** Puts the regions as far apart as they are in the world, or brings them together again. */
export async function setLatency(isOn: boolean): Promise<void> {
  checkRunning();
  const running = regions().filter(({ name }) => !isStopped(name));
  if (isOn) return await step("putting the regions apart", () => startLatency(running));
  await step("bringing the regions together", async () => {
    await stopLatency();
    await routes(running);
  });
}

/** Parts of the cluster that can be lost by themselves, until they are started or the next `up`. */
export const parts = {
  registry: { stop: () => stopDaemon("registry"), start: startRegistry },
  "control-plane": { stop: stopControlPlane, start: startControlPlane },
} as const;

export async function stopPart(name: keyof typeof parts): Promise<void> {
  checkRunning();
  await step(`stopping ${name}`, parts[name].stop);
}

export async function startPart(name: keyof typeof parts): Promise<void> {
  checkRights();
  checkOwner();
  if (!existsSync(ownerFile)) throw new UserError("the local cluster is down; start it with `npm run cluster -- up`.");
  await step(`starting ${name}`, parts[name].start);
}

function daemonLine(name: string): string {
  const pid = runningPid(name);
  return `${name.padEnd(20)} ${pid === undefined ? "not running" : `running, pid ${pid}`}`;
}

/** One line per component: what it is, whether it runs. */
export async function status(): Promise<string> {
  if (!existsSync(ownerFile)) return "The local cluster is down. Start it with `npm run cluster -- up`.";
  const lines = [`control plane  ${controlPlaneRuns() ? `running at ${apiserver}` : "not running"}`];
  const optional = runningPid(metricsServer) === undefined ? [] : [metricsServer];
  lines.push(...[...wantedDaemons(), ...optional].map((name) => daemonLine(name)));
  for (const { name } of regions()) {
    const stopped = isStopped(name) ? "stopped" : "not running";
    lines.push(`region ${name.padEnd(13)} ${regionRuns(name) ? "running" : stopped}`);
  }
  if (isLatencyOn()) lines.push("latency              on: the regions are as far apart as in the world");
  if (dockerRuns()) lines.push(...dockerDaemons.map((name) => daemonLine(name)));
  for (const { name, log } of dead()) lines.push(`! ${name} has ended; the end of ${log}:`, endOfLog(log));
  if (controlPlaneRuns()) lines.push("", (await kubectl(["get", "nodes", "-o", "wide"])).trimEnd());
  return lines.join("\n");
}
