/** What a drill is, and what all drills need. */
import { execFile } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import type { LoadReport, Second } from "../steady-load.ts";
import type { Timeline } from "../timeline.ts";
import type { Undo } from "./undo.ts";

/** Where the app is. */
export interface Place {
  readonly url: string;
  readonly namespace: string;
  /** The stack's CDN by region, empty if it has none. */
  readonly edges: readonly { readonly name: string; readonly url: string }[];
}

/** What a drill works with while requests go on. */
export interface Situation {
  /** Says what has happened just now. The first mark is what was broken, the last one that all is as before. */
  readonly mark: (text: string) => void;
  readonly report: () => LoadReport;
  readonly undo: Undo;
}

export interface Drill {
  /** Names the files in `out/`. */
  readonly name: string;
  readonly title: string;
  readonly by: Timeline["by"];
  /** Where requests go instead of the app's address, and what they ask for. */
  readonly load?: { readonly url: readonly string[]; readonly accept: string };
  readonly work: (situation: Situation) => Promise<void>;
}

/** Aborted by Ctrl-C: nothing more is waited for, and what was broken is put back. */
export const interruption = new AbortController();

export async function kubectl(...args: string[]): Promise<string> {
  return await text("kubectl", args);
}

/** The output of a program that must succeed. */
export async function text(program: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 64e6, ...(env && { env }) });
    return stdout.trim();
  } catch (error) {
    const { stderr = "", message } = error as Error & { stderr?: string };
    throw new Error(stderr.trim().replace(/^error: /i, "") || message, { cause: error });
  }
}

/** Waits for a condition. One that cannot be asked about at the moment does not hold yet. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, seconds = 120): Promise<void> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    if (interruption.signal.aborted) throw new Error("interrupted");
    let reason = "";
    try {
      if (await condition()) return;
    } catch (error) {
      reason = ` (${(error as Error).message})`;
    }
    if (performance.now() > end) throw new Error(`${what} did not come within ${seconds} s${reason}.`);
    await pause(200);
  }
}

/** The seconds of an outage, unless it is interrupted. */
export async function outage(seconds: number): Promise<void> {
  await pause(seconds * 1000, undefined, { signal: interruption.signal }).catch(() => {
    throw new Error("interrupted");
  });
}

/** The last seconds that are whole. */
export const lastSeconds = ({ seconds }: LoadReport, count: number): readonly Second[] =>
  seconds.slice(0, -1).slice(-count);

export interface Replica {
  readonly name: string;
  readonly node: string;
  readonly ready: boolean;
  /** Told to end, or ended: what takes its place is there already, or nothing does. */
  readonly ending: boolean;
  readonly created: string;
}

interface PodList {
  readonly items: readonly {
    readonly metadata: {
      readonly name: string;
      readonly creationTimestamp: string;
      readonly deletionTimestamp?: string;
    };
    readonly spec: { readonly nodeName?: string };
    readonly status: {
      readonly phase?: string;
      readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    };
  }[];
}

/** The app's label, as the components write it. */
export const appSelector = "app.kubernetes.io/name=hello";

/** The app's replicas, those that are ending included. */
export async function replicas(namespace: string): Promise<Replica[]> {
  const json = await kubectl("-n", namespace, "get", "pods", "-l", appSelector, "-o", "json");
  return (JSON.parse(json) as PodList).items.map(({ metadata, spec, status }) => {
    const ending = metadata.deletionTimestamp !== undefined || /^(Succeeded|Failed)$/.test(status.phase ?? "");
    const isReady = status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
    const [name, created] = [metadata.name, metadata.creationTimestamp];
    return { name, node: spec.nodeName ?? "", ready: isReady && !ending, ending, created };
  });
}

/** The replicas that are to stay, of which there must be some to break anything. */
export async function someReplicas(namespace: string): Promise<[Replica, ...Replica[]]> {
  const [first, ...others] = (await replicas(namespace)).filter(({ ending }) => !ending);
  if (first === undefined) throw new Error(`there is no replica of the app in the namespace ${namespace}.`);
  return [first, ...others];
}

/**
 * Waits until there are as many replicas as before, all of them ready, and those that were lost have ended. Others that end
 * meanwhile, such as those of an earlier release, do not count.
 */
export async function healed(namespace: string, count: number, lost: readonly string[], seconds = 120): Promise<void> {
  await until(
    "as many ready replicas as before",
    async () => {
      const now = (await replicas(namespace)).filter(({ name, ending }) => !ending || lost.includes(name));
      return now.length === count && now.every(({ name, ready }) => ready && !lost.includes(name));
    },
    seconds,
  );
}
