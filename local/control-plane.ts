/** The Kubernetes control plane: real etcd, API server, controller manager and scheduler, started by kwokctl. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { which } from "./debian.ts";
import { endOfLog } from "./daemon.ts";
import { run, succeeds, until, UserError } from "./exec.ts";
import { clusterDirectory, kubeconfig, network, ports } from "./paths.ts";
import { tool } from "./tools.ts";

const name = "meridian";
const workDirectory = join(clusterDirectory, "kwok");
const directory = join(workDirectory, "clusters", name);
/** Written when a cluster was created completely; one without it was interrupted and is made anew. */
const complete = join(directory, "complete");
const components = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok-controller"];

export const certificateAuthority = {
  certificate: join(directory, "pki", "ca.crt"),
  key: join(directory, "pki", "ca.key"),
};
/** The API server as regions see it. */
export const apiserver = `https://${network.host}:${ports.apiserver}`;

const env = (): NodeJS.ProcessEnv => ({ ...process.env, KWOK_WORKDIR: workDirectory, KUBECONFIG: kubeconfig });
const kwokctl = (args: readonly string[]): Promise<string> =>
  run(tool("kwokctl"), [...args, "--name", name], { env: env(), timeout: 120_000 });

export async function kubectl(args: readonly string[], input?: string): Promise<string> {
  return await run(tool("kubectl"), args, {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    ...(input !== undefined && { input }),
  });
}

const logOf = (component: string): string => join(directory, "logs", `${component}.log`);

function running(component: string): boolean {
  const file = join(directory, "pids", `${component}.pid`);
  if (!existsSync(file)) return false;
  try {
    const command = readFileSync(`/proc/${readFileSync(file, "utf8").trim()}/cmdline`, "utf8");
    return command.startsWith(`${join(directory, "bin", component)}\0`);
  } catch {
    return false; // no such process
  }
}

/** The components that should run and do not. */
export function deadComponents(): { name: string; log: string }[] {
  if (!existsSync(complete)) return [];
  return components.filter((component) => !running(component)).map((name) => ({ name, log: logOf(name) }));
}

/** Whether any of it runs. */
export const controlPlaneStarted = (): boolean => components.some(running);

export const controlPlaneRuns = (): boolean => existsSync(complete) && components.every(running);

/** kwokctl trusts its pid files: those whose pid was given to another program meanwhile (a reboot) are dropped. */
function dropStalePids(): void {
  const pids = join(directory, "pids");
  if (!existsSync(pids)) return;
  for (const file of readdirSync(pids)) {
    if (!running(file.replace(/\.pid$/, ""))) rmSync(join(pids, file));
  }
}

/** Arguments of the components, beyond kwokctl's own. In the file, as `--extra-args` of kwokctl 0.8.0 crashes on several. */
function extraArguments(): { name: string; extraArgs: { key: string; value: string }[] }[] {
  const admin = join(directory, "pki", "admin");
  const values: Record<string, Record<string, string>> = {
    "kube-apiserver": {
      "service-cluster-ip-range": network.serviceRange,
      "advertise-address": network.host,
      "kubelet-client-certificate": `${admin}.crt`,
      "kubelet-client-key": `${admin}.key`,
      // The names of nodes are in no DNS.
      "kubelet-preferred-address-types": "InternalIP",
    },
    "kube-controller-manager": {
      // One instance: nothing to elect, and no 15 s of waiting for the lease of the one before.
      "leader-elect": "false",
      "node-monitor-period": "2s",
      // A region that is lost leaves the Services after this time (kwokctl's default is an hour).
      "node-monitor-grace-period": "16s",
      "cluster-cidr": network.podRange,
      "service-cluster-ip-range": network.serviceRange,
    },
    "kube-scheduler": { "leader-elect": "false" },
    // Fake nodes (kwok's) are only those that say so: by default kwok would take over the real ones.
    "kwok-controller": {
      "manage-all-nodes": "false",
      "manage-nodes-with-annotation-selector": "kwok.x-k8s.io/node=fake",
    },
  };
  return Object.entries(values).map(([name, args]) => ({
    name,
    extraArgs: Object.entries(args).map(([key, value]) => ({ key, value })),
  }));
}

function configuration(): string {
  return stringify({
    apiVersion: "config.kwok.x-k8s.io/v1alpha1",
    kind: "KwokctlConfiguration",
    options: { kubeApiserverCertSANs: [network.host, network.apiService], etcdPeerPort: ports.etcdPeer },
    componentsPatches: extraArguments(),
  });
}

async function create(): Promise<void> {
  if (existsSync(directory)) {
    await succeeds(tool("kwokctl"), ["delete", "cluster", "--name", name], { env: env() });
    rmSync(directory, { recursive: true, force: true });
  }
  mkdirSync(workDirectory, { recursive: true });
  const config = join(workDirectory, "config.yaml");
  writeFileSync(config, configuration());
  const etcd = which("etcd");
  if (etcd === undefined) throw new UserError("etcd is missing; install the package etcd-server and try again.");
  await kwokctl([
    "create",
    "cluster",
    `--config=${config}`,
    "--runtime=binary",
    `--kubeconfig=${kubeconfig}`,
    "--secure-port",
    "--kube-authorization",
    "--kube-admission",
    `--kube-apiserver-port=${ports.apiserver}`,
    `--etcd-port=${ports.etcd}`,
    `--kube-controller-manager-port=${ports.controllerManager}`,
    `--kube-scheduler-port=${ports.scheduler}`,
    `--controller-port=${ports.kwok}`,
    `--etcd-binary=${etcd}`,
    `--kube-apiserver-binary=${tool("kube-apiserver")}`,
    `--kube-controller-manager-binary=${tool("kube-controller-manager")}`,
    `--kube-scheduler-binary=${tool("kube-scheduler")}`,
    `--kwok-controller-binary=${tool("kwok")}`,
  ]);
  writeFileSync(complete, "");
}

/** Starts whatever of the control plane does not run; creates it the first time. */
export async function startControlPlane(): Promise<void> {
  if (!existsSync(complete)) await create();
  else if (!controlPlaneRuns()) {
    dropStalePids();
    await kwokctl(["start", "cluster"]);
  }
  const ended = (): UserError | undefined => {
    const dead = deadComponents()[0];
    return dead && new UserError(`${dead.name} ended; the end of ${dead.log}:\n${endOfLog(dead.log)}`);
  };
  const ready = async (): Promise<boolean> => (await kubectl(["get", "--raw", "/readyz"])) === "ok";
  await until("the API server's readiness", ready).catch((error: unknown) => {
    throw ended() ?? error;
  });
  const broken = ended();
  if (broken !== undefined) throw broken;
}

export async function stopControlPlane(): Promise<void> {
  if (!existsSync(directory)) return;
  if (!existsSync(complete)) {
    await succeeds(tool("kwokctl"), ["delete", "cluster", "--name", name], { env: env() });
    return;
  }
  dropStalePids();
  await kwokctl(["stop", "cluster"]);
}
