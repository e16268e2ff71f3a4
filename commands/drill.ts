import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { kubeconfig, repository } from "../local/paths.ts";
import { SteadyLoad } from "./steady-load.ts";
import { type Mark, renderSvg, renderTimeline, type Timeline } from "./timeline.ts";

interface DrillOptions {
  readonly url: string;
  readonly namespace: string;
  readonly headless: boolean;
  readonly context?: string;
}

/** What a drill does while requests go on. */
interface Drill {
  readonly title: string;
  readonly by: Timeline["by"];
  /** Resolves when all is as before again. */
  readonly work: (mark: (text: string) => void, load: SteadyLoad) => Promise<void>;
}

/** What came of a drill, as it is written to `out/`. */
interface Outcome extends Timeline {
  readonly requests: number;
  readonly failed: number;
  readonly failures: Readonly<Record<string, number>>;
  /** Seconds from the first mark to the last: from what was done to when all was as before. */
  readonly secondsToRecover: number;
  /** Seconds from the first mark to the last failed request, 0 if none has failed. */
  readonly secondsOfFailures: number;
}

const longestSeconds = 300;

/** Aborted by Ctrl-C: what was broken is mended before the end. */
const interruption = new AbortController();

/** Runs a drill before the eyes of a user, and returns the exit code: 1 if requests failed. */
async function run(name: string, drill: Drill, { url, headless }: DrillOptions, color: boolean): Promise<number> {
  const load = new SteadyLoad({ url, freshPerSecond: 60, keepAlivePerSecond: 60, clients: 6 });
  const began = performance.now();
  const marks: Mark[] = [];
  const elapsed = (): number => (performance.now() - began) / 1000;
  const mark = (text: string): void => {
    marks.push({ at: elapsed(), text });
    if (headless) process.stdout.write(`${elapsed().toFixed(1).padStart(6)} s  ${text}\n`);
  };
  const columns = Math.max(60, process.stdout.columns || 80);
  const rows = Math.max(10, (process.stdout.rows || 24) - 3);
  let drawn = 0;
  const draw = (): void => {
    const timeline = { ...drill, seconds: load.report().seconds, marks };
    const lines = renderTimeline(timeline, { columns, color }).split("\n");
    // What has left the top of the screen cannot be drawn over.
    const frame = lines.length > rows ? [...lines.slice(0, 2), ...lines.slice(2).slice(2 - rows)] : lines;
    if (drawn > 0) process.stdout.write(`\x1b[${drawn}A\x1b[0J`);
    process.stdout.write(`${frame.join("\n")}\n`);
    drawn = frame.length;
  };
  const ticker = headless ? undefined : setInterval(draw, 500);
  try {
    await until("requests that are answered", () => load.report().requests > 100, 30);
    await drill.work(mark, load);
    await pause(2000);
  } finally {
    clearInterval(ticker);
    await load.stop();
  }
  const { requests, failed, failures, seconds } = load.report();
  const first = marks[0]?.at ?? 0;
  const secondsToRecover = (marks.at(-1)?.at ?? 0) - first;
  const lastFailure = seconds.findLastIndex((second) => second.failed > 0);
  const secondsOfFailures = lastFailure < 0 ? 0 : Math.max(0, lastFailure + 1 - first);
  const { title, by } = drill;
  const outcome: Outcome = {
    title,
    by,
    requests,
    failed,
    failures,
    secondsToRecover,
    secondsOfFailures,
    marks,
    seconds,
  };
  if (!headless && drawn > 0) process.stdout.write(`\x1b[${drawn}A\x1b[0J`);
  const folder = join(repository, "out");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `drill-${name}.json`), `${JSON.stringify(outcome, undefined, 2)}\n`);
  writeFileSync(join(folder, `drill-${name}.svg`), renderSvg(outcome));
  const reasons = Object.entries(failures).map(([reason, count]) => `${count} × ${reason}`);
  const lost = failed === 0 ? "none failed" : `${failed} failed (${reasons.join(", ")})`;
  process.stdout.write(
    `${renderTimeline(outcome, { columns, color })}\n\n` +
      `${requests} requests, ${lost}; as before after ${secondsToRecover.toFixed(1)} s. ` +
      `Also in out/drill-${name}.svg and .json.\n`,
  );
  return failed === 0 ? 0 : 1;
}

async function kubectl(...args: string[]): Promise<string> {
  return (await promisify(execFile)("kubectl", args)).stdout.trim();
}

async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  seconds = longestSeconds,
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await condition())) {
    if (interruption.signal.aborted) throw new Error("interrupted");
    if (performance.now() > end) throw new Error(`${what} did not come within ${seconds} s.`);
    await pause(200);
  }
}

const pods = async (namespace: string, path: string): Promise<string[]> => {
  const selector = "app.kubernetes.io/name=hello";
  const jsonpath = `jsonpath={range .items[*]}{${path}}{"\\n"}{end}`;
  return (await kubectl("-n", namespace, "get", "pods", "-l", selector, "-o", jsonpath)).split("\n").filter(Boolean);
};

function loseAPod({ namespace }: DrillOptions): Drill {
  return {
    title: "One replica is deleted",
    by: "regions",
    work: async (mark) => {
      const ready = async () =>
        (await pods(namespace, '.status.conditions[?(@.type=="Ready")].status')).filter((status) => status === "True");
      const before = await pods(namespace, ".metadata.name");
      const [victim] = before;
      if (victim === undefined) throw new Error(`There is no replica in the namespace ${namespace}.`);
      await kubectl("-n", namespace, "delete", "pod", victim, "--wait=false");
      mark(`pod ${victim} is deleted`);
      await until("another replica", async () => {
        const names = await pods(namespace, ".metadata.name");
        return !names.includes(victim) && names.length === before.length && (await ready()).length === before.length;
      });
      mark(`${before.length} of ${before.length} replicas are ready, and the old one has ended`);
    },
  };
}

