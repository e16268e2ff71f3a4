/** The kit's commands. Each `npm run …` script that touches the local cluster ends up here. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Argument, Command, InvalidArgumentError } from "commander";
import {
  clusterRuns,
  dead,
  down,
  forget,
  parts,
  setLatency,
  startOneRegion,
  startPart,
  status,
  stopOneRegion,
  stopPart,
  up,
} from "./cluster.ts";
import { unknown } from "../commands/nearest.ts";
import { installPackages } from "./debian.ts";
import { examine, report } from "./doctor.ts";
import { attach, interruption, UserError } from "./exec.ts";
import { dockerDaemons } from "./docker.ts";
import { endOfLog, logFile } from "./daemon.ts";
import { withLock } from "./lock.ts";
import { repository } from "./paths.ts";
import { metricsServer } from "./metrics.ts";
import { preflight } from "./preflight.ts";
import { beQuiet } from "./progress.ts";
import { environment, preparePulumi, runPulumi, stack } from "./pulumi.ts";
import { daemonsOf } from "./region.ts";
import { checkRegions, findRegion, regions } from "./region-list.ts";
import { startEverything } from "./start.ts";
import { buildTools, tool } from "./tools.ts";

/** Runs another program on this terminal, with the local cluster's environment, and takes over its exit code. */
async function handOver(program: string, args: readonly string[]): Promise<void> {
  process.exitCode = await attach(program, args, { env: { ...process.env, ...environment() } });
}

const node = (file: string, args: readonly string[]): Promise<void> =>
  handOver(process.execPath, ["--no-warnings", join(repository, file), ...args]);

