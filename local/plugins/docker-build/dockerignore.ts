/** Which files of a context a build leaves out. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

import dockerignore from "@balena/dockerignore";

export interface IgnoreRules {
  /** Whether the file at this path, relative to the context, is left out. */
  ignores(path: string): boolean;
  /** Whether nothing below this folder can be part of the context, so that it need not be read. */
  skipsTree(folder: string): boolean;
}

/** `<Dockerfile>.dockerignore` if there is one, else the context's `.dockerignore`; never both. */
export function readIgnoreRules(context: string, dockerfile?: string): IgnoreRules {
  const candidates = dockerfile === undefined ? [] : [`${dockerfile}.dockerignore`];
  for (const file of [...candidates, join(context, ".dockerignore")]) {
    const text = readIfPresent(file);
    if (text !== undefined) return parseIgnoreRules(text);
  }
  return parseIgnoreRules("");
}

export function parseIgnoreRules(text: string): IgnoreRules {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const rules = dockerignore.default({ ignorecase: false }).add(lines.map(escapeForMatcher));
  const exceptions = lines.filter((line) => line.trim().startsWith("!")).map(plainPrefix);
  return {
    ignores: (path) => rules.ignores(path),
    skipsTree: (folder) => rules.ignores(folder) && !exceptions.some((prefix) => overlaps(`${prefix}/`, `${folder}/`)),
  };
}

/** The matcher turns patterns into regular expressions without escaping these; in a file name they mean themselves. */
function escapeForMatcher(line: string): string {
  return line.startsWith("#") ? line : line.replace(/(?<!\\)[+(){}|]/g, "\\$&");
}

/** The folders that an exception names before its first wildcard: only below these, or above, can it have an effect. */
function plainPrefix(line: string): string {
  const segments = line
    .trim()
    .slice(1)
    .trim()
    .replace(/^\.?\/+/, "")
    .split("/");
  const wild = segments.findIndex((segment) => /[*?[\\]/.test(segment));
  return (wild === -1 ? segments : segments.slice(0, wild)).filter((segment) => segment !== "").join("/");
}

function overlaps(a: string, b: string): boolean {
  return a === "/" || a.startsWith(b) || b.startsWith(a);
}

function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
