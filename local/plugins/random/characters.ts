/** RandomString and RandomPassword: the same text, but the password is secret and comes with its bcrypt hash. */

import type { Bag } from "../bag.ts";
import { bcryptHash } from "./bcrypt.ts";
import { type Failure, integerFailures, type Kind, numberOf, textOf } from "./kind.ts";
import { type ByteSource, pick, shuffle, systemBytes } from "./source.ts";

/** Character classes: the input that switches one on, the input with its minimum, its characters. */
const classes = [
  { on: "upper", minimum: "minUpper", characters: "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
  { on: "lower", minimum: "minLower", characters: "abcdefghijklmnopqrstuvwxyz" },
  { on: "numeric", minimum: "minNumeric", characters: "0123456789" },
  { on: "special", minimum: "minSpecial", characters: "!@#$%&*()-_=+[]{}<>:?" },
] as const;

const defaults: Bag = {
  lower: true,
  minLower: 0,
  minNumeric: 0,
  minSpecial: 0,
  minUpper: 0,
  number: true,
  numeric: true,
  special: true,
  upper: true,
};

/** Text of the wanted length with at least the wanted number of each class, in an order that gives nothing away. */
export function randomText(inputs: Bag, bytes: ByteSource = systemBytes): string {
  const chosen: string[] = [];
  const all: string[] = [];
  for (const { on, minimum, characters } of classes) {
    const set = [...((on === "special" && textOf(inputs, "overrideSpecial")) || characters)];
    for (let count = numberOf(inputs, minimum); count > 0; count--) chosen.push(pick(set, bytes));
    if (inputs[on] === true) all.push(...set);
  }
  while (chosen.length < numberOf(inputs, "length")) chosen.push(pick(all, bytes));
  return shuffle(chosen, bytes).join("");
}

function check(inputs: Bag): readonly Failure[] {
  const failures = [
    ...integerFailures(inputs, "length", 1),
    ...classes.flatMap(({ minimum }) => integerFailures(inputs, minimum, 0)),
  ];
  if (failures.length > 0) return failures;
  const length = numberOf(inputs, "length");
  const sum = classes.reduce((total, { minimum }) => total + numberOf(inputs, minimum), 0);
  if (sum > length) {
    const reason = `length must be at least minUpper + minLower + minNumeric + minSpecial = ${sum}, got ${length}`;
    return [{ property: "length", reason }];
  }
  if (!classes.some(({ on }) => inputs[on] === true)) {
    const reason = "at least one of upper, lower, numeric and special must be true, got false for all of them";
    return [{ property: "upper", reason }];
  }
  return [];
}

const shared = {
  inputs: [
    "length",
    "lower",
    "minLower",
    "minNumeric",
    "minSpecial",
    "minUpper",
    "number",
    "numeric",
    "overrideSpecial",
    "special",
    "upper",
  ],
  defaults,
  check,
} satisfies Partial<Kind>;

export const randomString: Kind = {
  ...shared,
  results: ["result"],
  secrets: [],
  create: (inputs) => {
    const result = randomText(inputs);
    return { id: result, results: { result } };
  },
  import: (id) => ({ id, results: { result: id }, inputs: { length: [...id].length } }),
};

export const randomPassword: Kind = {
  ...shared,
  results: ["bcryptHash", "result"],
  secrets: ["bcryptHash", "result"],
  create: (inputs) => passwordOf(randomText(inputs)),
  import: (id) => ({ ...passwordOf(id), inputs: { length: [...id].length } }),
};

/** The id must not be the password: ids are shown. */
function passwordOf(result: string) {
  return { id: "none", results: { bcryptHash: bcryptHash(result), result } };
}
