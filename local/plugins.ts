/**
 * Which Pulumi and which provider plugins the kit uses. What the user has wins: an installed official plugin, then one
 * that can be downloaded; only where neither is to be had (no way out to the download site) the kit's stand-ins serve.
 * Both kinds live in a `PULUMI_HOME` of the kit's own, so the user's folder is never changed.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { run, succeeds } from "./exec.ts";
import { pulumiHome, repository, toolsDirectory } from "./paths.ts";
import { say, step } from "./progress.ts";

const names = ["kubernetes", "docker", "docker-build", "random"] as const;
type PluginName = (typeof names)[number];

/** The version which a program that uses this SDK asks for. */
function version(name: PluginName): string {
  const file = join(repository, "node_modules", "@pulumi", name, "package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

const folderOf = (home: string, name: PluginName): string =>
  join(home, "plugins", `resource-${name}-v${version(name)}`);
const standInMark = (name: PluginName): string => join(folderOf(pulumiHome, name), "stand-in");

/**
 * The official docker-build plugin drives a Docker engine, whose images and registries are not the kit's: with the
 * kit's own builder, the stand-in is used wherever no engine answers.
 */
async function officialIsWanted(name: PluginName): Promise<boolean> {
  return name !== "docker-build" || (await succeeds("docker", ["info"], { timeout: 5000 }));
}

/** Links an official plugin which the user has already. */
function linkInstalled(name: PluginName): boolean {
  const theirs = folderOf(process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"), name);
  if (!existsSync(join(theirs, `pulumi-resource-${name}`))) return false;
  symlinkSync(theirs, folderOf(pulumiHome, name));
  return true;
}

async function download(name: PluginName, pulumi: string): Promise<boolean> {
  const env = { ...process.env, PULUMI_HOME: pulumiHome, PULUMI_SKIP_UPDATE_CHECK: "true" };
  return await succeeds(pulumi, ["plugin", "install", "resource", name, version(name)], { env, timeout: 60_000 });
}

function writeStandIn(name: PluginName): void {
  const folder = folderOf(pulumiHome, name);
  // Several checkouts share this file: each brings its own plugins by the environment that the kit gives.
  const node = `"\${MERIDIAN_NODE:-${process.execPath}}"`;
  const main = `"\${MERIDIAN_CHECKOUT:-${repository}}/local/plugins/${name}/main.ts"`;
  const script = `#!/bin/sh\nexec ${node} --no-warnings ${main} "$@"\n`;
  const file = join(folder, `pulumi-resource-${name}`);
  if (existsSync(file) && readFileSync(file, "utf8") === script) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, script, { mode: 0o755 });
  writeFileSync(standInMark(name), "");
}

/** Names of the plugins that the kit's stand-ins serve. */
export const standIns = (): PluginName[] => names.filter((name) => existsSync(standInMark(name)));

/** Puts a plugin for each provider into the kit's `PULUMI_HOME`. A download is tried once, not at every start. */
export async function installPlugins(pulumi: string): Promise<void> {
  mkdirSync(join(pulumiHome, "plugins"), { recursive: true });
  for (const name of names) {
    if (existsSync(folderOf(pulumiHome, name))) {
      // The checkout may have moved since.
      if (existsSync(standInMark(name))) writeStandIn(name);
      continue;
    }
    await step(`provider plugin ${name} ${version(name)}`, async ({ note }) => {
      if (await officialIsWanted(name)) {
        if (linkInstalled(name)) return;
        note("downloading");
        if (await download(name, pulumi)) return;
        rmSync(folderOf(pulumiHome, name), { recursive: true, force: true });
      }
      writeStandIn(name);
    });
    if (existsSync(standInMark(name)))
      say(`  the official plugin ${name} cannot be had here; the kit's stand-in serves`);
  }
}

/** A `pulumi` on the user's PATH that is new enough for the SDK in use, with its Node language host. */
export async function installedPulumi(): Promise<string | undefined> {
  const sdk = readFileSync(join(repository, "node_modules", "@pulumi", "pulumi", "package.json"), "utf8");
  const needed = (JSON.parse(sdk) as { version: string }).version.split(".").map(Number);
  // In a shell with the kit's environment the kit's own is on PATH, too.
  const path = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((directory) => !directory.startsWith(toolsDirectory));
  const env = { ...process.env, PATH: path.join(delimiter), PULUMI_SKIP_UPDATE_CHECK: "true" };
  if (!(await succeeds("pulumi-language-nodejs", ["--help"], { timeout: 5000, env }))) return undefined;
  let text: string;
  try {
    text = await run("pulumi", ["version"], { timeout: 10_000, env });
  } catch {
    return undefined; // there is none, or it does not run: the kit builds its own
  }
  const [major = 0, minor = 0] = text.trim().replace(/^v/, "").split(".").map(Number);
  return major === needed[0] && minor >= (needed[1] ?? 0) ? "pulumi" : undefined;
}
