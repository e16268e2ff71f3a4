/** The plugin's resources. Apart from main.ts, so that tests can call them without a server. */

import { type Bag, formatPath, hasUnknown, isBag, type Path, unknownValue, type Value } from "../bag.ts";
import type { Call, DiffKind, Provider, State } from "../provider.ts";
import { randomPassword, randomString } from "./characters.ts";
import type { Kind } from "./kind.ts";
import { randomBytes, randomId, randomInteger, randomShuffle, randomUuid, randomUuid7 } from "./numbers.ts";
import { randomPet } from "./pet.ts";

const kinds: Readonly<Record<string, Kind>> = {
  RandomBytes: randomBytes,
  RandomId: randomId,
  RandomInteger: randomInteger,
  RandomPassword: randomPassword,
  RandomPet: randomPet,
  RandomShuffle: randomShuffle,
  RandomString: randomString,
  RandomUuid: randomUuid,
  RandomUuid4: randomUuid,
  RandomUuid7: randomUuid7,
};

function kindOf({ type }: Call): Kind {
  const name = type.slice(type.lastIndexOf(":") + 1);
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (kind) return kind;
  const known = Object.keys(kinds).join(", ");
  throw new Error(`${type} is not supported by the local kit's random plugin, which has ${known}`);
}

export const random: Provider = {
  version: "4.21.2",

  async check({ news }, call) {
    const kind = kindOf(call);
    const inputs = withDefaults(kind, news);
    const failures = hasUnknown(inputs) ? [] : [...kind.check(inputs)];
    if (news["number"] !== undefined && news["numeric"] !== undefined && news["number"] !== news["numeric"]) {
      const reason = `number and numeric must be the same, got ${String(news["number"])} and ${String(news["numeric"])}: leave out number`;
      failures.push({ property: "number", reason });
    }
    // The defaults are not inputs: a program that spells one out has changed nothing.
    return { inputs: news, failures };
  },

  async diff({ oldOutputs, news }, call) {
    const kind = kindOf(call);
    const [before, after] = [withDefaults(kind, oldOutputs), withDefaults(kind, news)];
    const detailed: Record<string, DiffKind> = {};
    for (const name of kind.inputs) addChange(detailed, [name], before[name], after[name]);
    const [old, current] = [keepersOf(before), keepersOf(after)];
    if (current === unknownValue || old === unknownValue) addChange(detailed, ["keepers"], old, current);
    else {
      for (const name of new Set([...Object.keys(old), ...Object.keys(current)])) {
        addChange(detailed, ["keepers", name], old[name], current[name]);
      }
    }
    return { detailed };
  },

  async create({ inputs: news, preview }, call) {
    const kind = kindOf(call);
    const inputs = withDefaults(kind, news);
    if (!preview) return stateOf(kind, inputs, kind.create(inputs));
    const results = Object.fromEntries(kind.results.map((name) => [name, unknownValue]));
    return stateOf(kind, inputs, { id: "", results });
  },

  async update({ inputs, oldOutputs }, call) {
    // Only reached by what is no change of the value, such as a keeper without one.
    return stateOf(kindOf(call), { ...oldOutputs, ...inputs }, { id: "", results: {} });
  },

  async read({ id, outputs, inputs }, call) {
    const kind = kindOf(call);
    if (Object.keys(outputs).length > 0) return { id, outputs, inputs, secrets: secretPaths(kind) };
    if (!kind.import) throw new Error(`${call.type} cannot be imported: its value is not part of its id`);
    const found = kind.import(id);
    return { ...stateOf(kind, withDefaults(kind, found.inputs), found), inputs: found.inputs };
  },

  async delete() {
    // The value only ever was in the state.
  },
};

function addChange(changes: Record<string, DiffKind>, path: Path, old: Value | undefined, current: Value | undefined) {
  if (JSON.stringify(old ?? null) === JSON.stringify(current ?? null)) return;
  const [gone, came] = [old === undefined || old === null, current === undefined || current === null];
  changes[formatPath(path)] = gone ? "add-replace" : came ? "delete-replace" : "update-replace";
}

function keepersOf(inputs: Bag): Bag | typeof unknownValue {
  const keepers = inputs["keepers"];
  if (keepers === unknownValue) return unknownValue;
  return isBag(keepers) ? keepers : {};
}

/** `number` is the old name of `numeric`: whichever is given counts for both. */
function withDefaults(kind: Kind, inputs: Bag): Bag {
  const given = Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== null));
  const numeric = given["numeric"] ?? given["number"];
  const aliased = "numeric" in kind.defaults && numeric !== undefined ? { number: numeric, numeric } : {};
  return { ...kind.defaults, ...given, ...aliased };
}

function stateOf(kind: Kind, inputs: Bag, made: { id: string; results: Bag }): State & { readonly id: string } {
  return { id: made.id, outputs: { ...inputs, ...made.results }, secrets: secretPaths(kind) };
}

function secretPaths(kind: Kind): readonly Path[] {
  return kind.secrets.map((name) => [name]);
}
