import { isBag, show } from "../check.ts";
import type { Bag } from "../check.ts";

const secondsOf: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };
const bytesOf: Readonly<Record<string, number>> = { b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** Reads the values of a Compose file in all the forms that they may have, and keeps a sentence for each that has none. */
export class Reader {
  readonly problems: string[] = [];

  wrong(path: string, rule: string, value: unknown): undefined {
    this.problems.push(`${path} must be ${rule}, got ${show(value)}`);
    return undefined;
  }

  map(value: unknown, path: string): Bag {
    if (value === undefined || value === null) return {};
    if (isBag(value)) return value;
    this.wrong(path, "a map", value);
    return {};
  }

  list(value: unknown, path: string): readonly unknown[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value as unknown[];
    this.wrong(path, "a list", value);
    return [];
  }

  /** A text; YAML reads some as numbers or booleans. */
  text(value: unknown, path: string): string | undefined {
    if (value === undefined || value === null) return undefined;
    if (["string", "number", "boolean"].includes(typeof value)) return String(value);
    return this.wrong(path, "a text", value);
  }

  texts(value: unknown, path: string): string[] {
    return this.list(value, path).map((item, index) => this.text(item, `${path}[${index}]`) ?? "");
  }

  /** A number, which is a text where a variable stood. */
  number(value: unknown, path: string): number | undefined {
    if (value === undefined || value === null) return undefined;
    const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
    return typeof number === "number" && Number.isFinite(number) ? number : this.wrong(path, "a number", value);
  }

  /** A file's mode: a number, or a text of octal digits. */
  mode(value: unknown, path: string): number | undefined {
    if (typeof value === "string" && /^[0-7]+$/.test(value)) return Number.parseInt(value, 8);
    return typeof value === "string" ? this.wrong(path, 'a mode such as "0444"', value) : this.number(value, path);
  }

  flag(value: unknown, path: string): boolean | undefined {
    if (value === undefined || value === null || typeof value === "boolean") return value ?? undefined;
    return value === "true" ? true : value === "false" ? false : this.wrong(path, "true or false", value);
  }

  oneOf<T extends string>(value: unknown, path: string, allowed: readonly T[]): T | undefined {
    if (value === undefined || value === null) return undefined;
    // YAML 1.1 reads an unquoted no as false.
    const text = value === false ? "no" : value;
    return allowed.find((item) => item === text) ?? this.wrong(path, `one of ${allowed.map(show).join(", ")}`, value);
  }

  /** A program and its arguments: a list, or one text with quotes as in a shell. */
  words(value: unknown, path: string): string[] | undefined {
    if (value === undefined || value === null) return undefined;
    if (typeof value !== "string") return this.texts(value, path);
    const word = /(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/gs;
    const left = value.replaceAll(word, "").trim();
    if (left !== "") return this.wrong(path, "a command whose quotes are closed", value);
    return (value.match(word) ?? []).map((text) =>
      text.replaceAll(
        /"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/gs,
        (_, double: string, single: string, character: string) =>
          double !== undefined ? double.replaceAll(/\\(["\\$`])/g, "$1") : (single ?? character),
      ),
    );
  }

  /** Names and values: a map, or a list such as `- NAME=value`. A name alone has no value. */
  pairs(value: unknown, path: string): Record<string, string | undefined> {
    if (!Array.isArray(value)) {
      const entries = Object.entries(this.map(value, path));
      return Object.fromEntries(entries.map(([name, item]) => [name, this.text(item, `${path}.${name}`)]));
    }
    const entries = this.texts(value, path).map((line) => {
      const at = line.indexOf("=");
      return at < 0 ? [line, undefined] : [line.slice(0, at), line.slice(at + 1)];
    });
    return Object.fromEntries(entries) as Record<string, string | undefined>;
  }

  /** Seconds of a duration such as `1m30s`. */
  seconds(value: unknown, path: string): number | undefined {
    const text = this.text(value, path);
    return text === undefined ? undefined : this.#sum(text, path, secondsOf, 'a duration such as "1m30s"');
  }

  /** Bytes of a size such as `512m` or `1gb`. */
  bytes(value: unknown, path: string): number | undefined {
    if (typeof value === "number") return value;
    const text = this.text(value, path)?.toLowerCase();
    if (text === undefined || /^\d+$/.test(text)) return text === undefined ? undefined : Number(text);
    return this.#sum(text.replace(/(?<=[kmg])i?b$/, ""), path, bytesOf, 'a size such as "512m" or "1gb"');
  }

  #sum(text: string, path: string, units: Readonly<Record<string, number>>, rule: string): number | undefined {
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([a-z]+)/g)].filter(([, , unit]) => Object.hasOwn(units, unit!));
    if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) return this.wrong(path, rule, text);
    return parts.reduce((sum, [, digits, unit]) => sum + Number(digits) * units[unit!]!, 0);
  }
}
