/** Turns live objects into what the state holds: the outputs, and the inputs that would make the object as it is. */
import { isDeepStrictEqual } from "node:util";
import { at, isBag, omit, unknownValue, type Bag, type Path, type State, type Value } from "../serve.ts";

const serverSet = ["creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation"].concat([
  "managedFields",
  "resourceVersion",
  "uid",
  "selfLink",
]);

/** The state of a resource: the live object, and what the next update has to know. */
export function stateOf(
  live: Bag,
  inputs: Bag,
  fieldManager: string,
  inputSecrets: readonly Path[],
  olds: Bag = {},
): State {
  const metadata = isBag(live["metadata"]) ? omit(live["metadata"], "managedFields") : {};
  return {
    outputs: {
      ...live,
      metadata,
      __fieldManager: fieldManager,
      __initialApiVersion: olds["__initialApiVersion"] ?? inputs["apiVersion"] ?? live["apiVersion"] ?? "",
      // The official plugin compares with these; a stack can go from one plugin to the other.
      __inputs: inputs,
    },
    secrets: [...secretsOf(live), ...[...inputSecrets, ...secretsOf(inputs)].map((path) => ["__inputs", ...path])],
  };
}

/** What is secret by its kind. */
export function secretsOf(object: Bag): Path[] {
  return object["kind"] === "Secret" && object["apiVersion"] === "v1" ? [["data"], ["stringData"]] : [];
}

/** What a dry run made up and the update will make differently. */
export function asPreview(live: Bag, inputs: Bag, creates: boolean): Bag {
  if (!creates) return live;
  const preview = omit(live, "status");
  const guessed: [string, string][] = [
    ["metadata", "uid"],
    ["metadata", "resourceVersion"],
    ["metadata", "creationTimestamp"],
    ["spec", "clusterIP"],
    ["spec", "clusterIPs"],
  ];
  for (const [section, field] of guessed) {
    const bag = preview[section];
    if (isBag(bag) && field in bag && at(inputs, section, field) === undefined) {
      preview[section] = { ...bag, [field]: unknownValue };
    }
  }
  return preview;
}

/** Leaves out what is null or set by the server only. */
export function cleaned(inputs: Bag): Bag {
  const without = (value: Value): Value => {
    if (Array.isArray(value)) return value.map(without);
    if (!isBag(value)) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== null && item !== undefined)
        .map(([key, item]) => [key, without(item)]),
    );
  };
  const result = without(inputs) as Bag;
  const metadata = result["metadata"];
  if (isBag(metadata)) for (const key of serverSet) delete metadata[key];
  return result;
}

/** The inputs for an object that no program has made: all that a user could have written. */
export function importedInputs(live: Bag): Bag {
  const inputs = omit(cleaned(live), "status");
  const annotations = at(inputs, "metadata", "annotations");
  if (isBag(annotations)) {
    delete annotations["deployment.kubernetes.io/revision"];
    delete annotations["kubectl.kubernetes.io/last-applied-configuration"];
    if (Object.keys(annotations).length === 0 && isBag(inputs["metadata"])) delete inputs["metadata"]["annotations"];
  }
  return inputs;
}

/**
 * The old inputs with the values that the live object has now: what is the same is left as the program wrote it, what
 * the program never mentioned stays out.
 */
export function refreshedInputs(olds: Bag, live: Bag): Bag {
  const result = refreshed(olds, live, []) as Bag;
  const [stringData, data] = [olds["stringData"], live["data"]];
  if (isBag(stringData) && live["kind"] === "Secret") {
    // The server turns stringData into data and never gives it back.
    const kept = Object.entries(stringData).flatMap(([key, value]): [string, Value][] => {
      const now = isBag(data) ? data[key] : undefined;
      if (typeof now !== "string") return [];
      const text = Buffer.from(now, "base64").toString("utf8");
      return [[key, text === value ? value : text]];
    });
    result["stringData"] = Object.fromEntries(kept);
  }
  return result;
}

function refreshed(old: Value, live: Value | undefined, path: Path): Value {
  if (isBag(old) && isBag(live)) {
    const entries = Object.entries(old).flatMap(([key, value]): [string, Value][] => {
      const now = live[key];
      if (now !== undefined && now !== null) return [[key, refreshed(value, now, [...path, key])]];
      return isEmpty(value) ? [[key, value]] : [];
    });
    return Object.fromEntries(entries);
  }
  if (Array.isArray(old) && Array.isArray(live)) {
    return live.map((item, index) => {
      const known = old[index];
      return known === undefined ? item : refreshed(known, item, [...path, index]);
    });
  }
  return live === undefined || isSame(old, live, path) ? old : live;
}

/** The API server leaves out what says nothing. */
function isEmpty(value: Value): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isBag(value)) return Object.values(value).every(isEmpty);
  return value === null || value === "" || value === false || value === 0;
}

const quantities = new Set(
  "requests limits capacity hard min max default defaultRequest maxLimitRequestRatio sizeLimit divisor averageValue overhead".split(
    " ",
  ),
);

function isSame(old: Value, live: Value, path: Path): boolean {
  if (isDeepStrictEqual(old, live)) return true;
  if (!path.some((step) => quantities.has(String(step)))) return false;
  const [was, is] = [parseQuantity(old), parseQuantity(live)];
  return was !== undefined && is !== undefined && Math.abs(was - is) <= Math.abs(was) * 1e-9;
}

const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
};

/** `1000m`, `1` and `1.0` are one quantity; the API server writes each in one way. */
export function parseQuantity(value: Value): number | undefined {
  const match = /^([+-]?[0-9.]+(?:[eE][+-]?\d+)?)([numkKMGTPE]?)(i?)$/.exec(String(value));
  if (!match) return undefined;
  const [, number = "", suffix = "", binary] = match;
  const power = "kMGTPE".indexOf(suffix === "K" ? "k" : suffix) + 1;
  if (binary) return power > 0 ? Number(number) * 1024 ** power : undefined;
  return Number(number) * (suffixes[suffix] ?? 1000 ** power);
}
