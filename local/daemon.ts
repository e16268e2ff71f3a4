/** Long-running programs of the kit: started in the background, found again by later commands, health-checked, stopped. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createGroup, processTree, rootGroup } from "./cgroups.ts";
import { systemPath } from "./debian.ts";
import { UserError, until } from "./exec.ts";
import { clusterDirectory } from "./paths.ts";

/** Sockets and pid files: a tmpfs, so that nothing stale outlives a reboot. */
export const runDirectory = "/run/meridian";

export interface Daemon {
  readonly name: string;
  readonly command: readonly string[];
  /** Network namespace to run in. Default: the host's. */
  readonly namespace?: string;
  /** "new": a mount namespace of its own; a pid: the one of that process. Default: the host's. */
  readonly mounts?: "new" | number;
  /** Control group below the kit's, so that a whole region can be ended at once. Default "host". */
  readonly group?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it serves. Asked until it is true. */
  readonly healthy: () => Promise<boolean>;
}

export const logFile = (name: string): string => join(clusterDirectory, "logs", `${name}.log`);
const pidFile = (name: string): string => join(runDirectory, "pids", name);

/** Start time of a process in clock ticks since boot: with it a recycled pid is not taken for the old process. */
function startTime(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined; // no such process
  }
}

/** Pid of a daemon that runs. */
export function runningPid(name: string): number | undefined {
  if (!existsSync(pidFile(name))) return undefined;
  const [pid, started] = readFileSync(pidFile(name), "utf8").trim().split(" ");
  return pid !== undefined && started !== undefined && startTime(Number(pid)) === started ? Number(pid) : undefined;
}

/** Whether a daemon was started and not stopped, and yet is gone. */
export function hasDied(name: string): boolean {
  return existsSync(pidFile(name)) && runningPid(name) === undefined;
}

/** Writes a daemon's configuration file, unless it says that already: kube-proxy ends when its file is touched. */
export function writeConfiguration(file: string, text: string): void {
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text, { mode: 0o600 });
}

export function endOfLog(file: string, lines = 10): string {
  if (!existsSync(file)) return "";
  return readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
}

/** Starts a daemon that does not run and waits until it is healthy. @throws UserError with the end of its log. */
export async function startDaemon(daemon: Daemon): Promise<void> {
  if (runningPid(daemon.name) === undefined) launch(daemon);
  await untilHealthy(daemon.name, daemon.healthy);
}

export async function untilHealthy(name: string, healthy: () => Promise<boolean>): Promise<void> {
  await until(
    `the start of ${name}`,
    async () => {
      if (hasDied(name)) {
        throw new UserError(
          `${name} ended right after its start; the end of ${logFile(name)}:\n${endOfLog(logFile(name))}`,
        );
      }
      return await healthy();
    },
    { seconds: 90 },
  );
}

function launch(daemon: Daemon): void {
  const group = `${rootGroup}/${daemon.group ?? "host"}`;
  createGroup(group);
  const enter: string[] = [];
  if (daemon.namespace !== undefined) enter.push(`--net=/run/netns/${daemon.namespace}`);
  if (typeof daemon.mounts === "number") enter.push(`--mount=/proc/${daemon.mounts}/ns/mnt`);
  const argv = [
    ...(enter.length > 0 ? ["nsenter", ...enter, "--"] : []),
    // Not "ip netns exec": it remounts /sys and so hides the control groups.
    ...(daemon.mounts === "new" ? ["unshare", "--mount", "--propagation", "private", "--"] : []),
    "sh",
    "-c",
    `echo $$ > ${processTree(group)}/cgroup.procs; ${daemon.mounts === "new" ? "mount --make-rshared /; " : ""}exec "$@"`,
    daemon.name,
    ...daemon.command,
  ];
  mkdirSync(join(clusterDirectory, "logs"), { recursive: true });
  mkdirSync(join(runDirectory, "pids"), { recursive: true });
  const log = openSync(logFile(daemon.name), "w");
  const [program = "", ...args] = argv;
  const child = spawn(program, args, {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: "/",
    env: { ...process.env, PATH: systemPath, ...daemon.env },
  });
  closeSync(log);
  if (child.pid === undefined) throw new UserError(`${daemon.name} could not be started: ${program} cannot be run.`);
  // Every step to the program itself is an exec: the pid stays.
  writeFileSync(pidFile(daemon.name), `${child.pid} ${startTime(child.pid) ?? "gone"}\n`);
  child.unref();
}

/** Ends processes: asks first, insists after `grace` milliseconds. */
export async function endProcesses(pids: readonly number[], grace: number): Promise<void> {
  const alive = (): { pid: number; started: string }[] =>
    targets.filter(({ pid, started }) => startTime(pid) === started);
  const targets = pids.flatMap((pid) => {
    const started = startTime(pid);
    return started === undefined ? [] : [{ pid, started }];
  });
  const send = (signal: NodeJS.Signals): void => {
    for (const { pid } of alive()) {
      try {
        process.kill(pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
    }
  };
  send("SIGTERM");
  const end = Date.now() + grace;
  while (alive().length > 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  send("SIGKILL");
  await until("the end of killed processes", async () => alive().length === 0, { seconds: 10, interval: 20 });
}

/** Stops a daemon; one that does not run is fine. */
export async function stopDaemon(name: string, grace = 5000): Promise<void> {
  const pid = runningPid(name);
  if (pid !== undefined) await endProcesses([pid], grace);
  rmSync(pidFile(name), { force: true });
}

/** Forgets a daemon that ended together with its group. */
export function forgetDaemon(name: string): void {
  rmSync(pidFile(name), { force: true });
}
