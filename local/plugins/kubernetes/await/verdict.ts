/** What the rules of readiness say about an object, and what they read it from. */
import { at, isBag, type Bag } from "../../serve.ts";
import type { Objects } from "../objects.ts";

export interface Verdict {
  readonly ready: boolean;
  /** What is being waited for, with numbers: shown while waiting, and said if it takes too long. */
  readonly status: string;
  /** Waiting longer is of no use, and why. */
  readonly hopeless?: string;
}

/** Looks at the live object, and at others if it must. */
export type Rule = (live: Bag, objects: Objects, signal: AbortSignal) => Verdict | Promise<Verdict>;

export const ready = (status = "ready"): Verdict => ({ ready: true, status });
export const waiting = (status: string): Verdict => ({ ready: false, status });
export const hopeless = (why: string): Verdict => ({ ready: false, status: why, hopeless: why });

/** A number in the object; 0 where there is none, as in the API. */
export function count(object: Bag, ...path: string[]): number {
  const value = at(object, ...path);
  return typeof value === "number" ? value : 0;
}

export function text(object: Bag, ...path: string[]): string {
  const value = at(object, ...path);
  return typeof value === "string" ? value : "";
}

export function bags(object: Bag, ...path: string[]): Bag[] {
  const value = at(object, ...path);
  return Array.isArray(value) ? value.filter(isBag) : [];
}

/** One of `status.conditions`. */
export function condition(object: Bag, type: string): { status: string; reason: string; message: string } | undefined {
  const found = bags(object, "status", "conditions").find((item) => item["type"] === type);
  return found && { status: text(found, "status"), reason: text(found, "reason"), message: text(found, "message") };
}

/** `spec.replicas`, which is 1 unless it is given. */
export function replicas(object: Bag): number {
  const value = at(object, "spec", "replicas");
  return typeof value === "number" ? value : 1;
}

/** Whether the controller has not yet seen the latest change, so that the status is about an earlier one. */
export function isBehind(object: Bag): boolean {
  return count(object, "status", "observedGeneration") < count(object, "metadata", "generation");
}
