import { nearest } from "./commands/nearest.ts";
import { checkInteger, checkOneOf, checkUnique, show } from "./components/check.ts";

/** A key of the stack's configuration. */
export interface Key {
  /** The value that the text stands for, or the text itself if it stands for none. */
  readonly parse: (text: string) => unknown;
  /** Sentences on what is wrong with the value. */
  readonly check: (property: string, value: unknown) => string[];
  /** Arguments of `pulumi config set` that give the key a right value. */
  readonly example: string;
}

/** A text. */
export function string(check: Key["check"], example: string): Key {
  return { parse: (text) => text, check, example };
}

/** A check that an empty text passes, which stands for a value that is not given. */
export function optional(check: Key["check"]): Key["check"] {
  return (property, value) => (value === "" ? [] : check(property, value));
}

/** A whole number, both bounds included. */
export function integer(minimum: number, maximum: number, example: string): Key {
  return {
    parse: (text) => (/^-?\d+$/.test(text) ? Number(text) : text),
    check: (property, value) => checkInteger(property, value, minimum, maximum),
    example,
  };
}

/** Yes or no. */
export function boolean(example: string): Key {
  return {
    parse: (text) => (text === "true" ? true : text === "false" ? false : text),
    check: (property, value) => checkOneOf(property, value, [true, false]),
    example,
  };
}

/** A list, each of whose items has to be right. */
export function list(checkItem: Key["check"], example: string): Key {
  return {
    parse: parseJson,
    check: (property, value) =>
      Array.isArray(value)
        ? [...value.flatMap((item, index) => checkItem(`${property}[${index}]`, item)), ...checkUnique(property, value)]
        : [`${property} must be a list, got ${show(value)}`],
    example,
  };
}

/** What a text stands for, or the text itself. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A sentence on a key that is not among `known`. */
export function unknownKey(key: string, known: readonly string[]): string {
  return `${key} is not a key of this program: did you mean ${nearest(key, known)}? pulumi config rm ${key} removes it`;
}
