/** `npm run status`: on one screen, what runs where, which release has the traffic, and what the last update changed. */
import { setTimeout as pause } from "node:timers/promises";
import { Command, CommanderError } from "commander";
import { asProgram } from "./as-program.ts";
import { appSelector, kubectl, text } from "./drills/drill.ts";
import { readReleases, roles } from "./release.ts";
import { renderStatus } from "./status-view.ts";

/** What `--json` prints. */
export interface Status {
  readonly stack: string;
  /** The address of the app, if the stack has one. */
  readonly url?: string | undefined;
  /** What could not be read, in a sentence each. */
  readonly problems: readonly string[];
  readonly releaseKind: string;
  /** The newest first; `role` is active, preview, previous, failed, "not deployed" or "canary 30 %". */
  readonly releases: readonly { readonly version: string; readonly image: string; readonly role: string }[];
  /** By the nodes' label `topology.kubernetes.io/region`; `url` is that of the CDN's edges there. */
  readonly regions: readonly {
    readonly name: string;
    readonly nodes: number;
    readonly readyNodes: number;
    readonly pods: number;
    readonly readyPods: number;
    readonly url?: string | undefined;
  }[];
  readonly nodes: readonly {
    readonly name: string;
    readonly region: string;
    /** ready, not ready, or either with "no new pods". */
    readonly state: string;
    readonly version: string;
  }[];
  readonly pods: readonly {
    readonly name: string;
    readonly version: string;
    readonly region: string;
    readonly node: string;
    /** ready, not ready, ending, or the phase of a pod that does not run. */
    readonly state: string;
    readonly restarts: number;
    readonly ageSeconds: number;
    readonly image: string;
  }[];
  readonly lastUpdate?: LastUpdate | undefined;
}

export interface LastUpdate {
  readonly kind: string;
  readonly result: string;
  readonly secondsAgo: number;
  readonly seconds: number;
  /** Number of resources by what became of them: create, update, replace, delete; what stayed the same is left out. */
  readonly changes: Readonly<Record<string, number>>;
  /** Keys of the configuration with another value than in the update before. */
  readonly config: readonly {
    readonly key: string;
    readonly from?: string | undefined;
    readonly to?: string | undefined;
  }[];
}

interface Meta {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
}
interface Condition {
  readonly type: string;
  readonly status: string;
}
export interface KubeNode {
  readonly metadata: Meta;
  readonly spec: { readonly unschedulable?: boolean };
  readonly status: {
    readonly conditions?: readonly Condition[];
    readonly nodeInfo: { readonly kubeletVersion: string };
  };
}
export interface KubePod {
  readonly metadata: Meta;
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { readonly image: string }[] };
  readonly status: {
    readonly phase?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
  };
}
export interface Update {
  readonly kind: string;
  readonly result: string;
  readonly startTime: string;
  readonly endTime: string;
  readonly resourceChanges?: Readonly<Record<string, number>>;
  readonly config?: Readonly<Record<string, { readonly value?: string; readonly secret?: boolean }>>;
}

const isReady = (conditions: readonly Condition[] = []): boolean =>
  conditions.some(({ type, status }) => type === "Ready" && status === "True");
const regionLabel = "topology.kubernetes.io/region";

