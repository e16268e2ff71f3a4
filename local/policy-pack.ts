/**
 * Policy packs under the kit's Node language host, which is older than Pulumi's way to run them by it. For a pack whose
 * runtime has no language host, Pulumi runs the program `pulumi-analyzer-policy-RUNTIME` instead: so the kit hands it the
 * pack under a runtime of that kind, and brings the program.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { UserError } from "./exec.ts";
import { pulumiHome } from "./paths.ts";

const runtime = "meridian";
const definition = "PulumiPolicy.yaml";

function writeAnalyzer(): void {
  const folder = join(pulumiHome, "plugins", `analyzer-policy-${runtime}-v1.0.0`);
  mkdirSync(folder, { recursive: true });
  const script = `#!/bin/sh\nexec "${process.execPath}" --no-warnings "$("${process.execPath}" -p 'require("./package.json").main')"\n`;
  writeFileSync(join(folder, `pulumi-analyzer-policy-${runtime}`), script, { mode: 0o755 });
}

/** A folder that holds the same pack as this one, for the kit's Pulumi. */
export function adaptPolicyPack(pack: string): string {
  let project: Record<string, unknown>;
  try {
    project = parse(readFileSync(join(pack, definition), "utf8")) as Record<string, unknown>;
  } catch {
    throw new UserError(
      `${pack} is no policy pack, it has no ${definition} that can be read; this project's is policy.`,
    );
  }
  writeAnalyzer();
  const folder = join(pulumiHome, "policy-packs", basename(resolve(pack)));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(pack).filter((name) => name !== definition)) {
    symlinkSync(resolve(pack, name), join(folder, name));
  }
  writeFileSync(join(folder, definition), stringify({ ...project, runtime }));
  return folder;
}

/** The arguments of `pulumi` with each `--policy-pack` adapted; relative folders are those of `directory`. */
export function adaptPolicyPacks(args: readonly string[], directory: string): string[] {
  return args.map((arg, index) => {
    if (args[index - 1] === "--policy-pack") return adaptPolicyPack(resolve(directory, arg));
    const [, pack] = /^--policy-pack=(.+)$/.exec(arg) ?? [];
    return pack === undefined ? arg : `--policy-pack=${adaptPolicyPack(resolve(directory, pack))}`;
  });
}
