/** A region: one network namespace with a containerd, a kubelet and a kube-proxy of its own. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createGroup, processesIn, removeGroup, rootGroup } from "./cgroups.ts";
import { apiserver, certificateAuthority, kubectl } from "./control-plane.ts";
import {
  endOfLog,
  endProcesses,
  forgetDaemon,
  hasDied,
  logFile,
  runDirectory,
  runningPid,
  startDaemon,
  stopDaemon,
  untilHealthy,
  writeConfiguration,
} from "./daemon.ts";
import { ownDevicePlugins } from "./device-plugins.ts";
import { run, until } from "./exec.ts";
import { pauseImage } from "./images.ts";
import { createNamespace, deleteNamespace, regionNamespace } from "./network.ts";
import { clusterDirectory, network, ports, registry } from "./paths.ts";
import { tool } from "./tools.ts";

export interface Region {
  /** Name of the region, and of its node. */
  readonly name: string;
  /** From 1; decides the addresses. */
  readonly index: number;
}

const directory = (region: string): string => join(clusterDirectory, "regions", region);
/** Groups of a region: pods below the first (the kubelet's), the daemons in the second. */
const podGroup = (region: string): string => `${rootGroup}/${region}`;
const daemonGroup = (region: string): string => `${region}-daemons`;

export const daemonsOf = (region: string): string[] =>
  ["containerd", "kubelet", "kube-proxy"].map((program) => `${region}-${program}`);

/** A client certificate with a kubeconfig around it, signed anew at every start. */
export async function writeKubeconfig(folder: string, name: string, subject: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const key = join(folder, `${name}.key`);
  const request = join(folder, `${name}.csr`);
  const certificate = join(folder, `${name}.crt`);
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await run("openssl", ["req", "-new", ...curve, "-keyout", key, "-out", request, "-subj", subject]);
  const { certificate: ca, key: caKey } = certificateAuthority;
  const signing = ["-CA", ca, "-CAkey", caKey, "-CAcreateserial", "-CAserial", join(folder, `${name}.srl`)];
  await run("openssl", ["x509", "-req", "-in", request, "-out", certificate, "-days", "3650", ...signing]);
  const file = join(folder, `${name}.kubeconfig`);
  writeConfiguration(
    file,
    `apiVersion: v1
kind: Config
clusters: [{name: meridian, cluster: {server: "${apiserver}", certificate-authority: "${ca}"}}]
users: [{name: "${name}", user: {client-certificate: "${certificate}", client-key: "${key}"}}]
contexts: [{name: meridian, context: {cluster: meridian, user: "${name}"}}]
current-context: meridian
`,
  );
  return file;
}

/** Configuration of kube-proxy; `node` decides which endpoints count as local. */
export function writeProxyConfiguration(folder: string, kubeconfig: string, node: string, address: string): string {
  const file = join(folder, "kube-proxy.yaml");
  writeConfiguration(
    file,
    `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clientConnection: {kubeconfig: "${kubeconfig}"}
hostnameOverride: "${node}"
clusterCIDR: "${network.podRange}"
healthzBindAddress: "${address}:10256"
metricsBindAddress: "127.0.0.1:10249"
conntrack: {maxPerCore: 0}
`,
  );
  return file;
}

export const proxyHealthy = (address: string): Promise<boolean> =>
  fetch(`http://${address}:10256/livez`).then(
    ({ ok }) => ok,
    () => false,
  );

