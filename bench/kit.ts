/**
 * `npm run bench -- kit`: how long the kit's everyday commands take and what it costs in memory. Needs the machine to
 * itself: it stops and starts the local cluster. Each figure is a median with its range; `pulumi preview` stands beside
 * an empty program's preview in the same run, which is the floor that no program can go below.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { processesIn, rootGroup } from "../local/cgroups.ts";
import { environment } from "../local/pulumi.ts";
import { EmptyProgram } from "./release/empty-program.ts";

const repository = fileURLToPath(new URL("..", import.meta.url));
const runs = 5;

function kit(...args: string[]): string {
  return execFileSync(process.execPath, ["local/bootstrap.mjs", ...args], {
    cwd: repository,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Seconds of each run. */
function times(work: () => void, before: () => void = () => undefined, count = runs): number[] {
  return Array.from({ length: count }, () => {
    before();
    const start = performance.now();
    work();
    return (performance.now() - start) / 1000;
  });
}

function row(what: string, seconds: readonly number[], goal: string): string {
  const sorted = [...seconds].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? NaN;
  const range = `${sorted[0]?.toFixed(1)} – ${sorted.at(-1)?.toFixed(1)} s`;
  return `| ${what} | ${median.toFixed(1)} s | ${range} | ${goal} |`;
}

/** Previews of a program that declares nothing. */
function emptyPreviews(): number[] {
  const empty = new EmptyProgram();
  try {
    return times(() => empty.pulumi("preview"));
  } finally {
    empty.remove();
  }
}

/** Memory of everything that the kit runs, shared pages counted once (PSS), in MB; the app's pods are listed apart. */
function residentMegabytes(): number {
  const kwok = readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("/kwok/clusters/meridian/");
    } catch {
      return false; // ended meanwhile
    }
  });
  const pids = new Set([...processesIn(rootGroup), ...kwok.map(Number)]);
  let kilobytes = 0;
  for (const pid of pids) {
    try {
      kilobytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
    } catch {
      continue; // ended meanwhile
    }
  }
  return kilobytes / 1024;
}

kit("start");
const nothing = times(() => kit("start"));
const env = { ...process.env, ...environment() };
const preview = times(() => {
  execFileSync("pulumi", ["preview", "--stack", "dev", "--non-interactive"], { cwd: repository, env, stdio: "pipe" });
});
const floor = emptyPreviews();
const memory = residentMegabytes();
const stopped = times(
  () => kit("start"),
  () => kit("cluster", "down"),
  3,
);
const forgotten = times(
  () => {
    kit("start");
  },
  () => {
    kit("cluster", "forget");
  },
  2,
);

const table = [
  "| what | median | range | goal |",
  "| --- | --- | --- | --- |",
  row("`npm start`, cluster stopped", stopped, "<= 60 s"),
  row("`npm start`, cluster forgotten (tools and images kept)", forgotten, ""),
  row("`npm start`, nothing to do", nothing, "<= 15 s"),
  row("`pulumi preview`, no change", preview, "<= 5 s"),
  row("`pulumi preview` of an empty program (the floor)", floor, ""),
  `| memory of the kit with three replicas of the app (PSS) | ${memory.toFixed(0)} MB | | <= 2048 MB |`,
];
const text = `# The local kit\n\nWritten by \`npm run bench -- kit\`, on 2 cores.\n\n${table.join("\n")}\n`;
writeFileSync(join(repository, "bench", "kit.md"), text);
console.log(text);