/** What the cluster says. */
export function describeCluster(
  nodes: readonly KubeNode[],
  pods: readonly KubePod[],
  edges: readonly { readonly name: string; readonly url: string }[],
  now: number,
): Pick<Status, "regions" | "nodes" | "pods"> {
  const ofNode = nodes.map(({ metadata, spec, status }) => ({
    name: metadata.name,
    region: metadata.labels?.[regionLabel] ?? "-",
    state: `${isReady(status.conditions) ? "ready" : "not ready"}${spec.unschedulable ? ", no new pods" : ""}`,
    version: status.nodeInfo.kubeletVersion,
  }));
  const ofPod = pods.map(({ metadata, spec, status }) => ({
    name: metadata.name,
    version: metadata.labels?.["app.kubernetes.io/version"] ?? "-",
    region: ofNode.find(({ name }) => name === spec.nodeName)?.region ?? "-",
    node: spec.nodeName ?? "-",
    state: stateOf(metadata, status),
    restarts: (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
    ageSeconds: Math.max(0, Math.round((now - Date.parse(metadata.creationTimestamp)) / 1000)),
    image: spec.containers[0]?.image ?? "-",
  }));
  const regions = [...new Set(ofNode.map(({ region }) => region))].sort().map((name) => {
    const here = ofNode.filter(({ region }) => region === name);
    const ours = ofPod.filter(({ region }) => region === name);
    return {
      name,
      nodes: here.length,
      readyNodes: here.filter(({ state }) => state.startsWith("ready")).length,
      pods: ours.length,
      readyPods: ours.filter(({ state }) => state === "ready").length,
      url: edges.find((edge) => edge.name === name)?.url,
    };
  });
  return { regions, nodes: ofNode, pods: ofPod.toSorted((a, b) => a.region.localeCompare(b.region)) };
}

function stateOf({ deletionTimestamp }: Meta, { phase, conditions }: KubePod["status"]): string {
  if (deletionTimestamp !== undefined) return "ending";
  if (phase !== "Running") return (phase ?? "unknown").toLowerCase();
  return isReady(conditions) ? "ready" : "not ready";
}

/** What the last of these updates, the newest first, has changed. */
export function describeUpdate([last, before]: readonly Update[], now: number): LastUpdate | undefined {
  if (last === undefined) return undefined;
  const value = (update: Update | undefined, key: string): string | undefined => {
    const entry = update?.config?.[key];
    return entry?.secret ? "[secret]" : entry?.value;
  };
  const keys = [...new Set([...Object.keys(last.config ?? {}), ...Object.keys(before?.config ?? {})])].sort();
  const { same, ...changes } = last.resourceChanges ?? {};
  void same;
  return {
    kind: last.kind,
    result: last.result,
    secondsAgo: Math.max(0, Math.round((now - Date.parse(last.endTime)) / 1000)),
    seconds: Math.round((Date.parse(last.endTime) - Date.parse(last.startTime)) / 1000),
    changes,
    config:
      before === undefined
        ? []
        : keys
            .map((key) => ({ key: key.replace(/^.*:/, ""), from: value(before, key), to: value(last, key) }))
            .filter(({ from, to }) => from !== to),
  };
}

interface Options {
  readonly stack?: string;
  readonly namespace?: string;
  readonly json: boolean;
  readonly once: boolean;
  readonly quiet: boolean;
}

/** Everything at once. What cannot be read is named among the problems, the rest is shown. */
export async function readStatus({ stack, namespace }: Pick<Options, "stack" | "namespace">): Promise<Status> {
  const problems: string[] = [];
  const tryTo = async <T>(what: string, work: () => Promise<T>, otherwise: T): Promise<T> =>
    work().catch((error: unknown) => {
      problems.push(`${what} cannot be read: ${(error as Error).message.split("\n").at(-1)}`);
      return otherwise;
    });
  const ofStack = stack === undefined ? [] : ["--stack", stack];
  const pulumi = async (...args: string[]): Promise<unknown> =>
    JSON.parse(await text("pulumi", [...args, "--json", ...ofStack]));
  type Outputs = { url?: string; namespace?: string; cdnLocations?: { name: string; url: string }[] };
  const outputs = await tryTo("the stack", () => pulumi("stack", "output") as Promise<Outputs>, {});
  const isThere = problems.length === 0;
  const place = namespace ?? outputs.namespace;
  const items = async (...args: string[]): Promise<unknown[]> =>
    (JSON.parse(await kubectl("get", ...args, "-o", "json", "--request-timeout=5s")) as { items: unknown[] }).items;
  const [releases, updates, nodes, pods] = await Promise.all([
    isThere ? tryTo("the releases", () => readReleases(ofStack), undefined) : undefined,
    isThere ? tryTo("the history", () => pulumi("stack", "history", "--page-size", "2") as Promise<Update[]>, []) : [],
    tryTo("nodes", () => items("nodes") as Promise<KubeNode[]>, []),
    place === undefined
      ? []
      : tryTo("replicas", () => items("pods", "-n", place, "-l", appSelector) as Promise<KubePod[]>, []),
  ]);
  return {
    stack: stack ?? process.env["PULUMI_STACK"] ?? "the selected stack",
    url: outputs.url,
    problems,
    releaseKind: releases?.kind ?? "",
    releases: releases === undefined ? [] : roles(releases),
    ...describeCluster(nodes, pods, outputs.cdnLocations ?? [], Date.now()),
    lastUpdate: describeUpdate(updates ?? [], Date.now()),
  };
}

/** Shows it again and again in the same place, until it is interrupted. */
async function watch(options: Options, color: boolean): Promise<number> {
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupt.abort());
  let first = true;
  while (!interrupt.signal.aborted) {
    const status = await readStatus(options);
    if (interrupt.signal.aborted) break;
    const { columns = 80, rows = 24 } = process.stdout;
    const lines = renderStatus(status, { columns, color }).split("\n");
    const shown = lines.length < rows - 1 ? lines : [...lines.slice(0, rows - 3), "…"];
    process.stdout.write(`${first ? "\x1b[2J" : ""}\x1b[H${shown.map((line) => `${line}\x1b[K`).join("\n")}\x1b[J\n`);
    first = false;
    await pause(2000, undefined, { signal: interrupt.signal }).catch(() => undefined);
  }
  return 130;
}

async function main(): Promise<number> {
  const command = new Command("status")
    .description("Shows regions, nodes, releases, replicas and what the last update changed; on a terminal, live.")
    .option("--stack <name>", "the Pulumi stack (default: the selected one)")
    .option("--namespace <name>", "where the app runs (default: as the stack's outputs say)")
    .option("--once", "do not refresh, even on a terminal", false)
    .option("--json", "print all of it as one JSON object", false)
    .option("--quiet", "print only what could not be read, and whether all replicas are ready", false)
    .addHelpText("after", "\nExit code: 0 shown, 1 something could not be read, 2 wrong usage, 130 interrupted.")
    .configureOutput({ writeErr: () => {} })
    .allowExcessArguments(false)
    .exitOverride();
  try {
    const options = command.parse().opts<Options>();
    const { isTTY, columns } = process.stdout;
    const color = isTTY === true && !process.env["NO_COLOR"];
    if (isTTY === true && !options.json && !options.once && !options.quiet && process.env["TERM"] !== "dumb") {
      return await watch(options, color);
    }
    const status = await readStatus(options);
    const view = { columns: columns || Number(process.env["COLUMNS"]) || 100, color, quiet: options.quiet };
    process.stdout.write(`${options.json ? JSON.stringify(status, undefined, 2) : renderStatus(status, view)}\n`);
    return status.problems.length > 0 ? 1 : 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    process.stderr.write(`error: ${(error as Error).message.replace(/^error: /, "")}\n`);
    return 2;
  }
}

await asProgram(import.meta.url, main);