function writeContainerdConfiguration(region: string): { file: string; socket: string } {
  const folder = directory(region);
  const run = join(runDirectory, region);
  const socket = join(run, "containerd.sock");
  // The registry by the name that image references use, reached over the bridge.
  const host = join(folder, "certs.d", registry);
  mkdirSync(host, { recursive: true });
  const endpoint = `http://${network.host}:${ports.registry}`;
  writeConfiguration(join(host, "hosts.toml"), `server = "${endpoint}"\n[host."${endpoint}"]\n`);
  const cni = join(folder, "cni");
  const file = join(folder, "containerd.toml");
  writeConfiguration(
    file,
    `version = 3
root = "${folder}/containerd"
state = "${run}/containerd"
[grpc]
  address = "${socket}"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "${pauseImage}"
[plugins."io.containerd.cri.v1.images".registry]
  config_path = "${folder}/certs.d"
[plugins."io.containerd.cri.v1.runtime"]
  netns_mounts_under_state_dir = true # they end with the region
  restrict_oom_score_adj = true # without CAP_SYS_RESOURCE (a container as host) runc fails otherwise
[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["/usr/lib/cni"]
  conf_dir = "${cni}"
`,
  );
  return { file, socket };
}

function writeCniConfiguration({ name, index }: Region): void {
  const cni = join(directory(name), "cni");
  mkdirSync(cni, { recursive: true });
  const ipam = {
    type: "host-local",
    ranges: [[{ subnet: network.podRangeOf(index) }]],
    routes: [{ dst: "0.0.0.0/0" }],
    // Leases end with the machine: a reboot leaves no address behind as taken.
    dataDir: join(runDirectory, name, "addresses"),
  };
  const bridge = { type: "bridge", bridge: "cni0", isGateway: true, ipMasq: false, hairpinMode: true, ipam };
  const plugins = [bridge, { type: "portmap", capabilities: { portMappings: true } }];
  writeConfiguration(join(cni, "10-bridge.conflist"), JSON.stringify({ cniVersion: "1.0.0", name: "pods", plugins }));
}

function writeKubeletConfiguration(region: string, socket: string): string {
  const file = join(directory(region), "kubelet.yaml");
  writeConfiguration(
    file,
    `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: "${certificateAuthority.certificate}"}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
cgroupRoot: "/${podGroup(region)}" # a tree per node, or the kubelets would fight over /kubepods
failCgroupV1: false
failSwapOn: false
containerRuntimeEndpoint: "unix://${socket}"
clusterDNS: ["${network.dnsService}"]
clusterDomain: cluster.local
resolvConf: "" # pods ask the cluster's DNS only; the host's resolver cannot be reached from there
enforceNodeAllocatable: [pods]
evictionHard: {memory.available: "0%", nodefs.available: "0%", imagefs.available: "0%"}
nodeLeaseDurationSeconds: 12 # renewed every 3 s: the control plane waits 16 s for it
podLogsDir: "${directory(region)}/logs"
registerNode: true
`,
  );
  return file;
}

/** Whether a region's daemons all run. */
export const regionRuns = (name: string): boolean =>
  daemonsOf(name).every((daemon) => runningPid(daemon) !== undefined);

/** The daemons of a region that were started and are gone. */
export const deadDaemons = (name: string): { name: string; log: string }[] =>
  daemonsOf(name)
    .filter(hasDied)
    .map((daemon) => ({ name: daemon, log: logFile(daemon) }));

interface Item {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}
interface Pod extends Item {
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly state?: { readonly running?: { readonly startedAt: string } } }[];
  };
}

/** Pods that the API server believes to be ready though their containers ended with the region's last run. */
async function staleReadyPods(region: string, since: number): Promise<string[]> {
  const text = await kubectl(["get", "pods", "-A", `--field-selector=spec.nodeName=${region}`, "-o", "json"]);
  const { items } = JSON.parse(text) as { items: Pod[] };
  return items
    .filter(({ status }) => {
      const ready = status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
      const started = status?.containerStatuses?.map(({ state }) => Date.parse(state?.running?.startedAt ?? "")) ?? [];
      // Kubernetes writes whole seconds.
      return ready && !started.every((time) => time + 1000 >= since);
    })
    .map(({ metadata }) => metadata.name);
}

async function nodeReady(region: string): Promise<boolean> {
  const path = '-o=jsonpath={.status.conditions[?(@.type=="Ready")].status}';
  return (await kubectl(["get", "node", region, path])) === "True";
}

