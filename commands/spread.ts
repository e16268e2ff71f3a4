import { asProgram } from "./as-program.ts";
import { evenness, type Evenness } from "./chi-square.ts";
import { load } from "./requests.ts";
import { renderSpread } from "./spread-view.ts";
import { Command, CommanderError } from "commander";

export { renderSpread } from "./spread-view.ts";

export interface ReplicaCount {
  readonly name: string;
  readonly region: string;
  readonly version: string;
  readonly count: number;
}

/** How requests spread over the replicas that answered them. */
export interface Spread {
  readonly url: string;
  readonly requested: number;
  readonly answered: number;
  readonly failed: number;
  readonly seconds: number;
  /** Whether it ended before all requests were sent. */
  readonly stopped: boolean;
  /** By region, then by name. */
  readonly replicas: readonly ReplicaCount[];
  /** The most frequent first. */
  readonly failures: readonly { readonly reason: string; readonly count: number }[];
  /** Undefined if fewer than two replicas answered. */
  readonly evenness: Evenness | undefined;
}

export interface SpreadOptions {
  readonly url: string;
  /** @default 100 */
  readonly requests?: number;
  /** Requests at once. @default 10 */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  /** Called at the start and after each outcome, with a function that gives the counts so far. */
  readonly onProgress?: (soFar: () => Spread) => void;
}

/** Where nothing has answered, more of the same would only take time. */
const failuresBeforeGivingUp = 20;

/** Sends requests to a URL, each on a connection of its own, and counts who answers. */
export async function spread(options: SpreadOptions): Promise<Spread> {
  const { url, requests = 100, concurrency = 10, signal, onProgress } = options;
  const started = performance.now();
  const replicas = new Map<string, ReplicaCount>();
  const failures = new Map<string, number>();
  let answered = 0;
  let failed = 0;

  const count = (ended: boolean): Spread => ({
    url,
    requested: requests,
    answered,
    failed,
    seconds: (performance.now() - started) / 1000,
    stopped: ended && answered + failed < requests,
    replicas: [...replicas.values()].sort(
      (a, b) => a.region.localeCompare(b.region) || a.name.localeCompare(b.name, "en"),
    ),
    failures: [...failures].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count),
    evenness: evenness([...replicas.values()].map(({ count }) => count)),
  });

  onProgress?.(() => count(false));
  await load({
    url,
    requests,
    concurrency,
    ...(signal && { signal }),
    onOutcome: (outcome) => {
      if (outcome.kind === "answered") {
        const { name, region, version } = outcome;
        answered++;
        replicas.set(name, { name, region, version, count: (replicas.get(name)?.count ?? 0) + 1 });
      } else {
        failed++;
        failures.set(outcome.reason, (failures.get(outcome.reason) ?? 0) + 1);
      }
      onProgress?.(() => count(false));
      return answered > 0 || failed < failuresBeforeGivingUp;
    },
  });
  return count(true);
}

/** Where text goes: the standard output, or what a test puts in its place. */
export type Output = Pick<NodeJS.WriteStream, "write"> &
  Partial<Pick<NodeJS.WriteStream, "isTTY" | "columns" | "rows">>;

/**
 * Runs a spread before the eyes of a user: live on a terminal, else only the result.
 * @returns the exit code: 1 if a request failed, 130 if it was interrupted
 */
export async function showSpread(
  options: SpreadOptions,
  output: Output,
  { json = false, quiet = false } = {},
): Promise<number> {
  const isTerminal = output.isTTY === true && process.env["TERM"] !== "dumb";
  const live = isTerminal && !json && !quiet;
  const color = isTerminal && !process.env["NO_COLOR"];
  const columns = Math.max(40, output.columns || Number(process.env["COLUMNS"]) || 80);
  let drawn = 0;
  let last = 0;

  const erase = (): void => {
    if (drawn > 0) output.write(`\x1b[${drawn}A\x1b[0J`);
    drawn = 0;
  };
  const draw = (soFar: () => Spread): void => {
    if (performance.now() - last < 100) return;
    // What has left the top of the screen cannot be drawn over: fewer replicas are shown until the end.
    const frame = renderSpread(soFar(), { columns, color, rows: Math.max(1, (output.rows ?? 24) - 12) });
    erase();
    output.write(`${frame}\n`);
    drawn = frame.split("\n").length;
    last = performance.now();
  };

  const result = await spread({ ...options, ...(live && { onProgress: draw }) });
  erase();
  output.write(
    json ? `${JSON.stringify(result, undefined, 2)}\n` : `${renderSpread(result, { columns, color, quiet })}\n`,
  );
  if (options.signal?.aborted) return 130;
  return result.failed > 0 ? 1 : 0;
}

/** Reads the command line; throws one sentence about what is wrong with it. */
export function parseArguments(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Required<Pick<SpreadOptions, "url" | "requests" | "concurrency">> & {
  readonly json: boolean;
  readonly quiet: boolean;
} {
  const command = new Command("spread")
    .description("Sends requests, each on a connection of its own, and shows how they spread over the replicas.")
    .option("--requests <number>", "how many to send, from 1 to 1,000,000", "100")
    .option("--url <address>", "where to (default: MERIDIAN_URL, or else http://localhost:8888)")
    .option("--concurrency <number>", "how many to send at once, from 1 to 500", "10")
    .option("--json", "print the counts as one JSON object", false)
    .option("--quiet", "print only how many were answered, and the verdict", false)
    .addHelpText("after", "\nExit code: 0 all answered, 1 a request failed, 2 wrong usage, 130 interrupted.")
    .configureOutput({ writeErr: () => {} })
    .allowExcessArguments(false)
    .exitOverride();
  const options = command
    .parse(args, { from: "user" })
    .opts<{ requests: string; url?: string; concurrency: string; json: boolean; quiet: boolean }>();
  return {
    requests: integer("--requests", options.requests, 1_000_000),
    concurrency: integer("--concurrency", options.concurrency, 500),
    url: options.url === undefined ? address("MERIDIAN_URL", env["MERIDIAN_URL"]) : address("--url", options.url),
    json: options.json,
    quiet: options.quiet,
  };
}

function integer(name: string, text: string, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= most) return value;
  throw new Error(`${name} must be an integer from 1 to ${most.toLocaleString("en")}, got ${JSON.stringify(text)}.`);
}

function address(name: string, text = "http://localhost:8888"): string {
  const url = URL.parse(text);
  if (url && ["http:", "https:"].includes(url.protocol)) {
    return url.href === `${url.origin}/` ? url.origin : url.href;
  }
  throw new Error(`${name} must be an address such as http://localhost:8888, got ${JSON.stringify(text)}.`);
}

async function main(): Promise<number> {
  let options;
  try {
    options = parseArguments(process.argv.slice(2), process.env);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${message.replace(/^error: /, "")}\n`);
    return 2;
  }
  const interrupt = new AbortController();
  // Only once: a second Ctrl-C ends the process as usual.
  process.once("SIGINT", () => interrupt.abort());
  return showSpread({ ...options, signal: interrupt.signal }, process.stdout, options);
}

await asProgram(import.meta.url, main);
