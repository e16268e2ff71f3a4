import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { Command, CommanderError } from "commander";
import { asProgram } from "./as-program.ts";
import { judge, type Limits, parseSteps, type Step, watch } from "./canary.ts";
import { readRoom, tooLittleRoom } from "../config-room.ts";
import { plan, type Earlier, type Releases, type Settings, type Wish } from "./release-plan.ts";

/** How a canary goes on. */
export interface Course {
  readonly steps: readonly Step[];
  readonly limits: Limits;
}

/** Whether only the result and the reasons of failures are printed. */
let quiet = false;

/** Runs a release by `pulumi config` and `pulumi up`, as could be done by hand; each command is printed. */
export async function release(wish: Wish, course: Course, stack: readonly string[]): Promise<number> {
  const now = await readReleases(stack);
  const settings = plan(now, wish);
  if (wish.kind === "release" && (settings.release ?? now.kind) === "blueGreen") await checkRoom(stack);
  const isCanary = wish.kind === "release" && (settings.release ?? now.kind) === "canary";
  const code = isCanary ? await canary(settings, course, stack) : await apply(settings, stack);
  if (code === 0) say(`${quiet ? "" : "\n"}${describe(await readReleases(stack))}`);
  else if (!isCanary) say("\nThe release has failed for the reason above. Mend it and release again, or `rollback`.");
  return code;
}

/** Before anything is created. @throws Error with one sentence if a second set of replicas has no room */
async function checkRoom(stack: readonly string[]): Promise<void> {
  const outputs = JSON.parse(await output(["stack", "output", "--json", ...stack])) as Record<string, unknown>;
  const get = async (...args: string[]): Promise<string | undefined> => {
    const list = await promisify(execFile)("kubectl", ["get", ...args, "-o", "json"], { maxBuffer: 2 ** 28 })
      // Whoever may deploy need not be allowed to look at nodes: then the scheduler's word has to do.
      .catch(() => undefined);
    return list?.stdout;
  };
  const room = await readRoom(get, String(outputs["namespace"]));
  const problem = room && tooLittleRoom(room, Number(outputs["replicas"]));
  const fix = "lower replicas, add nodes, or release with --kind rolling, which needs room for one";
  if (problem !== undefined) throw new Error(`${problem}: ${fix}.`);
}

/** Sets configuration and makes it true. */
async function apply(settings: Settings, stack: readonly string[]): Promise<number> {
  for (const args of [...configCommands(settings), ["up", "--yes", "--skip-preview", "--suppress-permalink=true"]]) {
    note(`$ pulumi ${args.join(" ")}`);
    const code = await attach([...args, ...stack]);
    if (code !== 0) return code;
  }
  return 0;
}

