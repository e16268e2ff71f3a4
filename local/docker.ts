/**
 * A Docker engine of the kit's own, for stacks whose target is `docker` or `swarm`: in a network namespace of its own (its
 * firewall rules would cut the regions off), with its own data, socket and control group. Never the user's.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { processesIn, removeGroup, rootGroup } from "./cgroups.ts";
import {
  endProcesses,
  forgetDaemon,
  hasDied,
  logFile,
  runDirectory,
  runningPid,
  startDaemon,
  stopDaemon,
  writeConfiguration,
} from "./daemon.ts";
import { installPackages, which } from "./debian.ts";
import { run, succeeds, until, UserError } from "./exec.ts";
import { createNamespace, deleteNamespace } from "./network.ts";
import { clusterDirectory, network, ports, repository, toolsDirectory } from "./paths.ts";
import { step } from "./progress.ts";

/** The engine's address, as Docker's clients take it from DOCKER_HOST. */
export const dockerHost = `unix://${runDirectory}/docker.sock`;
export const dockerDaemons = ["dockerd", "docker-ports"] as const;

const namespace = "meridian-docker";
/** The firewall's table of localhost's ports, see docker-ports.ts. */
export const localhostTable = "meridian-docker";
const group = "docker";
/** Debian's packages, unpacked and not installed: nothing on the machine changes, whatever Docker it has already. */
const unpacked = join(toolsDirectory, "docker-debian");

export const dockerRuns = (): boolean => runningPid("dockerd") !== undefined;

/** Daemons of the engine that were started and are gone. */
export const deadDockerDaemons = (): { name: string; log: string }[] =>
  dockerDaemons.filter(hasDied).map((name) => ({ name, log: logFile(name) }));

/** The folders that hold `dockerd` and what it calls. */
const folders = (): string[] => ["usr/sbin", "usr/bin"].map((folder) => join(unpacked, folder));

async function unpackEngine(): Promise<void> {
  await installPackages({ forDocker: true });
  if (existsSync(unpacked)) return;
  mkdirSync(toolsDirectory, { recursive: true });
  const folder = mkdtempSync(join(toolsDirectory, "docker-"));
  try {
    await step("Docker engine from Debian's packages", async ({ note }) => {
      await run("apt-get", ["update"], { onLine: note });
      await run("apt-get", ["download", "docker.io", "containerd", "tini"], { cwd: folder, onLine: note });
      for (const file of readdirSync(folder)) await run("dpkg-deb", ["-x", join(folder, file), join(folder, "root")]);
    });
    renameSync(join(folder, "root"), unpacked);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeEngineConfiguration(): string {
  const folder = join(clusterDirectory, "docker");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "daemon.json");
  const settings = {
    "data-root": join(folder, "data"),
    "exec-root": join(runDirectory, "docker"),
    pidfile: join(runDirectory, "docker.pid"),
    hosts: [dockerHost],
    // Below the kit's own control group, so that all of it can be ended at once.
    "cgroup-parent": `/${rootGroup}/${group}/containers`,
    "exec-opts": ["native.cgroupdriver=cgroupfs"],
    "userland-proxy-path": join(unpacked, "usr/sbin/docker-proxy"),
    "init-path": join(unpacked, "usr/bin/docker-init"),
    bip: "10.216.0.1/24",
    "default-address-pools": [{ base: "10.217.0.0/16", size: 24 }],
    "shutdown-timeout": 5,
  };
  writeConfiguration(file, JSON.stringify(settings, null, 2));
  return file;
}

/** Lets the engine find the kit's registry by the name that image references give it. */
async function leadToRegistry(): Promise<void> {
  const rules = `
table ip meridian { }
delete table ip meridian
table ip meridian {
  chain output {
    type nat hook output priority -100;
    ip daddr 127.0.0.1 tcp dport ${ports.registry} dnat to ${network.host}:${ports.registry}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr 127.0.0.0/8 oifname "eth0" masquerade
  }
}
`;
  const inside = (...command: string[]): string[] => [`--net=/run/netns/${namespace}`, "--", ...command];
  await run("nsenter", inside("sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet"));
  await run("nsenter", inside("nft", "-f", "-"), { input: rules });
}

const ask = async (...args: string[]): Promise<string> => {
  const env = { ...process.env, DOCKER_HOST: dockerHost, DOCKER_CONTEXT: undefined };
  return await run(join(unpacked, "usr/bin/docker"), args, { env, timeout: 30_000 });
};

/** Starts the engine, or what is missing of it; with `swarm` as a Swarm of one node. Needs the cluster's network. */
export async function startDocker({ swarm = false }: { swarm?: boolean } = {}): Promise<void> {
  await unpackEngine();
  if (which("iptables") === undefined) throw new UserError("iptables is missing; install that package and try again.");
  if (!dockerRuns()) await stopDocker();
  await step("Docker engine", async () => {
    await createNamespace(namespace, network.docker);
    await leadToRegistry();
    await startDaemon({
      name: "dockerd",
      command: [join(unpacked, "usr/sbin/dockerd"), "--config-file", writeEngineConfiguration()],
      env: { PATH: [...folders(), "/usr/sbin:/usr/bin:/sbin:/bin"].join(":") },
      namespace,
      mounts: "new",
      group,
      healthy: async () => (await ask("version", "--format", "{{.Server.Version}}")) !== "",
    });
    await startDaemon({
      name: "docker-ports",
      command: [process.execPath, "--no-warnings", join(repository, "local", "docker-ports.ts")],
      healthy: () => succeeds("nft", ["list", "table", "ip", localhostTable]),
    });
    if (swarm && !(await isSwarm())) {
      const address = network.docker;
      await ask("swarm", "init", "--advertise-addr", address, "--listen-addr", `${address}:2377`);
    }
  });
}

async function isSwarm(): Promise<boolean> {
  return (await ask("info", "--format", "{{.Swarm.LocalNodeState}}")).trim() === "active";
}

/** Stops the engine with all its containers; images and volumes stay on disk for the next start. */
export async function stopDocker(): Promise<void> {
  await stopDaemon("docker-ports");
  // It ends its containers first.
  await stopDaemon("dockerd", 15_000);
  await until("the end of the Docker engine", async () => {
    await endProcesses(processesIn(`${rootGroup}/${group}`), 0);
    return removeGroup(`${rootGroup}/${group}`);
  });
  dockerDaemons.forEach(forgetDaemon);
  if (await succeeds("nft", ["list", "table", "ip", localhostTable])) {
    await run("nft", ["delete", "table", "ip", localhostTable]);
  }
  await deleteNamespace(namespace, network.docker);
}
