/** What the specs of the docker-build plugin share. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

import type { Call } from "../plugins/serve.ts";

/** A folder of the test's own. */
export let folder: string;

/** Makes and removes the folder around every test of a spec. */
export function useFolder(): void {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "docker-build-plugin-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
}

/** Writes files below the test's folder, with the modes of a fresh checkout, and returns where they are. */
export function files(content: Readonly<Record<string, string>>, root = "app"): string {
  for (const [name, text] of Object.entries(content)) {
    const file = join(folder, root, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, 0o644);
  }
  return join(folder, root);
}

export const app = { Dockerfile: "FROM scratch\nCOPY . /\n", "a.txt": "hello", "src/b.txt": "b" };

export const digest = `sha256:${"a".repeat(64)}`;

export function callOf(overrides: Partial<Call> = {}): Call {
  const quiet = () => undefined;
  const call = { urn: "", type: "docker-build:index:Image", name: "app", status: quiet, log: quiet };
  return { ...call, signal: new AbortController().signal, ...overrides };
}

/** Puts a `buildctl` that is this shell script first on PATH while `use` runs. */
export async function withBuildctl<Result>(script: string, use: () => Promise<Result>): Promise<Result> {
  const path = process.env["PATH"];
  const file = join(files({ buildctl: `#!/bin/sh\n${script}\n` }, "bin"), "buildctl");
  chmodSync(file, 0o755);
  process.env["PATH"] = `${dirname(file)}${delimiter}${path ?? ""}`;
  try {
    return await use();
  } finally {
    process.env["PATH"] = path;
  }
}