/** Gives the new release one share after the other, and after the first that it does not stand, nothing. */
async function canary(settings: Settings, { steps, limits }: Course, stack: readonly string[]): Promise<number> {
  for (const [index, { weight, pauseSeconds }] of steps.entries()) {
    const code = await apply({ ...(index === 0 ? settings : {}), weight }, stack);
    let why = "the update has failed for the reason above";
    if (code === 0) {
      const namespace = await output(["stack", "output", "namespace", ...stack]);
      const version = (await readReleases(stack)).version;
      note(`\nWatching ${version} at ${weight} % for ${pauseSeconds} s …`);
      const { good, figures } = judge(await watch(namespace.trim(), version, pauseSeconds), limits);
      note(`${good ? "✓" : "✗"} ${version} at ${weight} %: ${figures}\n`);
      if (good) continue;
      why = figures;
    }
    if (code === 130) return code;
    const back = (await apply(plan(await readReleases(stack), { kind: "rollback" }), stack)) === 0;
    const end = back
      ? "All traffic is back with the release before."
      : "Going back has failed as well: run `pulumi up`.";
    say(`\nThe canary has failed at ${weight} %: ${why}. ${end}`);
    return 1;
  }
  return apply({ weight: 100 }, stack);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Says what is on the way to a result. */
function note(text: string): void {
  if (!quiet) say(text);
}

/** The commands that put settings into the stack's configuration. */
export function configCommands({ previous, ...texts }: Settings): string[][] {
  const values = Object.entries(texts).map(([key, text]) => `${key}=${text}`);
  const list = (previous ?? []).map(({ version, image }, index) => `previous[${index}]=${version}=${image}`);
  const set = [...values, ...list].flatMap((value) => ["--plaintext", value]);
  return [...(previous === undefined ? [] : [["config", "rm", "previous"]]), ["config", "set-all", "--path", ...set]];
}

/** The releases that are known, the newest first, and what each of them is at the moment. */
export function roles(releases: Releases): (Earlier & { readonly role: string })[] {
  const { kind, version, active, failed, image, previous, keepPrevious, weight } = releases;
  const running = kind === "blueGreen" ? previous.slice(0, keepPrevious).map((earlier) => earlier.version) : [];
  const role = (of: string): string =>
    of === active ? "active" : of === version ? "preview" : running.includes(of) ? "standby" : "previous";
  const newest = failed
    ? "failed"
    : weight < 100
      ? `canary ${weight} %`
      : image === undefined
        ? "not deployed"
        : role(version);
  return [
    { version, image: image ?? "-", role: newest },
    ...previous.map((earlier) => ({ ...earlier, role: role(earlier.version) })),
  ];
}

/** One line for each release: which one has the traffic, which one waits, where one can go back to. */
export function describe(releases: Releases): string {
  const rows = roles(releases);
  const width = Math.max(...rows.map((row) => row.version.length));
  const lines = rows.map((row) => `${row.version.padEnd(width)}  ${row.role.padEnd(12)}  ${row.image}`);
  return [`Releases are ${releases.kind}.`, ...lines].join("\n");
}

interface State {
  readonly deployment?: { readonly resources?: readonly { readonly type: string; readonly initErrors?: string[] }[] };
}

export async function readReleases(stack: readonly string[]): Promise<Releases> {
  const config = JSON.parse(await output(["config", "--json", ...stack])) as Record<string, { value?: string }>;
  const outputs = JSON.parse(await output(["stack", "output", "--json", ...stack])) as Record<string, unknown>;
  const state = JSON.parse(await output(["stack", "export", ...stack])) as State;
  const value = (key: string): string =>
    Object.entries(config).find(([name]) => name.endsWith(`:${key}`))?.[1].value ?? "";
  const version = value("version");
  const promote = value("promote");
  const previous = (JSON.parse(value("previous") || "[]") as string[]).map(earlier);
  // The outputs are those of the last update that went well.
  const deployed = outputs["version"] === version && typeof outputs["imageRef"] === "string";
  return {
    kind: value("release"),
    version,
    image: deployed ? String(outputs["imageRef"]) : undefined,
    failed: (state.deployment?.resources ?? []).some(({ initErrors }) => (initErrors ?? []).length > 0),
    promote,
    active: value("active") || (promote === "manual" ? previous[0]?.version : undefined) || version,
    keepPrevious: Number(value("keepPrevious") || 0),
    weight: Number(value("weight") || 100),
    previous,
  };
}

function earlier(text: string): Earlier {
  const at = text.indexOf("=");
  return { version: text.slice(0, at), image: text.slice(at + 1) };
}

async function attach(args: readonly string[]): Promise<number> {
  const child = spawn("pulumi", args, { stdio: quiet ? ["ignore", "pipe", "pipe"] : "inherit" });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (more: string) => (text += more));
  }
  // Ctrl-C reaches Pulumi by itself; it saves its state, and then this process goes on to say what became of it.
  const wait = (): void => undefined;
  process.on("SIGINT", wait);
  const [code] = (await once(child, "close")) as [number | null];
  process.off("SIGINT", wait);
  if (code !== 0) process.stdout.write(text);
  return code ?? 130;
}

