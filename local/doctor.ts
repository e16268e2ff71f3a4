/** `npm run doctor`: whether this machine can do what `npm start` needs, and what to do where it cannot. */
import { accessSync, constants, existsSync, readFileSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { styleText } from "node:util";
import { clusterRuns, dead } from "./cluster.ts";
import { kubectl } from "./control-plane.ts";
import { missingPackages, systemPath, which } from "./debian.ts";
import { run, UserError } from "./exec.ts";
import { refuseForeignNetworks } from "./network.ts";
import { cache, repository } from "./paths.ts";
import { installedPulumi, standIns } from "./plugins.ts";
import { checkOwner, checkPorts, checkRights, nothingRuns } from "./preflight.ts";
import { checkDisk, checkGo, missingTools } from "./tools.ts";

export interface Finding {
  readonly name: string;
  /** `problem`: `npm start` cannot do without. */
  readonly state: "ok" | "note" | "problem";
  /** What was found; for a problem, what to do about it, too. */
  readonly detail: string;
}

/** Returns what was found. @throws UserError that says what is wrong, and what to do */
type Check = () => string | Promise<string>;

class Note extends Error {}

/** Tried for real, in namespaces that end with the trial; without what has a use `only`, all else works. */
const trials: Readonly<Record<string, readonly [script: string, remedy: string, only?: string]>> = {
  "kernel: namespaces": [
    "unshare --mount --net --pid --fork true",
    "a kernel with namespaces, and the right to make them",
  ],
  "kernel: overlayfs": [
    "unshare --mount sh -ec 'mount -t tmpfs none /mnt; cd /mnt; mkdir a b c d; mount -t overlay none -o lowerdir=a,upperdir=b,workdir=c d'",
    "the module overlay (`modprobe overlay`)",
  ],
  "kernel: bridge and veth": [
    "unshare --net sh -ec 'ip link add m0 type bridge; ip link add m1 type veth peer name m2; ip link set m1 master m0'",
    "the modules bridge and veth (`modprobe bridge veth`)",
  ],
  "kernel: nf_tables": [
    `unshare --net sh -ec 'nft "add table ip t; add chain ip t c { type nat hook output priority -100; }; add rule ip t c ip daddr 127.0.0.1 dnat to 127.0.0.2"'`,
    "the module nf_tables with NAT (`modprobe nf_tables nft_nat`)",
  ],
  "kernel: vxlan": [
    "unshare --net ip link add m0 type vxlan id 1 dstport 4789",
    "the module vxlan (`modprobe vxlan`)",
    "the networks of a Swarm (`npm run cluster -- up --swarm`)",
  ],
  "kernel: ip_vs": [
    "test -e /proc/net/ip_vs",
    "the module ip_vs (`modprobe ip_vs`), or `swarmPublish` balancer",
    "the routing mesh of a Swarm",
  ],
  "kernel: tun": [
    "unshare --net ip tuntap add dev m0 mode tun",
    "the module tun (`modprobe tun`)",
    "`npm run cluster -- latency on`",
  ],
};

const neededGigabytes = 2;

function checkMemory(): string {
  const kilobytes = Number(/MemAvailable: +(\d+)/.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0);
  const available = (kilobytes * 1024) / 1e9;
  if (available >= neededGigabytes || clusterRuns()) return `${available.toFixed(1)} GB available`;
  throw new UserError(
    `${available.toFixed(1)} GB of memory are available, the cluster needs ${neededGigabytes} GB; end other programs and try again.`,
  );
}

function checkGroups(): string {
  const [unified, mount] = [existsSync("/sys/fs/cgroup/cgroup.controllers"), "/sys/fs/cgroup"];
  const has = unified
    ? readFileSync(`${mount}/cgroup.controllers`, "utf8").trim().split(" ")
    : ["cpu", "memory", "pids"].filter((name) => existsSync(`${mount}/${name}/cgroup.procs`));
  const missing = ["cpu", "memory", "pids"].filter((name) => !has.includes(name));
  if (missing.length > 0) {
    throw new UserError(`the cgroup controllers ${missing.join(", ")} are missing; mount cgroups with them.`);
  }
  try {
    accessSync(unified ? mount : `${mount}/pids`, constants.W_OK);
  } catch {
    throw new UserError(
      `${mount} cannot be written to; run as root, in a container with \`--privileged --cgroupns=host\`.`,
    );
  }
  return `version ${unified ? 2 : 1}, with cpu, memory and pids`;
}

function checkNode(): string {
  const { engines } = JSON.parse(readFileSync(`${repository}/package.json`, "utf8")) as { engines: { node: string } };
  const [needed, have] = [engines.node, process.versions.node].map((text) =>
    text.replace(/^\D+/, "").split(".").map(Number),
  );
  const isEnough =
    (have![0] ?? 0) > (needed![0] ?? 0) || (have![0] === needed![0] && (have![1] ?? 0) >= (needed![1] ?? 0));
  if (isEnough) return `Node ${process.versions.node}`;
  throw new UserError(`Node is ${process.versions.node}, ${engines.node} is needed; \`npm ci\` brings one.`);
}

function checkPackages(): string {
  const missing = missingPackages();
  if (missing.length === 0) return "all installed";
  if (which("apt-get") === undefined) {
    throw new UserError(
      `there is no apt-get here to install ${missing.join(", ")}; install them in your distribution's way.`,
    );
  }
  throw new Note(`npm start will install ${missing.join(", ")}`);
}

async function checkTools(): Promise<string> {
  const missing = missingTools();
  if (missing.length === 0) return "all built";
  await checkGo();
  checkDisk();
  throw new Note(`npm start will build ${missing.map(({ folder }) => folder).join(", ")}`);
}

function freeDisk(): string {
  let folder = cache;
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  const free = (bavail * bsize) / 1e9;
  if (free < 1) throw new UserError(`${folder} has ${free.toFixed(1)} GB free, images need 1 GB; free some space.`);
  return `${free.toFixed(1)} GB free in ${folder}`;
}

async function checkCluster(): Promise<string> {
  if (nothingRuns()) throw new Note("the local cluster is down; `npm start` starts it");
  const gone = dead().map(({ name }) => name);
  if (gone.length > 0) throw new Note(`${gone.join(", ")} ended; \`npm start\` starts it again`);
  await kubectl(["get", "--raw", "/readyz", "--request-timeout=5s"]);
  return "the local cluster answers";
}

async function checkPulumi(): Promise<string> {
  const theirs = await installedPulumi();
  const plugins = standIns();
  const official = plugins.length === 0 ? "" : `; stand-ins serve for the plugins ${plugins.join(", ")}`;
  return `${theirs === undefined ? "the kit's own" : "yours"}${official}`;
}

const checks: Readonly<Record<string, Check>> = {
  rights: () => {
    checkRights();
    return "Linux, as root";
  },
  "other clusters": () => {
    checkOwner();
    return "no other of this kit";
  },
  node: checkNode,
  npm: async () => `npm ${(await run("npm", ["--version"])).trim()}`,
  packages: checkPackages,
  tools: checkTools,
  Pulumi: checkPulumi,
  disk: freeDisk,
  memory: checkMemory,
  "kernel: cgroups": checkGroups,
  ...Object.fromEntries(
    Object.entries(trials).map(([name, [script, remedy, only]]): [string, Check] => [
      name,
      async () => {
        try {
          await run("sh", ["-c", script], { env: { ...process.env, PATH: systemPath }, timeout: 10_000 });
          return "works";
        } catch (error) {
          const reason = (error as Error).message;
          if (only !== undefined) throw new Note(`missing, and only ${only} needs it: ${remedy}`);
          throw new UserError(`it does not work here, and needs ${remedy}: ${reason}`);
        }
      },
    ]),
  ),
  networks: async () => {
    await refuseForeignNetworks();
    return "10.213.0.0/16 to 10.215.0.0/16 are not taken";
  },
  ports: async () => {
    if (!nothingRuns()) return "the cluster has them";
    await checkPorts([8888]);
    return "all free";
  },
  cluster: checkCluster,
};

/** Everything that was found, one check after the other. */
export async function examine(wanted: Readonly<Record<string, Check>> = checks): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [name, check] of Object.entries(wanted)) {
    try {
      findings.push({ name, state: "ok", detail: await check() });
    } catch (error) {
      if (!(error instanceof UserError || error instanceof Note)) throw error;
      findings.push({ name, state: error instanceof Note ? "note" : "problem", detail: error.message });
    }
  }
  return findings;
}

/** A line for each finding; only problems if it shall be quiet. */
export function report(findings: readonly Finding[], quiet = false): string {
  const signs = { ok: ["green", "✓"], note: ["yellow", "•"], problem: ["red", "✗"] } as const;
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings
    .filter(({ state }) => !quiet || state === "problem")
    .map(({ name, state, detail }) => {
      const [colour, sign] = signs[state];
      return `${styleText(colour, sign, { stream: process.stdout })} ${name.padEnd(width)}  ${detail}`;
    });
  const problems = findings.filter(({ state }) => state === "problem").length;
  const verdict =
    problems === 0 ? "`npm start` has what it needs." : `${problems} to mend before \`npm start\`, see ✗.`;
  return (quiet ? lines : [...lines, "", verdict]).join("\n");
}
