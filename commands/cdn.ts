import { execFile } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

import { Command, CommanderError, InvalidArgumentError } from "commander";

import { asProgram } from "./as-program.ts";
import { renderPurge, renderStatus } from "./cdn-view.ts";
import { askAll } from "./edges.ts";
import type { Location, RegionAnswer } from "./edges.ts";

/** A CDN as its stack's outputs describe it. */
export interface CdnAddress {
  readonly locations: readonly Location[];
  readonly token: string;
}

/** What is to be forgotten. */
export type PurgeWish =
  { readonly path: string } | { readonly prefix: string } | { readonly tag: string } | { readonly all: true };

/** What an edge has counted since its start. */
export interface EdgeStatus {
  readonly edge: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** Makes every edge of every region forget something. */
export function purge(
  { locations, token }: CdnAddress,
  wish: PurgeWish,
): Promise<RegionAnswer<{ readonly edge: string }>[]> {
  return askAll(locations, { method: "POST", path: "/.meridian/purge", token, body: JSON.stringify(wish) });
}

/** What every edge of every region has done so far. */
export function status({ locations, token }: CdnAddress): Promise<RegionAnswer<EdgeStatus>[]> {
  return askAll(locations, { method: "GET", path: "/.meridian/status", token });
}

/** Reads the CDN's regions and token from the outputs `cdnLocations` and `cdnToken` of the selected stack. */
async function readAddress(stack: string | undefined): Promise<CdnAddress> {
  const args = ["stack", "output", "--json", "--show-secrets", ...(stack === undefined ? [] : ["--stack", stack])];
  const { stdout } = await promisify(execFile)("pulumi", args).catch((error: unknown) => {
    const { stderr = "", message } = error as Error & { stderr?: string };
    throw new Error(`the stack's outputs cannot be read: ${stderr.trim() || message}`);
  });
  return parseOutputs(stdout);
}

/** The CDN that a stack's outputs describe; throws a sentence if there is none. */
export function parseOutputs(json: string): CdnAddress {
  const { cdnLocations, cdnToken } = JSON.parse(json) as { cdnLocations?: Location[]; cdnToken?: string };
  if (!Array.isArray(cdnLocations) || cdnLocations.length === 0 || typeof cdnToken !== "string") {
    throw new Error(
      'the stack has no CDN: pulumi config set cdn true, then pulumi up, makes one in each of "regions".',
    );
  }
  return { locations: cdnLocations, token: cdnToken };
}

/** What the command line of `purge` asks for; throws a sentence if it is not one thing. */
export function purgeWish(
  paths: readonly string[],
  { prefix, tag, all }: { prefix?: string; tag?: string; all?: boolean },
): PurgeWish[] {
  const kinds = [paths.length > 0, prefix !== undefined, tag !== undefined, all === true].filter(Boolean).length;
  if (kinds !== 1) throw new Error("purge takes one or more paths, or --prefix, or --tag, or --all.");
  if (tag !== undefined) return [{ tag: tagOf(tag) }];
  if (all === true) return [{ all }];
  return prefix === undefined ? paths.map((path) => ({ path: pathOf(path) })) : [{ prefix: pathOf(prefix) }];
}

function tagOf(text: string): string {
  if (/^[\x21-\x2b\x2d-\x7e]{1,128}$/.test(text)) return text;
  throw new Error(
    `a tag must be 1 to 128 printable characters without blanks and commas, got ${JSON.stringify(text)}.`,
  );
}

/** The path of a URL or path; a query does not count, since all of them are forgotten together. */
function pathOf(text: string): string {
  const url = URL.parse(text, "http://any.example");
  if (url === null || !(text.startsWith("/") || /^https?:\/\//.test(text))) {
    throw new Error(`a path must begin with "/" or be a URL, got ${JSON.stringify(text)}.`);
  }
  return url.pathname;
}

const exitCodes = "\nExit code: 0 all edges answered, 1 some did not, 2 wrong usage, 130 interrupted.";

async function main(args: readonly string[]): Promise<number> {
  let code = 0;
  const program = new Command("cdn")
    .description("Watches the edges of the stack's CDN, and makes them forget.")
    .option("--stack <name>", "the Pulumi stack (default: the selected one)")
    .option("--quiet", "print only what came of it, and the regions where something is wrong", false)
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", exitCodes)
    .configureOutput({ writeErr: () => {} })
    .exitOverride();
  const common = (): { stack?: string; quiet: boolean } => program.opts();
  const address = (): Promise<CdnAddress> => readAddress(common().stack);
  const print = (text: string): boolean => text === "" || process.stdout.write(`${text}\n`);

  program
    .command("purge")
    .description("forget paths (or URLs) with all their variants, what begins with a prefix, or everything")
    .argument("[paths...]", "paths such as /index.html; queries do not count")
    .option("--prefix <path>", "everything whose path begins with this")
    .option("--tag <tag>", "everything that the origin has given this tag, in Surrogate-Key or Cache-Tag")
    .option("--all", "everything")
    .action(async (paths: string[], options: { prefix?: string; tag?: string; all?: boolean }) => {
      const wishes = purgeWish(paths, options);
      const cdn = await address();
      for (const wish of wishes) {
        const answers = await purge(cdn, wish);
        print(renderPurge(wish, answers, common().quiet));
        if (answers.some(({ problem }) => problem !== undefined)) code = 1;
      }
    });
  program
    .command("status")
    .description("the regions, how much they answer themselves, and how long the origin takes")
    .option("--watch <seconds>", "again every so many seconds, until it is interrupted", parseSeconds)
    .action(async ({ watch }: { watch?: number }) => {
      const cdn = await address();
      const interrupt = new AbortController();
      process.once("SIGINT", () => interrupt.abort());
      do {
        const answers = await status(cdn);
        print(
          `${watch !== undefined && process.stdout.isTTY ? "\x1b[2J\x1b[H" : ""}${renderStatus(answers, common().quiet)}`,
        );
        code = answers.some(({ problem }) => problem !== undefined) ? 1 : 0;
        if (watch !== undefined) await pause(watch * 1000, undefined, { signal: interrupt.signal }).catch(() => {});
      } while (watch !== undefined && !interrupt.signal.aborted);
      if (interrupt.signal.aborted) code = 130;
    });
  for (const command of program.commands) command.copyInheritedSettings(program);
  await program.parseAsync(args, { from: "user" });
  return code;
}

function parseSeconds(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= 3600) return value;
  throw new InvalidArgumentError("seconds must be an integer from 1 to 3600.");
}

await asProgram(import.meta.url, async () => {
  try {
    return await main(process.argv.slice(2));
  } catch (error) {
    const isHelp = error instanceof CommanderError && error.exitCode === 0;
    if (!isHelp) process.stderr.write(`${(error as Error).message.replace(/^error: /, "")}\n`);
    return isHelp ? 0 : 2;
  }
});
