/**
 * The hash that decides whether an image may need a new build. It is fed in the order and form of the official
 * provider's, so that a stack can move between the two without a rebuild.
 */

import { createHash, type Hash } from "node:crypto";
import {
  type Dirent,
  type Stats,
  lstatSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  statSync,
} from "node:fs";
import { join, sep } from "node:path";

import { type IgnoreRules, readIgnoreRules } from "./dockerignore.ts";

/** What the hash covers: the files of the contexts and the Dockerfile, not where they are. */
export interface HashedSource {
  readonly context: string;
  readonly dockerfile?: string;
  readonly named?: readonly (readonly [string, string])[];
}

/** The hash in hex of all files that a build could see. */
export function contextHash(source: HashedSource): string {
  const hash = createHash("sha256");
  const dockerfile = source.dockerfile;
  // The Dockerfile's text counts even where .dockerignore leaves the file itself out of the context.
  if (dockerfile !== undefined && isFile(dockerfile)) hash.update(readFileSync(dockerfile));
  if (isDirectory(source.context)) addTree(hash, source.context, readIgnoreRules(source.context, dockerfile));
  for (const [, location] of source.named ?? []) {
    if (isDirectory(location)) addTree(hash, location, readIgnoreRules(location));
  }
  return hash.digest("hex");
}

function addTree(hash: Hash, location: string, rules: IgnoreRules): void {
  const root = realpathSync(location);
  const visit = (folder: string): void => {
    for (const entry of sorted(readdirSync(join(root, folder), { withFileTypes: true }))) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!rules.skipsTree(path)) visit(path);
      } else if (!rules.ignores(path)) {
        addFile(hash, root, path);
      }
    }
  };
  visit("");
}

function addFile(hash: Hash, root: string, path: string): void {
  const file = join(root, path);
  const stats = lstatSync(file);
  if (stats.isSymbolicLink()) hash.update(linkedContent(root, file));
  else if (stats.isFile()) hash.update(readFileSync(file));
  else return; // Sockets, pipes and devices are not sent to a builder.
  hash.update(path);
  hash.update(modeText(stats));
}

/** A link counts as the file it leads to; one that leads nowhere, to a folder or out of the context, as its own text. */
function linkedContent(root: string, file: string): Buffer | string {
  try {
    const target = realpathSync(file);
    if (target.startsWith(root + sep) && statSync(target).isFile()) return readFileSync(target);
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
  }
  return readlinkSync(file);
}

/** The mode as Go's `fs.FileMode` prints it, such as `-rw-r--r--` or `Lrwxrwxrwx`. */
export function modeText(stats: Pick<Stats, "mode" | "isSymbolicLink">): string {
  const { mode } = stats;
  const flags = [
    stats.isSymbolicLink() ? "L" : "",
    mode & 0o4000 ? "u" : "",
    mode & 0o2000 ? "g" : "",
    mode & 0o1000 ? "t" : "",
  ].join("");
  const permissions = [..."rwxrwxrwx"].map((letter, index) => (mode & (0o400 >> index) ? letter : "-"));
  return (flags || "-") + permissions.join("");
}

function sorted(entries: Dirent[]): Dirent[] {
  // Bytewise: the order must not depend on the machine's locale.
  return entries.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

export function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

export function isFile(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && !stats.isDirectory();
}
