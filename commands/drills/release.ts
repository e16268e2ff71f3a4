import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { unknown } from "../nearest.ts";
import { type Drill, interruption, lastSeconds, text, until } from "./drill.ts";

export const releaseKinds = ["rolling", "blueGreen", "canary"] as const;

/** The next version is released, and stays: `npm run release -- rollback` goes back. */
export async function releaseNext(wanted: string): Promise<Drill> {
  const kind = releaseKinds.find((name) => name.toLowerCase() === wanted.toLowerCase());
  if (kind === undefined) throw new Error(unknown("kind of release", wanted, releaseKinds));
  const config = JSON.parse(await text("pulumi", ["config", "--json"])) as Record<
    string,
    { value?: string } | undefined
  >;
  const value = (key: string): string => config[`meridian:${key}`]?.value ?? "";
  const [, line, patch] = /^(v\d+\.\d+\.)(\d+)/.exec(value("version")) ?? [];
  if (line === undefined) throw new Error(`the stack's version is no version: ${JSON.stringify(value("version"))}.`);
  const version = `${line}${Number(patch) + 1}`;
  // The drill is over when nothing of the release before runs any more; its image and its assets stay known.
  const steps = kind === "canary" ? ["--steps", "34:10,67:10"] : [];
  return {
    name: `release-${kind}`,
    title: `${version} is released, ${kind}`,
    by: "versions",
    work: async ({ mark, report }) => {
      const command = fileURLToPath(new URL("../release.ts", import.meta.url));
      const args = ["--no-warnings", command, version, "--kind", kind, "--keep", "0", ...steps];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (more: string) => (output += more));
      let isOver = false;
      const ended = (once(child, "close") as Promise<[number | null]>).finally(() => (isOver = true));
      // Pulumi saves its state before it ends.
      interruption.signal.addEventListener("abort", () => child.kill("SIGINT"));
      try {
        mark("pulumi up begins");
        await until(`an answer by ${version}`, () => isOver || (report().versions[version] ?? 0) > 0, 300);
        if (!isOver) mark(`${version} answers for the first time`);
      } finally {
        await ended;
      }
      if (child.exitCode !== 0) throw new Error(`the release failed:\n${output.trim()}`);
      mark("pulumi up has ended");
      await until(`only answers by ${version}`, () =>
        lastSeconds(report(), 2).every(({ versions }) => Object.keys(versions).every((key) => key === version)),
      );
      mark(`only ${version} answers`);
    },
  };
}
