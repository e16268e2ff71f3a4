/** What the kinds of random resources have in common: values that are made once and kept until an input changes. */

import type { Bag } from "../bag.ts";

export interface Failure {
  readonly property: string;
  readonly reason: string;
}

export interface Made {
  readonly id: string;
  /** The outputs besides the inputs. */
  readonly results: Bag;
}

export interface Kind {
  /** Every input besides `keepers`. A change of any makes a new value. */
  readonly inputs: readonly string[];
  /** Values of inputs that are not given; in the state, as with the official provider, they are. */
  readonly defaults: Bag;
  readonly results: readonly string[];
  /** Results that are secret. */
  readonly secrets: readonly string[];
  /** Called with the defaults filled in, and not before all inputs are known. */
  check(inputs: Bag): readonly Failure[];
  create(inputs: Bag): Made;
  /** What the id of an import stands for; missing where the official provider cannot import either. */
  import?(id: string): Made & { readonly inputs: Bag };
}

export function integerFailures(inputs: Bag, property: string, minimum: number): readonly Failure[] {
  const value = inputs[property];
  if (Number.isSafeInteger(value) && Number(value) >= minimum) return [];
  const allowed = minimum === Number.MIN_SAFE_INTEGER ? "an integer" : `an integer of at least ${minimum}`;
  return [{ property, reason: `${property} must be ${allowed}, got ${JSON.stringify(value ?? null)}` }];
}

export function numberOf(inputs: Bag, property: string): number {
  return Number(inputs[property] ?? 0);
}

export function textOf(inputs: Bag, property: string): string {
  const value = inputs[property];
  return typeof value === "string" ? value : "";
}
