/**
 * Property bags as they cross the wire between the engine and a plugin, and as a plugin wants them: plain JSON values.
 *
 * Secrets are taken out of their envelopes on the way in and put back on the way out at the same places, so that a
 * plugin cannot leak one into the state by forgetting it. Values that are not known yet (previews) stay in the bag as
 * {@link unknownValue}.
 */
import structs, { type Struct } from "google-protobuf/google/protobuf/struct_pb.js";

export type Value = null | boolean | number | string | Value[] | Bag;
export interface Bag {
  [key: string]: Value;
}
export type Path = readonly (string | number)[];

/** Stands for a value that only the update will know. */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const signature = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

export function isBag(value: unknown): value is Bag {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value that the update has yet to find out is anywhere in it. */
export function hasUnknown(value: Value | undefined): boolean {
  if (Array.isArray(value)) return value.some(hasUnknown);
  if (isBag(value)) return Object.values(value).some(hasUnknown);
  return value === unknownValue;
}

/** The value at the path, or undefined where there is none. */
export function at(value: Value | undefined, ...path: Path): Value | undefined {
  let found: Value | undefined = value;
  for (const step of path) {
    if (Array.isArray(found) && typeof step === "number") found = found[step];
    else if (isBag(found)) found = Object.hasOwn(found, step) ? found[step] : undefined;
    else return undefined;
  }
  return found;
}

/** The bag without some of its keys. */
export function omit(bag: Bag, ...keys: string[]): Bag {
  return Object.fromEntries(Object.entries(bag).filter(([key]) => !keys.includes(key)));
}

/** Writes a path as the engine reads it: `spec.containers[0].image`, `metadata.labels["app.kubernetes.io/name"]`. */
export function formatPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/[."[\]]/.test(step)) text += `["${step.replaceAll('"', '\\"')}"]`;
    else text += text === "" ? step : `.${step}`;
  }
  return text;
}

/** A bag without its envelopes, and where they were. */
export interface OpenBag {
  readonly value: Bag;
  readonly secrets: readonly Path[];
}

/** Takes a bag from the wire. An absent bag is empty. */
export function open(struct: Struct | undefined): OpenBag {
  return openPlain((struct?.toJavaScript() ?? {}) as Bag);
}

/** The same for a bag that is already JSON. */
export function openPlain(bag: Bag): OpenBag {
  const secrets: Path[] = [];
  const strip = (value: Value, path: Path): Value => {
    if (Array.isArray(value)) return value.map((item, index) => strip(item, [...path, index]));
    if (!isBag(value)) return value;
    const kind = value[signature];
    if (kind === secretSignature) {
      secrets.push(path);
      return strip(value["value"] ?? null, path);
    }
    if (kind === outputSignature) {
      if (value["secret"] === true) secrets.push(path);
      return "value" in value ? strip(value["value"] ?? null, path) : unknownValue;
    }
    return mapBag(value, (item, key) => strip(item, [...path, key]));
  };
  return { value: strip(bag, []) as Bag, secrets };
}

/**
 * Prepares a bag for the wire: what is at the given places goes into envelopes again.
 *
 * One secret item makes its whole list secret, since servers reorder lists and the item may be somewhere else now.
 */
export function seal(bag: Bag, secrets: readonly Path[]): Struct {
  return structs.Struct.fromJavaScript(sealPlain(bag, secrets) as Record<string, never>);
}

/** The same, as JSON. */
export function sealPlain(bag: Bag, secrets: readonly Path[]): Bag {
  const marked = new Set<string>();
  for (const path of secrets) {
    const list = path.findIndex((step) => typeof step === "number");
    marked.add(JSON.stringify(list < 0 ? path : path.slice(0, list)));
  }
  const wrap = (value: Value, path: Path): Value => {
    if (marked.has(JSON.stringify(path))) {
      return { [signature]: secretSignature, value: withoutUndefined(value) };
    }
    if (!isBag(value)) return withoutUndefined(value);
    return mapBag(value, (item, key) => wrap(item, [...path, key]));
  };
  return wrap(bag, []) as Bag;
}

function withoutUndefined(value: Value): Value {
  if (Array.isArray(value)) return value.map((item) => withoutUndefined(item ?? null));
  return isBag(value) ? mapBag(value, withoutUndefined) : value;
}

function mapBag(bag: Bag, change: (value: Value, key: string) => Value): Bag {
  const result: Bag = {};
  for (const [key, value] of Object.entries(bag)) {
    // protobuf's Struct has no undefined and throws on it.
    if (value !== undefined) result[key] = change(value, key);
  }
  return result;
}
