/** The local cluster as a whole: up, down, status, regions. Every function may be called at any time, in any state. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { removeGroup, rootGroup } from "./cgroups.ts";
import {
  apiserver,
  controlPlaneRuns,
  deadComponents,
  kubectl,
  startControlPlane,
  stopControlPlane,
} from "./control-plane.ts";
import { endOfLog, hasDied, logFile, runDirectory, runningPid, startDaemon, stopDaemon } from "./daemon.ts";
import { until, UserError } from "./exec.ts";
import { coreDnsImage, seedImages } from "./images.ts";
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
import { cache, clusterDirectory, network, ports, repository } from "./paths.ts";
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
import { startBuilder, startRegistry } from "./registry.ts";
import { tool } from "./tools.ts";

const hostDaemons = ["registry", "buildkitd", "load-balancer-proxy", "load-balancer"] as const;
const regionsFile = join(clusterDirectory, "regions.json");
const ownerFile = join(runDirectory, "owner");

export const defaultRegions = ["eu", "us", "ap"] as const;

/** Checks a list of regions. @throws UserError that says what is allowed. */
export function checkRegions(names: readonly string[]): void {
  const wrong = names.find((name) => !/^[a-z]([-a-z0-9]{0,8}[a-z0-9])?$/.test(name));
  if (wrong !== undefined) {
    throw new UserError(
      `regions must be names of 1 to 10 lower-case letters, digits and hyphens that start with a letter, got "${wrong}"; rename it.`,
    );
  }
  if (["lb", "host"].includes(names.find((name) => ["lb", "host"].includes(name)) ?? "")) {
    throw new UserError(`regions must not be called "lb" or "host", the kit uses these names itself; rename it.`);
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new UserError(`regions must have different names, got "${twice}" twice; rename one.`);
  if (names.length < 1 || names.length > 9) {
    throw new UserError(`regions must be a list of 1 to 9 names, got ${names.length}; the local cluster has room for 9.`);
  }
}

/** The regions of the cluster as it was last started. */
export function regions(): Region[] {
  const names = existsSync(regionsFile) ? (JSON.parse(readFileSync(regionsFile, "utf8")) as string[]) : [...defaultRegions];
  return names.map((name, index) => ({ name, index: index + 1 }));
}

/** Regions that the user has stopped stay stopped until they are started by name, or the cluster was down. */
const stoppedFile = (name: string): string => join(runDirectory, "stopped", name);

export function findRegion(wanted: string): Region {
  const name = wanted.toLowerCase();
  const region = regions().find((one) => one.name === name);
  if (region !== undefined) return region;
  const known = regions().map((one) => one.name);
  throw new UserError(`there is no region "${wanted}"; the local cluster has ${known.join(", ")}.`);
}

function checkRights(): void {
  if (process.platform !== "linux") {
    throw new UserError(
      `the local cluster needs Linux, this is ${process.platform}; use \`pulumi up\` with a cluster of your own (README: "Your own cluster").`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new UserError(
      "the local cluster needs root (it makes network namespaces and containers); run `sudo npm start`, or use `pulumi up` with a cluster of your own.",
    );
  }
}

function checkOwner(): void {
  const owner = existsSync(ownerFile) ? readFileSync(ownerFile, "utf8") : cache;
  if (owner !== cache) {
    throw new UserError(
      `another local cluster runs on this machine, from ${owner}; stop it with \`XDG_CACHE_HOME=${join(owner, "..")} npm run cluster -- down\` and try again.`,
    );
  }
}

async function portIsFree(port: number, host: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

/** Ports that something else listens on, before anything is started. */
async function checkPorts(servicePorts: readonly number[]): Promise<void> {
  for (const port of [...Object.values(ports), ...servicePorts]) {
    if (!(await portIsFree(port, "127.0.0.1")) || !(await portIsFree(port, "0.0.0.0"))) {
      throw new UserError(
        `port ${port} is taken by another program (\`ss -ltnp 'sport = :${port}'\` names it); stop that program and try again.`,
      );
    }
  }
}

export const clusterRuns = (): boolean => controlPlaneRuns() && hostDaemons.every((name) => runningPid(name) !== undefined);

/** Components that were started and are gone, with their logs. */
export function dead(): { name: string; log: string }[] {
  if (!existsSync(ownerFile)) return [];
  return [
    ...deadComponents(),
    ...hostDaemons.filter(hasDied).map((name) => ({ name, log: logFile(name) })),
    ...regions().flatMap(({ name }) => deadDaemons(name)),
  ];
}

async function startLoadBalancer(first: Region, signal?: AbortSignal): Promise<void> {
  const folder = join(clusterDirectory, "load-balancer");
  const kubeconfig = await writeKubeconfig(folder, "kube-proxy", "/CN=system:kube-proxy");
  const config = writeProxyConfiguration(folder, kubeconfig, first.name, network.loadBalancer);
  await startDaemon(
    {
      name: "load-balancer-proxy",
      command: [tool("kube-proxy"), `--config=${config}`],
      namespace: loadBalancerNamespace,
      healthy: () => proxyHealthy(network.loadBalancer),
    },
    signal,
  );
  await startDaemon(
    {
      name: "load-balancer",
      command: [process.execPath, "--no-warnings", join(repository, "local", "load-balancer.ts")],
      healthy: async () => endOfLog(logFile("load-balancer"), 1000).includes("watching Services"),
    },
    signal,
  );
}

async function startDns(regionCount: number, signal?: AbortSignal): Promise<void> {
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
    { seconds: 90, interval: 250, signal },
  );
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
  /** Ports of localhost that are going to be used, checked while the cluster is down. */
  readonly servicePorts?: readonly number[];
  readonly signal?: AbortSignal;
}

/** Starts the cluster, or what is missing of it. */
export async function up({ regions: names, servicePorts = [], signal }: UpOptions = {}): Promise<void> {
  checkRights();
  checkOwner();
  const wanted = names ?? regions().map(({ name }) => name);
  checkRegions(wanted);
  for (const { name, log } of dead()) say(`! ${name} had ended, starting it again; the end of ${log}:\n${endOfLog(log, 5)}`);
  if (!existsSync(ownerFile)) await checkPorts(servicePorts);
  mkdirSync(clusterDirectory, { recursive: true });
  mkdirSync(runDirectory, { recursive: true });
  writeFileSync(ownerFile, cache);

  const sameRegions = JSON.stringify(wanted) === JSON.stringify(regions().map(({ name }) => name));
  const open = regions().filter(({ name }) => !existsSync(stoppedFile(name)));
  if (sameRegions && clusterRuns() && open.every(({ name }) => regionRuns(name))) return;

  await step("network", async () => {
    await createBridge();
    await createNamespace(loadBalancerNamespace, network.loadBalancer);
    await createLocalhost();
  });
  await Promise.all([
    step("control plane", () => startControlPlane(signal)),
    step("image registry and builder", async () => {
      await startRegistry(signal);
      await startBuilder(signal);
      await seedImages(signal);
    }),
  ]);
  if (!sameRegions) await removeSurplusRegions(wanted);
  writeFileSync(regionsFile, JSON.stringify(wanted));
  const all = regions();
  const starting = all.filter(({ name }) => !existsSync(stoppedFile(name)));
  await step(`regions ${starting.map(({ name }) => name).join(", ")}`, async () => {
    for (const { name, index } of starting) await createNamespace(regionNamespace(name), network.region(index));
    await routes(starting);
    await Promise.all(starting.map((region) => startRegion(region, signal)));
    // Again: a half-dead region got a new namespace.
    await routes(starting);
  });
  const first = starting[0];
  await step("load balancer and DNS", async () => {
    if (first !== undefined) await startLoadBalancer(first, signal);
    await startDns(all.length, signal);
  });
}

async function routes(running: readonly Region[]): Promise<void> {
  const namespaces = running.map(({ name, index }) => ({ name: regionNamespace(name), index }));
  await route(regions().length, [...namespaces, { name: loadBalancerNamespace, index: 0 }]);
}

/** Stops everything. The state stays on disk: the next `up` goes on with the same cluster. */
export async function down(): Promise<void> {
  checkRights();
  checkOwner();
  await step("stopping the cluster", async ({ note }) => {
    for (const name of ["load-balancer", "load-balancer-proxy", "buildkitd"]) await stopDaemon(name);
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

/** Stops everything and forgets the cluster: certificates, etcd, containers, logs. Tools and images stay. */
export async function forget(): Promise<void> {
  await down();
  rmSync(clusterDirectory, { recursive: true, force: true });
}

export async function stopOneRegion(region: Region): Promise<void> {
  checkRights();
  checkOwner();
  mkdirSync(join(runDirectory, "stopped"), { recursive: true });
  writeFileSync(stoppedFile(region.name), "");
  await step(`stopping region ${region.name}`, () => stopRegion(region));
}

export async function startOneRegion(region: Region, signal?: AbortSignal): Promise<void> {
  checkRights();
  checkOwner();
  if (!clusterRuns()) throw new UserError("the local cluster is not running; start it with `npm run cluster -- up`.");
  rmSync(stoppedFile(region.name), { force: true });
  await step(`starting region ${region.name}`, async () => {
    await createNamespace(regionNamespace(region.name), network.region(region.index));
    await routes(regions().filter(({ name }) => !existsSync(stoppedFile(name))));
    await startRegion(region, signal);
    await routes(regions().filter(({ name }) => !existsSync(stoppedFile(name))));
  });
}

/** One line per component: what it is, whether it runs. */
export async function status(): Promise<string> {
  if (!existsSync(ownerFile)) return "The local cluster is down. Start it with `npm run cluster -- up`.";
  const lines = [`control plane  ${controlPlaneRuns() ? `running at ${apiserver}` : "not running"}`];
  for (const name of hostDaemons) {
    const pid = runningPid(name);
    lines.push(`${name.padEnd(20)} ${pid === undefined ? "not running" : `running, pid ${pid}`}`);
  }
  for (const { name } of regions()) {
    const stopped = existsSync(stoppedFile(name)) ? "stopped" : "not running";
    lines.push(`region ${name.padEnd(13)} ${regionRuns(name) ? "running" : stopped}`);
  }
  for (const { name, log } of dead()) lines.push(`! ${name} has ended; the end of ${log}:`, endOfLog(log));
  if (controlPlaneRuns()) lines.push("", (await kubectl(["get", "nodes", "-o", "wide"])).trimEnd());
  return lines.join("\n");
}
