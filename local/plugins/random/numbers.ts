/** RandomId, RandomBytes, RandomInteger, the RandomUuids and RandomShuffle. */

import { randomUUID } from "node:crypto";

import type { Bag } from "../bag.ts";
import { integerFailures, type Kind, type Made, numberOf, textOf } from "./kind.ts";
import { below, type ByteSource, seededBytes, shuffle, systemBytes } from "./source.ts";

function sourceFor(inputs: Bag): ByteSource {
  const seed = textOf(inputs, "seed");
  return seed === "" ? systemBytes : seededBytes(seed);
}

function idOf(bytes: Buffer, prefix: string): Made {
  const id = bytes.toString("base64url");
  return {
    id,
    results: {
      b64Std: prefix + bytes.toString("base64"),
      b64Url: prefix + id,
      dec: prefix + BigInt(`0x${bytes.toString("hex") || "0"}`).toString(),
      hex: prefix + bytes.toString("hex"),
    },
  };
}

export const randomId: Kind = {
  inputs: ["byteLength", "prefix"],
  defaults: {},
  results: ["b64Std", "b64Url", "dec", "hex"],
  secrets: [],
  check: (inputs) => integerFailures(inputs, "byteLength", 1),
  create: (inputs) => idOf(systemBytes(numberOf(inputs, "byteLength")), textOf(inputs, "prefix")),
  import: (text) => {
    // The prefix may have commas itself: the last one ends it.
    const comma = text.lastIndexOf(",");
    const prefix = comma < 0 ? "" : text.slice(0, comma);
    const bytes = Buffer.from(text.slice(comma + 1), "base64url");
    if (bytes.toString("base64url") !== text.slice(comma + 1)) {
      throw new Error(`the id of a RandomId must be [prefix,]base64 with - and _, got "${text}"`);
    }
    return { ...idOf(bytes, prefix), inputs: { byteLength: bytes.length, ...(prefix === "" ? {} : { prefix }) } };
  },
};

function bytesOf(bytes: Buffer): Made {
  return { id: "none", results: { base64: bytes.toString("base64"), hex: bytes.toString("hex") } };
}

export const randomBytes: Kind = {
  inputs: ["length"],
  defaults: {},
  results: ["base64", "hex"],
  secrets: ["base64", "hex"],
  check: (inputs) => integerFailures(inputs, "length", 1),
  create: (inputs) => bytesOf(systemBytes(numberOf(inputs, "length"))),
  import: (text) => {
    const bytes = Buffer.from(text, "base64");
    // The text itself may be what nobody should read.
    if (bytes.toString("base64") !== text) throw new Error("the id of RandomBytes must be base64, got something else");
    return { ...bytesOf(bytes), inputs: { length: bytes.length } };
  },
};

export const randomInteger: Kind = {
  inputs: ["max", "min", "seed"],
  defaults: {},
  results: ["result"],
  secrets: [],
  check: (inputs) => {
    const failures = ["max", "min"].flatMap((name) => integerFailures(inputs, name, Number.MIN_SAFE_INTEGER));
    const [max, min] = [numberOf(inputs, "max"), numberOf(inputs, "min")];
    if (failures.length > 0 || min <= max) return failures;
    return [{ property: "min", reason: `min must be at most max = ${max}, got ${min}` }];
  },
  create: (inputs) => {
    const [max, min] = [numberOf(inputs, "max"), numberOf(inputs, "min")];
    const result = min + below(max - min + 1, sourceFor(inputs));
    return { id: String(result), results: { result } };
  },
  import: (text) => {
    const [result, min, max] = text.split(",").map(Number);
    const seed = text.split(",")[3];
    if (![result, min, max].every(Number.isSafeInteger) || result === undefined) {
      throw new Error(`the id of a RandomInteger must be result,min,max[,seed], got "${text}"`);
    }
    return {
      id: String(result),
      results: { result },
      inputs: { max: max ?? 0, min: min ?? 0, ...(seed === undefined ? {} : { seed }) },
    };
  },
};

/** @param make the id and result, in the common form of eight, four, four, four and twelve digits. */
function uuidKind(make: () => string): Kind {
  const made = (result: string) => ({ id: result, results: { result } });
  return {
    inputs: [],
    defaults: {},
    results: ["result"],
    secrets: [],
    check: () => [],
    create: () => made(make()),
    import: (text) => {
      if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) {
        throw new Error(`the id of a RandomUuid must be a UUID, got "${text}"`);
      }
      return { ...made(text.toLowerCase()), inputs: {} };
    },
  };
}

export const randomUuid = uuidKind(randomUUID);

/** Version 7 starts with the time in milliseconds, so that later ones sort behind earlier ones. */
export const randomUuid7 = uuidKind(() => {
  const random = randomUUID().replaceAll("-", "");
  const time = Date.now().toString(16).padStart(12, "0");
  const digits = `${time}7${random.slice(13)}`;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
});

export const randomShuffle: Kind = {
  inputs: ["inputs", "resultCount", "seed"],
  defaults: {},
  results: ["results"],
  secrets: [],
  check: (inputs) => {
    if (!Array.isArray(inputs["inputs"])) return [{ property: "inputs", reason: "inputs must be a list of texts" }];
    return inputs["resultCount"] === undefined ? [] : integerFailures(inputs, "resultCount", 0);
  },
  create: (inputs) => {
    const items = Array.isArray(inputs["inputs"]) ? inputs["inputs"] : [];
    // As with the official provider, 0 means all of them.
    const count = items.length === 0 ? 0 : numberOf(inputs, "resultCount") || items.length;
    const bytes = sourceFor(inputs);
    const results = [];
    // More than there are: everything once again, in another order.
    while (results.length < count) results.push(...shuffle(items, bytes));
    return { id: "-", results: { results: results.slice(0, count) } };
  },
};