/** Only the local cluster's: nobody else's power can be cut. */
function loseARegion(region: string): Drill {
  const cut = async (verb: "stop" | "start"): Promise<void> => {
    await promisify(execFile)(process.execPath, [
      join(repository, "local/bootstrap.mjs"),
      "cluster",
      "region",
      verb,
      region,
    ]);
  };
  return {
    title: `The region ${region} loses its power, and gets it back`,
    by: "regions",
    work: async (mark, load) => {
      const last = (count: number) => load.report().seconds.slice(0, -1).slice(-count);
      const answersFrom = (count: number) => last(count).some(({ regions }) => (regions[region] ?? 0) > 0);
      if (!answersFrom(5)) throw new Error(`No replica in a region ${region} answers.`);
      mark(`the region ${region} loses its power`);
      await cut("stop");
      try {
        await until(
          "five seconds without a failed request",
          () => last(5).every(({ failed }) => failed === 0) && !answersFrom(5),
        );
        mark("the other regions answer everything");
      } finally {
        await cut("start");
      }
      mark(`the region ${region} has its power back`);
      await until(`an answer from ${region}`, () => answersFrom(2));
      mark(`the region ${region} answers again`);
    },
  };
}

async function release(kind: string): Promise<Drill> {
  const { stdout } = await promisify(execFile)("pulumi", ["config", "--json"]);
  const config = JSON.parse(stdout) as Record<string, { value?: string } | undefined>;
  const value = (key: string): string => config[`meridian:${key}`]?.value ?? "";
  const [, line, patch] = /^(v\d+\.\d+\.)(\d+)/.exec(value("version")) ?? [];
  if (line === undefined) throw new Error(`The stack's version is no version: ${value("version")}`);
  const version = `${line}${Number(patch) + 1}`;
  // The drill is over when nothing of the release before runs any more; its image and its assets stay known.
  const steps = kind === "canary" ? ["--steps", "34:10,67:10"] : [];
  return {
    title: `${version} is released, ${kind}`,
    by: "versions",
    work: async (mark, load) => {
      const args = [join(repository, "commands/release.ts"), version, "--kind", kind, "--keep", "0", ...steps];
      const child = spawn(process.execPath, ["--no-warnings", ...args], { stdio: ["ignore", "pipe", "pipe"] });
      let text = "";
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (more: string) => (text += more));
      const ended = once(child, "exit") as Promise<[number | null]>;
      let isOver = false;
      void ended.then(() => (isOver = true));
      mark("pulumi up begins");
      await until(`an answer by ${version}`, () => isOver || (load.report().versions[version] ?? 0) > 0);
      mark(`${version} answers for the first time`);
      const [code] = await ended;
      if (code !== 0) throw new Error(`the release failed:\n${text}`);
      mark("pulumi up has ended");
      const others = ({ versions }: { versions: Record<string, number> }) =>
        Object.keys(versions).some((key) => key !== version);
      await until(`only answers by ${version}`, () =>
        load
          .report()
          .seconds.slice(0, -1)
          .slice(-2)
          .every((second) => !others(second)),
      );
      mark(`only ${version} answers`);
    },
  };
}

/** Breaking things is for the kit's own cluster, unless the user names another one. */
async function refuseForeignCluster(context: string | undefined): Promise<void> {
  if (process.env["KUBECONFIG"] === kubeconfig) return;
  const current = await kubectl("config", "current-context").catch(() => "");
  if (context === current && current !== "") return;
  throw new Error(
    `This is not the local cluster but ${current || "none"}: \`npm run drill\` breaks things there; ` +
      `\`--context ${current || "NAME"}\` says that you mean it.`,
  );
}

const choices =
  (...allowed: string[]) =>
  (text: string): string => {
    if (allowed.includes(text)) return text;
    throw new InvalidArgumentError(`there are ${allowed.join(", ")}.`);
  };

async function main(): Promise<number> {
  const color = process.stdout.isTTY && !process.env["NO_COLOR"];
  let exitCode = 0;
  // Only once: a second Ctrl-C ends the process as usual.
  process.once("SIGINT", () => interruption.abort());
  const program = new Command("drill")
    .description("Breaks something on purpose while requests go on, and shows what comes of it.")
    .option("--url <address>", "where requests go", process.env["MERIDIAN_URL"] ?? "http://localhost:8888")
    .option("--namespace <name>", "where the app runs", "meridian")
    .option("--headless", "print what happens line by line, as for CI", process.stdout.isTTY !== true)
    .option("--context <name>", "the kubeconfig's context, for a cluster that is not the local one")
    .addHelpText("after", "\nExit code: 0 no request failed, 1 some did, 2 the drill could not be done.")
    .exitOverride();
  const start = async (name: string, make: (options: DrillOptions) => Drill | Promise<Drill>): Promise<void> => {
    const options = program.opts<DrillOptions>();
    await refuseForeignCluster(options.context);
    exitCode = await run(name, await make(options), options, color);
  };
  program
    .command("pod")
    .description("delete a replica")
    .action(() => start("pod", loseAPod));
  program
    .command("region <name>")
    .description("cut the power of a region of the local cluster, and give it back")
    .action((region: string) => start("region", () => loseARegion(region)));
  program
    .command("release")
    .argument("<kind>", "rolling, blueGreen or canary", choices("rolling", "blueGreen", "canary"))
    .description("release the next version")
    .action((kind: string) => start(`release-${kind}`, () => release(kind)));
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  return exitCode;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main();
}