async function output(args: readonly string[]): Promise<string> {
  const child = spawn("pulumi", args, { stdio: ["ignore", "pipe", "pipe"] });
  let [text, errors] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (more: string) => (text += more));
  child.stderr.setEncoding("utf8").on("data", (more: string) => (errors += more));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(errors.trim().replace(/^error: /, "") || `pulumi ${args.join(" ")} failed.`);
  return text;
}

interface Request {
  readonly wish: Wish | "status";
  readonly course: Course;
  readonly stack: string[];
  readonly quiet: boolean;
}

/** Reads the command line. */
export function parseArguments(args: readonly string[]): Request {
  const { operands, options } = parse(args);
  const [word = ""] = operands;
  if (options.keep !== undefined && !/^(10|\d)$/.test(options.keep)) {
    throw new Error(`--keep must be an integer from 0 to 10, got ${JSON.stringify(options.keep)}.`);
  }
  const keep = options.keep === undefined ? undefined : Number(options.keep);
  if (options.kind !== undefined && !["rolling", "blueGreen", "canary"].includes(options.kind)) {
    throw new Error(`--kind must be rolling, blueGreen or canary, got ${JSON.stringify(options.kind)}.`);
  }
  const stack = options.stack === undefined ? [] : ["--stack", options.stack];
  const limits = {
    maxErrorPercent: limit("--max-errors", options.maxErrors, 100),
    maxP99Milliseconds: limit("--max-p99", options.maxP99, 60_000),
  };
  const course = { steps: parseSteps(options.steps), limits };
  const common = { course, stack, quiet: options.quiet };
  if (word === "status") return { wish: "status", ...common };
  if (word === "rollback" || word === "promote") return { wish: { kind: word }, ...common };
  const wish = { kind: "release", version: word, keep, hold: options.hold, releaseKind: options.kind } as const;
  return { wish, ...common };
}

function limit(name: string, text: string, most: number): number {
  if (/^\d+(\.\d+)?$/.test(text) && Number(text) <= most) return Number(text);
  throw new Error(`${name} must be a number from 0 to ${most}, got ${JSON.stringify(text)}.`);
}

interface Options {
  readonly steps: string;
  readonly maxErrors: string;
  readonly maxP99: string;
  readonly keep?: string;
  readonly hold: boolean;
  readonly kind?: string;
  readonly stack?: string;
  readonly quiet: boolean;
}

function parse(args: readonly string[]): { operands: readonly string[]; options: Options } {
  const command = new Command("release")
    .description(
      "Releases a version, goes back, or gives the traffic to a release that waits: pulumi config and pulumi up.",
    )
    .argument("<wish>", "a version such as v0.0.2, or rollback, promote, status")
    .option("--kind <kind>", "rolling, blueGreen or canary (default: as the stack has it)")
    .option("--steps <steps>", "canary: shares in percent, each with the seconds that it is watched", "10:30,50:30")
    .option("--max-errors <percent>", "canary: answers of status 500 and above that are too many", "1")
    .option("--max-p99 <milliseconds>", "canary: what 99 % of the answers have to keep below", "1000")
    .option("--hold", "blueGreen: leave the new release on its preview until `promote`", false)
    .option("--keep <number>", "blueGreen: earlier releases that go on running (default: as the stack has it)")
    .option("--stack <name>", "the stack (default: the selected one)")
    .option("--quiet", "print only what came of it", false)
    .addHelpText("after", "\nExit code: 0 done, 1 a canary failed, 2 wrong usage or impossible, else that of pulumi.")
    .configureOutput({ writeErr: () => {} })
    .allowExcessArguments(false)
    .exitOverride()
    .parse(args, { from: "user" });
  return { operands: command.args, options: command.opts<Options>() };
}

async function main(): Promise<number> {
  try {
    const { wish, course, stack, ...asked } = parseArguments(process.argv.slice(2));
    quiet = asked.quiet;
    if (wish !== "status") return await release(wish, course, stack);
    process.stdout.write(`${describe(await readReleases(stack))}\n`);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${message.replace(/^error: /, "")}\n`);
    return 2;
  }
}

await asProgram(import.meta.url, main);