function parseRegions(text: string): string[] {
  const names = text.split(",");
  try {
    checkRegions(names);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  return names;
}

interface UpFlags {
  regions?: string[];
  metrics?: boolean;
  gateway?: boolean;
  docker?: true;
  swarm?: true;
}

export const program = new Command("meridian")
  .description("A whole multi-region Kubernetes on this machine, and the program that runs on it.")
  .option("--quiet", "print results and errors only")
  .hook("preAction", (_program, command) => {
    if (command.optsWithGlobals()["quiet"] === true) beQuiet();
  })
  // Descriptions are wrapped in narrow terminals, too.
  .configureHelp({ minWidthToWrap: 20 })
  .enablePositionalOptions()
  .showHelpAfterError("(--help shows what is possible)");

program
  .command("start")
  .description("npm start: tools, local cluster, image, pulumi up, then 100 requests; run again, it is quick")
  .action(() => withLock(startEverything));

const cluster = program.command("cluster").description("npm run cluster -- …: the local cluster by itself");
cluster
  .command("up")
  .description("start the cluster, or what is missing of it")
  .option("--regions <names>", "names of the regions, separated by commas", parseRegions)
  .option("--metrics", "a metrics-server as well, for autoscaling and `kubectl top`")
  .option("--gateway", "with an ingress controller and Gateway API at localhost:80 (default: as before)")
  .option("--no-gateway", "without")
  .option("--docker", "with a Docker engine beside it, for stacks whose target is docker")
  .option("--swarm", "the same, as a Swarm of one node, for stacks whose target is swarm")
  .action(({ docker, swarm, ...options }: UpFlags) =>
    withLock(async () => {
      await preflight();
      await installPackages();
      await buildTools();
      await up({ ...options, docker: swarm ? "swarm" : docker && "host" });
    }),
  );
cluster
  .command("down")
  .description("stop everything; the state stays on disk for the next `up`")
  .action(() => withLock(down));
cluster
  .command("forget")
  .description("stop everything and delete its state and its stacks (tools and images stay)")
  .action(() => withLock(forget));
cluster
  .command("status")
  .description("what runs; exits with 1 if something that should run does not")
  .action(async () => {
    console.log(await status());
    if (!clusterRuns() || dead().length > 0) process.exitCode = 1;
  });
cluster
  .command("logs <node>")
  .description("the logs of a region's containerd, kubelet and kube-proxy, or of one component")
  .option(
    "--lines <n>",
    "how many lines of each",
    (text) => {
      if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
      throw new InvalidArgumentError("a whole number from 1 to 999999 is allowed.");
    },
    50,
  )
  .action((name: string, { lines }: { lines: number }) => {
    const host = ["registry", "buildkitd", "load-balancer", "load-balancer-proxy", "gateway", metricsServer];
    const daemons = [...host, ...dockerDaemons];
    const nodes = regions().map((region) => region.name);
    if (![...nodes, ...daemons].includes(name))
      throw new UserError(unknown("node or component", name, [...nodes, ...daemons]));
    const names = daemons.includes(name) ? [name] : daemonsOf(name);
    for (const each of names) console.log(`==> ${logFile(each)}\n${endOfLog(logFile(each), lines)}\n`);
  });
const region = cluster.command("region").description("lose a region, and get it back");
region
  .command("stop <name>")
  .description("cut the power of a region")
  .action((name: string) => withLock(() => stopOneRegion(findRegion(name))));
region
  .command("start <name>")
  .description("bring a region back")
  .action((name: string) => withLock(() => startOneRegion(findRegion(name))));
for (const [verb, action, description] of [
  ["stop", stopPart, "stop a part of the cluster, to see what goes on without it"],
  ["start", startPart, "start that part again"],
] as const) {
  cluster
    .command(verb)
    .description(description)
    .addArgument(new Argument("<part>", "which one").choices(Object.keys(parts)))
    .action((part: keyof typeof parts) => withLock(() => action(part)));
}
cluster
  .command("latency")
  .description(
    "on: the regions are as far apart as in the world (eu-us 90 ms, eu-ap 160 ms, us-ap 150 ms); off: they are not",
  )
  .argument("<on|off>", "", (text) => {
    if (text === "on" || text === "off") return text;
    throw new InvalidArgumentError("on or off is allowed.");
  })
  .action((wanted: "on" | "off") =>
    withLock(async () => {
      await buildTools();
      await setLatency(wanted === "on");
    }),
  );
cluster
  .command("env")
  .description('shell lines that point pulumi and kubectl at the local cluster: eval "$(npm run -s cluster -- env)"')
  .action(() => {
    for (const [name, value] of Object.entries(environment())) console.log(`export ${name}='${value}'`);
  });

program
  .command("doctor")
  .description("npm run doctor: whether this machine has what npm start needs, and what to do where it has not")
  .option("--json", "print what was found as JSON: name, state (ok, note or problem) and detail of each check")
  .action(async ({ json, quiet }: { json?: boolean; quiet?: boolean }) => {
    const findings = await examine();
    const text = json === true ? JSON.stringify(findings, undefined, 2) : report(findings, quiet);
    if (text !== "") console.log(text);
    if (findings.some(({ state }) => state === "problem")) process.exitCode = 1;
  });
for (const command of [...program.commands, ...cluster.commands, ...region.commands]) {
  if (command.commands.length === 0) command.option("--quiet", "print results and errors only");
}

const wantsHelp = (args: readonly string[]): boolean => args.some((arg) => arg === "--help" || arg === "-h");

/** Commands whose arguments are another program's. */
function passThrough(name: string, description: string, action: (args: string[]) => Promise<void>): Command {
  return program
    .command(name)
    .description(description)
    .argument("[args...]")
    .allowUnknownOption()
    .passThroughOptions()
    .helpOption(false)
    .action(action);
}
/** The help of a tool itself, which must not wait until it is built. */
async function explain(name: "pulumi" | "kubectl", args: readonly string[]): Promise<void> {
  if (existsSync(tool(name))) return handOver(tool(name), args);
  program.commands.find((command) => command.name() === name)?.outputHelp();
  console.log(`\n\`npm start\` builds ${name}; then this shows its own help.`);
}
passThrough("pulumi", "npm run pulumi -- …: the Pulumi CLI on the local cluster's stack", async (args) => {
  if (wantsHelp(args)) return explain("pulumi", args);
  const pulumi = await withLock(() => preparePulumi());
  process.exitCode = await runPulumi(pulumi, args);
});
passThrough("kubectl", "npm run kubectl -- …: kubectl on the local cluster", (args) =>
  wantsHelp(args) ? explain("kubectl", args) : handOver(tool("kubectl"), args),
);
passThrough("spread", "npm run spread -- …: how requests spread over the replicas", (args) =>
  node("commands/spread.ts", args),
);
const onStack =
  (file: string) =>
  async (args: readonly string[]): Promise<void> => {
    if (wantsHelp(args)) return node(file, args);
    if (args.includes("--quiet")) beQuiet();
    await withLock(() => preparePulumi());
    process.env["PULUMI_STACK"] ??= stack;
    await node(file, args);
  };
passThrough(
  "release",
  "npm run release -- VERSION|rollback|promote|status: release the app, or go back",
  onStack("commands/release.ts"),
);
passThrough(
  "drill",
  "npm run drill: break something on purpose, and watch what comes of it",
  onStack("commands/drill.ts"),
);
passThrough(
  "cdn",
  "npm run cdn -- status|purge: what the CDN's edges do, and making them forget",
  onStack("commands/cdn.ts"),
);
passThrough(
  "status",
  "npm run status: what runs where, which release has the traffic, what the last update changed",
  onStack("commands/status.ts"),
);
passThrough("render", "npm run render: the manifests that the program makes, as YAML, without a cluster", (args) =>
  node("commands/render.ts", args),
);
passThrough("grafana", "npm run grafana: the Grafana dashboard of the app, as JSON", (args) =>
  node("commands/grafana.ts", args),
);
const benchmarks = readdirSync(join(repository, "bench")).flatMap((file) => /^(.*)\.ts$/.exec(file)?.[1] ?? []);
const bench: Command = passThrough(
  "bench",
  "npm run bench -- NAME: measure, and write bench/NAME.md",
  async ([name, ...args]) => {
    if (wantsHelp(args)) return bench.outputHelp();
    if (name === undefined) throw new UserError(`which benchmark shall it be? There are ${benchmarks.join(", ")}.`);
    if (!benchmarks.includes(name)) throw new UserError(unknown("benchmark", name, benchmarks));
    await node(`bench/${name}.ts`, args);
  },
)
  .helpOption("-h, --help", "what this is")
  .addHelpText("after", `\nNAME is one of ${benchmarks.join(", ")}.`);
passThrough("docs", "npm run docs -- [PAGE…]: run what the pages in docs/ show, and write what comes of it", (args) =>
  wantsHelp(args) ? node("docs/run.ts", args) : withLock(() => node("docs/run.ts", args), "docs-lock"),
);
passThrough("e2e", "npm run e2e: the tests against the local cluster", async (args) => {
  await withLock(async () => {
    await preflight();
    await installPackages({ forTests: true });
    await buildTools();
    await up({ gateway: true });
    await preparePulumi();
  });
  const folder = join(repository, "test", "e2e");
  const mocha = async (...more: string[]): Promise<void> => {
    const earlier = process.exitCode;
    await node("node_modules/mocha/bin/mocha.js", ["--config", join(folder, ".mocharc.json"), ...args, ...more]);
    process.exitCode ||= earlier;
  };
  if (args.some((arg) => arg.endsWith(".ts"))) return mocha();
  // Most tests wait for the cluster most of the time. Those that break a part of it, or load it, have it to themselves.
  const alone = join(folder, "*.alone.e2e.ts");
  await mocha(join(folder, "*.e2e.ts"), "--ignore", alone, "--parallel", "--jobs", "3");
  interruption.signal.throwIfAborted();
  await mocha(alone);
}).helpOption("-h, --help", "what this is; all else goes to mocha");

if (import.meta.main) {
  // Whoever reads may have seen enough, as `| head` has.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () =>
      interruption.abort(new UserError("interrupted; run the same command again, it goes on from here.")),
    );
  }
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = interruption.signal.aborted ? 130 : 1;
  }
}
