/** Waits until objects are ready, or gone. A watch says when to look again, so nothing is waited for blindly. */
import { setTimeout as sleep } from "node:timers/promises";
import { at, type Bag } from "../../serve.ts";
import { isNotFound, NoSuchKind, Unreachable } from "../errors.ts";
import { annotation } from "../names.ts";
import type { Objects, Ref } from "../objects.ts";
import { customRule } from "./custom.ts";
import { explain } from "./explain.ts";
import { defaultTimeout, groupKind, ruleFor, watchedToo } from "./rules.ts";
import type { Rule, Verdict } from "./verdict.ts";

export interface Wait {
  readonly objects: Objects;
  readonly ref: Ref;
  readonly inputs: Bag;
  /** The `customTimeouts` option, 0 if not set. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  readonly status: (message: string) => void;
}

/** What became of the object; `problems` say why it is not ready, the first one in short. */
export interface Outcome {
  readonly live?: Bag;
  readonly problems: readonly string[];
}

/** If a watch breaks or misses something, this is how long it takes to notice. */
const tick = 2000;
/** How often a wait that takes long looks for what is wrong with the Pods. */
const reportEvery = 10_000;

/** The rule for the object, or undefined if it is not to be waited for. */
export function ruleOf(inputs: Bag): Rule | undefined {
  if (annotation(inputs, "pulumi.com/skipAwait") === "true") return undefined;
  const custom = annotation(inputs, "pulumi.com/waitFor");
  return custom === undefined ? ruleFor(inputs) : customRule(custom);
}

export function timeoutOf(
  { inputs, timeoutSeconds }: Pick<Wait, "inputs" | "timeoutSeconds">,
  standard: number,
): number {
  if (timeoutSeconds > 0) return timeoutSeconds;
  const given = Number(annotation(inputs, "pulumi.com/timeoutSeconds"));
  return Number.isInteger(given) && given > 0 ? given : standard;
}

export async function untilReady(wait: Wait): Promise<Outcome> {
  const { objects, ref, inputs, signal, status } = wait;
  const rule = ruleOf(inputs);
  if (rule === undefined) return { problems: [] };
  const seconds = timeoutOf(wait, defaultTimeout(inputs));
  const end = Date.now() + seconds * 1000;
  let nextReport = Date.now() + reportEvery;
  let live: Bag | undefined;
  let verdict: Verdict = { ready: false, status: "nothing is known of it yet" };
  let reported = "";
  const show = onChange(status);
  const alarm = new Alarm(wait, watchedToo(inputs));
  try {
    for (;;) {
      try {
        live = (await objects.find(ref, signal)) ?? gone(live);
        if (live === undefined) return { problems: ["it was deleted while it was waited for"] };
        verdict = await rule(live, objects, signal);
      } catch (error) {
        // The API server may be away for a moment; what it said last still holds.
        if (!(error instanceof Unreachable) && !signal.aborted) throw error;
      }
      const known = live === undefined ? {} : { live };
      if (verdict.ready) {
        show("");
        return { ...known, problems: [] };
      }
      const why = signal.aborted
        ? `the operation was cancelled: ${verdict.status}`
        : (verdict.hopeless ?? (Date.now() >= end ? `timed out after ${seconds} s: ${verdict.status}` : undefined));
      if (why !== undefined) {
        const details = live && !signal.aborted ? await explain(objects, live, true) : [];
        return { ...known, problems: [why, ...details] };
      }
      if (Date.now() >= nextReport && live !== undefined) {
        nextReport = Date.now() + reportEvery;
        const [problem] = await explain(objects, live, false);
        // Stays until there is news.
        reported = verdict.status;
        show(problem === undefined ? verdict.status : `${verdict.status}: ${problem}`);
      } else if (verdict.status !== reported) {
        show(verdict.status);
      }
      await alarm.next(Math.max(1, Math.min(tick, end - Date.now())));
    }
  } finally {
    alarm.stop();
  }
}

/** Passes on a message unless it is the same as the one before. */
function onChange(status: (message: string) => void): (message: string) => void {
  let last = "";
  return (message) => {
    if (message !== last) status(message);
    last = message;
  };
}

/** A Job that cleans up after itself may be gone before it was seen to be complete. */
function gone(last: Bag | undefined): Bag | undefined {
  const isTidy =
    last !== undefined && groupKind(last) === "batch/Job" && at(last, "spec", "ttlSecondsAfterFinished") !== undefined;
  if (!isTidy) return undefined;
  return { ...last, status: { conditions: [{ type: "Complete", status: "True" }] } };
}

/** Waits until the object, or the one that had this uid, is gone. The problem is undefined if it is. */
export async function untilGone(wait: Wait, uid: string): Promise<string | undefined> {
  const { objects, ref, signal, status } = wait;
  const seconds = timeoutOf(wait, 600);
  const end = Date.now() + seconds * 1000;
  const show = onChange(status);
  const alarm = new Alarm(wait, []);
  try {
    for (;;) {
      let holding = "";
      try {
        const live = await objects.get(ref, signal);
        if (uid !== "" && at(live, "metadata", "uid") !== uid) return undefined;
        const finalizers = at(live, "metadata", "finalizers");
        if (Array.isArray(finalizers) && finalizers.length > 0) holding = ` (finalizers: ${finalizers.join(", ")})`;
      } catch (error) {
        if (isNotFound(error) || error instanceof NoSuchKind) return undefined;
        if (!(error instanceof Unreachable) && !signal.aborted) throw error;
      }
      if (signal.aborted) return `the deletion was cancelled, ${ref.kind} ${ref.name} still exists${holding}`;
      if (Date.now() >= end) return `timed out after ${seconds} s: ${ref.kind} ${ref.name} still exists${holding}`;
      show(`Waiting for ${ref.kind} ${ref.name} to be deleted${holding}`);
      await alarm.next(Math.max(1, Math.min(tick, end - Date.now())));
    }
  } finally {
    show("");
    alarm.stop();
  }
}

/** Rings when something has changed that the wait is about. */
class Alarm {
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #rung = false;
  #ring: () => void = () => {};

  constructor({ objects, ref, signal }: Wait, others: ReturnType<typeof watchedToo>) {
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    const { name, ...kind } = ref;
    void this.#watch(objects, kind, { fieldSelector: `metadata.name=${name}` });
    for (const { selector, ...other } of others) {
      void this.#watch(objects, { ...other, namespace: ref.namespace }, { labelSelector: selector });
    }
  }

  async #watch(objects: Objects, kind: Omit<Ref, "name">, query: Record<string, string>): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        await objects.client.watch(await objects.path(kind), query, this.#signal, () => this.#wake());
      } catch {
        // The tick stands in for a watch that cannot be had.
      }
      await sleep(1000, undefined, { signal: this.#signal }).catch(() => {});
    }
  }

  #wake(): void {
    this.#rung = true;
    this.#ring();
  }

  /** Resolves at the next change, or at a change since the last call, or when the time is up or the wait cancelled. */
  async next(milliseconds: number): Promise<void> {
    if (!this.#rung && !this.#signal.aborted) {
      const done = new AbortController();
      this.#ring = () => done.abort();
      await sleep(milliseconds, undefined, { signal: AbortSignal.any([this.#signal, done.signal]) }).catch(() => {});
      this.#ring = () => {};
    }
    this.#rung = false;
    // Changes come in bursts: one look is enough for those of a moment.
    await sleep(20);
  }

  stop(): void {
    this.#stop.abort();
  }
}