/** Starts a region, or what is missing of it; a half-dead one is started anew as a whole. Returns when its node is Ready. */
export async function startRegion(region: Region): Promise<void> {
  const { name, index } = region;
  const fresh = !regionRuns(name);
  if (fresh) await stopRegion(region);
  const since = Date.now();
  const address = network.region(index);
  const namespace = regionNamespace(name);
  const folder = directory(name);
  await createNamespace(namespace, address);
  mkdirSync(join(runDirectory, name), { recursive: true });
  createGroup(podGroup(name));

  const { file, socket } = writeContainerdConfiguration(name);
  writeCniConfiguration(region);
  const group = daemonGroup(name);
  await startDaemon({
    name: `${name}-containerd`,
    command: [tool("containerd"), "--config", file],
    env: { PATH: `${join(tool("containerd"), "..")}:/usr/sbin:/usr/bin:/sbin:/bin` },
    namespace,
    mounts: "new",
    group,
    // Its socket is there before its services are; a kubelet that comes too early ends.
    healthy: async () => endOfLog(logFile(`${name}-containerd`), 10_000).includes("containerd successfully booted"),
  });
  const mounts = runningPid(`${name}-containerd`);
  if (fresh && mounts !== undefined) await ownDevicePlugins(mounts, join(folder, "device-plugins"));
  const zone = `topology.kubernetes.io/region=${name},topology.kubernetes.io/zone=${name}a`;
  const pki = join(folder, "pki");
  // Only where they start: a running kubelet keeps the certificate that it has.
  if (fresh) await writeKubeconfig(pki, "kubelet", `/O=system:nodes/CN=system:node:${name}`);
  await startDaemon({
    name: `${name}-kubelet`,
    command: [
      tool("kubelet"),
      `--config=${writeKubeletConfiguration(name, socket)}`,
      `--kubeconfig=${join(pki, "kubelet.kubeconfig")}`,
      `--hostname-override=${name}`,
      `--node-ip=${address}`,
      `--root-dir=${folder}/kubelet`,
      `--cert-dir=${pki}/serving`,
      `--node-labels=${zone}`,
    ],
    namespace,
    ...(mounts !== undefined && { mounts }),
    group,
    // Ready follows below: it needs a status that this very kubelet has written.
    healthy: async () => true,
  });
  if (fresh) await writeKubeconfig(pki, "kube-proxy", "/CN=system:kube-proxy");
  const proxy = writeProxyConfiguration(folder, join(pki, "kube-proxy.kubeconfig"), name, address);
  await startDaemon({
    name: `${name}-kube-proxy`,
    command: [tool("kube-proxy"), `--config=${proxy}`],
    namespace,
    group,
    healthy: () => proxyHealthy(address),
  });
  await untilHealthy(`${name}-kubelet`, () => nodeReady(name));
  await until(
    `the restart of the pods in region ${name}`,
    async () => !fresh || (await staleReadyPods(name, since)).length === 0,
    { seconds: 60, interval: 250 },
  );
}

/** Stops a region at once, as if its power were cut; its images and its node object stay. */
export async function stopRegion({ name, index }: Region): Promise<void> {
  // The kubelet first, or it would start again what ends.
  await stopDaemon(`${name}-kubelet`, 0);
  const groups = [podGroup(name), `${rootGroup}/${daemonGroup(name)}`];
  await endProcesses(processesIn(groups[0] ?? ""), 3000);
  await until(`the end of region ${name}`, async () => {
    await endProcesses(groups.flatMap(processesIn), 0);
    return groups.every(removeGroup);
  });
  daemonsOf(name).forEach(forgetDaemon);
  await deleteNamespace(regionNamespace(name), network.region(index));
  rmSync(join(runDirectory, name), { recursive: true, force: true });
}

/** Forgets a region for good: its node object, images and logs. */
export async function deleteRegion(region: Region): Promise<void> {
  await stopRegion(region);
  await kubectl(["delete", "node", region.name, "--ignore-not-found"]);
  rmSync(directory(region.name), { recursive: true, force: true });
}
