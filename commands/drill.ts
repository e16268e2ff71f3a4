/** `npm run drill`: breaks something on purpose while requests go on, and shows what comes of it. */
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { fileURLToPath } from "node:url";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { asProgram } from "./as-program.ts";
import { loseControlPlane } from "./drills/control-plane.ts";
import { type Drill, interruption, kubectl, type Place, text } from "./drills/drill.ts";
import { isOurs } from "./drills/kit.ts";
import { drainNode } from "./drills/node.ts";
import { loseOrigin } from "./drills/origin.ts";
import { losePod } from "./drills/pod.ts";
import { loseRegion } from "./drills/region.ts";
import { loseRegistry } from "./drills/registry.ts";
import { releaseKinds, releaseNext } from "./drills/release.ts";
import { runDrill } from "./drills/run.ts";
import { Undo } from "./drills/undo.ts";
import { unknown } from "./nearest.ts";

interface Options {
  readonly url?: string;
  readonly namespace?: string;
  readonly stack?: string;
  readonly outage?: number;
  readonly headless: boolean;
  readonly quiet: boolean;
  readonly confirm?: string;
}

interface Kind {
  readonly name: string;
  readonly description: string;
  /** What it has to be told, `<such>` or, if it may be left out, `[such]`. */
  readonly argument?: readonly [name: string, description: string];
  readonly make: (place: Place, options: Options, argument: string) => Drill | Promise<Drill>;
}

/** All drills, from the harmless ones on. */
const kinds: readonly Kind[] = [
  { name: "pod", description: "delete a replica", make: losePod },
  {
    name: "node",
    description: "drain a node, as for maintenance, and use it again",
    argument: ["[name]", "the node (default: one that has a replica)"],
    make: (place, _options, name) => drainNode(place, name === "" ? undefined : name),
  },
  {
    name: "region",
    description: "cut the power of a region of the local cluster, and give it back",
    argument: ["<name>", "the region, such as eu"],
    make: (place, { outage }, name) => loseRegion(place, name, outage),
  },
  {
    name: "origin",
    description: "take all replicas away behind the CDN, and give them back",
    make: (place, { outage = 15 }) => loseOrigin(place, outage),
  },
  {
    name: "release",
    description: "release the next version",
    argument: ["<kind>", releaseKinds.join(", ")],
    make: (_place, _options, kind) => releaseNext(kind),
  },
  {
    name: "registry",
    description: "stop the local cluster's image registry, lose a replica, and start it again",
    make: (place, { outage = 5 }) => loseRegistry(place, outage),
  },
  {
    name: "control-plane",
    description: "stop the local cluster's control plane, and start it again",
    make: (place, { outage = 10 }) => loseControlPlane(place, outage),
  },
];

const folder = fileURLToPath(new URL("../out", import.meta.url));
const undoFile = join(folder, "drill-undo.json");

/** Breaking things is for the kit's own cluster, unless the user names another one. */
async function refuseForeignCluster(confirmed: string | undefined): Promise<void> {
  if (isOurs()) return;
  const current = await kubectl("config", "current-context").catch(() => "");
  if (confirmed === current && current !== "") return;
  throw new Error(
    `this is not the local cluster but ${current || "none"}, and a drill breaks things there; ` +
      `--confirm ${current || "CONTEXT"} says that you mean it.`,
  );
}

/** Where the app is, as the stack's outputs tell, or the command line. */
async function findPlace({ url, namespace, stack }: Options): Promise<Place> {
  const args = ["stack", "output", "--json", ...(stack === undefined ? [] : ["--stack", stack])];
  const known = url !== undefined && namespace !== undefined;
  const json = await text("pulumi", args).catch((error: unknown) => {
    if (known) return "{}"; // a place without a stack
    throw new Error(
      `the stack cannot be read (${(error as Error).message}); --url and --namespace say where the app is.`,
    );
  });
  const { cdnLocations = [], ...outputs } = JSON.parse(json) as Partial<Place> & { cdnLocations?: Place["edges"] };
  const place = {
    url: url ?? process.env["MERIDIAN_URL"] ?? outputs.url ?? "",
    namespace: namespace ?? outputs.namespace ?? "",
    edges: cdnLocations,
  };
  if (place.url === "" || place.namespace === "") throw new Error("the stack has no app yet: `npm start` deploys it.");
  return place;
}

async function start(kind: Kind, options: Options, argument: string): Promise<number> {
  await refuseForeignCluster(options.confirm);
  const left = Undo.leftBehind(undoFile);
  for (const what of (await left?.run()) ?? []) {
    process.stderr.write(`An earlier drill has not come to its end; put back: ${what}.\n`);
  }
  const place = await findPlace(options);
  const drill = await kind.make(place, options, argument);
  const { isTTY, columns, rows } = process.stdout;
  return await runDrill(drill, place, Undo.begin(undoFile), folder, {
    live: !options.headless && !options.quiet,
    quiet: options.quiet,
    color: isTTY === true && !process.env["NO_COLOR"],
    columns: Math.max(40, columns || Number(process.env["COLUMNS"]) || 80),
    rows: rows || 24,
  });
}

/** Asks which drill it shall be, until there is one. */
async function choose(): Promise<readonly [Kind, string]> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const ask = async (question: string): Promise<string> =>
    (await terminal.question(question, { signal: interruption.signal })).trim();
  // With the terminal in this hand, Ctrl-C and the end of input are its to tell.
  terminal.on("SIGINT", () => interruption.abort()).on("close", () => interruption.abort());
  try {
    const list = kinds.map(({ name, description }, index) => `  ${index + 1}  ${name.padEnd(13)}  ${description}`);
    process.stdout.write(`What shall break, while requests go on?\n\n${list.join("\n")}\n\n`);
    for (;;) {
      const answer = await ask("Number or name: ");
      const kind = kinds.find(({ name }, index) => answer === name || answer === String(index + 1));
      if (kind === undefined) {
        const names = kinds.map(({ name }) => name);
        process.stdout.write(`${answer === "" ? "" : `${unknown("drill", answer, names)}\n`}`);
      } else if (kind.argument === undefined) return [kind, ""];
      else return [kind, await ask(`${kind.argument[1]}: `)];
    }
  } finally {
    terminal.removeAllListeners("close").close();
  }
}

function parseSeconds(value: string): number {
  if (/^\d{1,3}$/.test(value) && Number(value) >= 1 && Number(value) <= 600) return Number(value);
  throw new InvalidArgumentError("it must be an integer from 1 to 600.");
}

/** The command line; `run` is told what was asked for. */
export function commandLine(run: (kind: Kind, options: Options, argument: string) => Promise<void>): Command {
  const program = new Command("drill")
    .description("Breaks something on purpose while requests go on, and shows what comes of it. Then all is put back.")
    .usage("[options] [drill]")
    .configureHelp({ showGlobalOptions: true })
    .option("--url <address>", "where requests go (default: as the stack's outputs say)")
    .option("--namespace <name>", "where the app runs (default: as the stack's outputs say)")
    .option("--stack <name>", "the Pulumi stack (default: the selected one)")
    .option("--outage <seconds>", "how long what is broken stays so (default: as the drill has it)", parseSeconds)
    .option("--headless", "print what happens line by line, as for CI", process.stdout.isTTY !== true)
    .option("--quiet", "print only what came of it", false)
    .option("--confirm <context>", "the kubeconfig's context, if it is not the local cluster: break things there")
    .addHelpText("after", "\nExit code: 0 no request failed, 1 some did, 2 it could not be done, 130 interrupted.")
    .configureOutput({ writeErr: () => {} })
    .exitOverride();
  for (const kind of kinds) {
    const command = program.command(kind.name).description(kind.description).copyInheritedSettings(program);
    if (kind.argument !== undefined) command.argument(...kind.argument);
    command.action(() => run(kind, command.optsWithGlobals<Options>(), command.args[0] ?? ""));
  }
  return program;
}

async function main(): Promise<number> {
  let exitCode = 0;
  // Again and again: while things are put back, nobody may end this.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => interruption.abort());
  const program = commandLine(async (kind, options, argument) => {
    exitCode = await start(kind, options, argument);
  });
  program.action(async () => {
    const [word] = program.args;
    if (word !== undefined)
      throw new Error(
        unknown(
          "drill",
          word,
          kinds.map(({ name }) => name),
        ),
      );
    if (process.stdin.isTTY !== true || process.stdout.isTTY !== true) {
      throw new Error(`which drill shall it be? There are ${kinds.map(({ name }) => name).join(", ")}.`);
    }
    const [kind, argument] = await choose();
    exitCode = await start(kind, program.opts<Options>(), argument);
  });
  try {
    await program.allowExcessArguments().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const [, missing] = /^error: missing required argument '(.*)'$/.exec((error as Error).message) ?? [];
    const needy = kinds.find(({ argument }) => argument?.[0] === `<${missing}>`);
    if (needy !== undefined) {
      const told = `the drill ${needy.name} has to be told the ${missing}: ${needy.argument?.[1]}.`;
      process.stderr.write(`error: ${told}\n`);
      return 2;
    }
    const isStopped = interruption.signal.aborted;
    const { message } = error as Error;
    const sentence =
      isStopped && !message.startsWith("it could not be put back") ? "interrupted; all is as before." : message;
    process.stderr.write(`error: ${sentence.replace(/^error: /, "")}\n`);
    return isStopped ? 130 : 2;
  }
  return exitCode;
}

await asProgram(import.meta.url, main);
