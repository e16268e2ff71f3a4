/** Pulumi as the kit runs it: its own backend and passphrase, the local cluster's kubeconfig, the kit's plugins. */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { parse } from "yaml";
import { dockerHost, dockerRuns } from "./docker.ts";
import { attach, run } from "./exec.ts";
import { cache, kubeconfig, pulumiHome, repository, stacksDirectory } from "./paths.ts";
import { adaptPolicyPacks } from "./policy-pack.ts";
import { installedPulumi, installPlugins } from "./plugins.ts";
import { recoverStack } from "./recover.ts";
import { buildkitHost } from "./registry.ts";
import { buildTools, tool, toolDirectories } from "./tools.ts";

/** The stack that `npm start` deploys; Pulumi's own variable names another one. */
export const stack = process.env["PULUMI_STACK"] || "dev";

const stackFile = join(repository, `Pulumi.${stack}.yaml`);
const passphraseFile = join(pulumiHome, "passphrase");
/** The stack's encryption salt, for a new checkout that meets an existing stack. */
const saltFile = join(pulumiHome, `salt-${stack}`);

/** Where Pulumi remembers which stack is selected in this checkout. */
const selectionFile = join(
  pulumiHome,
  "workspaces",
  `meridian-${createHash("sha1").update(join(repository, "Pulumi.yaml")).digest("hex")}-workspace.json`,
);

/** Environment for `pulumi`, and for whoever wants to use the local cluster from another shell. */
export function environment(): Record<string, string> {
  return {
    PATH: [...toolDirectories(), join(repository, "node_modules", ".bin"), process.env["PATH"] ?? ""].join(delimiter),
    PULUMI_HOME: pulumiHome,
    PULUMI_BACKEND_URL: `file://${stacksDirectory}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    KUBECONFIG: kubeconfig,
    BUILDKIT_HOST: buildkitHost,
    MERIDIAN_CHECKOUT: repository,
    MERIDIAN_NODE: process.execPath,
    // Who can cut the power of this cluster's parts, for `npm run drill`.
    MERIDIAN_KIT: join(repository, "local", "bootstrap.mjs"),
    MERIDIAN_KUBECONFIG: kubeconfig,
    ...(dockerRuns() && { DOCKER_HOST: dockerHost }),
    // Programs and plugins start about a third of a second sooner.
    NODE_COMPILE_CACHE: join(cache, "node"),
  };
}

/** Builds all tools, but for Pulumi where the user has a good one. Returns the `pulumi` to run. */
export async function providePulumi(): Promise<string> {
  const theirs = await installedPulumi();
  await buildTools(theirs === undefined ? [] : ["pulumi", "pulumi-nodejs"]);
  const pulumi = theirs ?? tool("pulumi");
  // Pulumi warns of a language host that is not beside it.
  const host = join(dirname(pulumi), "pulumi-language-nodejs");
  if (theirs === undefined && !existsSync(host)) symlinkSync(tool("pulumi-language-nodejs"), host);
  return pulumi;
}

/** Builds or finds Pulumi, unless that is done already, its plugins and the stack. Returns the program to run. */
export async function preparePulumi(provided?: string): Promise<string> {
  const pulumi = provided ?? (await providePulumi());
  mkdirSync(stacksDirectory, { recursive: true });
  // 256 bits that never leave this file.
  if (!existsSync(passphraseFile))
    writeFileSync(passphraseFile, randomBytes(32).toString("base64url"), { mode: 0o600 });
  await installPlugins(pulumi);
  await selectStack(pulumi);
  await recoverStack(stacksDirectory, stack, (args, input) => pulumiOutput(pulumi, args, input));
  return pulumi;
}

interface StackFile {
  readonly encryptionsalt?: string;
  readonly config?: Record<string, unknown>;
}

export const readStackFile = (): StackFile =>
  existsSync(stackFile) ? ((parse(readFileSync(stackFile, "utf8")) as StackFile | null) ?? {}) : {};

async function selectStack(pulumi: string): Promise<void> {
  if (readStackFile().encryptionsalt === undefined && existsSync(saltFile)) {
    const text = existsSync(stackFile) ? readFileSync(stackFile, "utf8") : "";
    writeFileSync(stackFile, `encryptionsalt: ${readFileSync(saltFile, "utf8")}\n${text}`);
  }
  const env = { ...process.env, ...environment() };
  if (!existsSync(join(stacksDirectory, ".pulumi", "stacks", "meridian", `${stack}.json`))) {
    await run(pulumi, ["stack", "init", stack, "--non-interactive"], { cwd: repository, env });
  } else if (!existsSync(selectionFile)) {
    await run(pulumi, ["stack", "select", stack, "--non-interactive"], { cwd: repository, env });
  }
  const salt = readStackFile().encryptionsalt;
  if (salt !== undefined) writeFileSync(saltFile, salt, { mode: 0o600 });
}

/** Runs `pulumi` on this terminal and returns its exit code; interrupted, it cancels and saves its state. */
export async function runPulumi(pulumi: string, args: readonly string[]): Promise<number> {
  const ours = pulumi === "pulumi" ? args : adaptPolicyPacks(args, repository);
  return await attach(pulumi, ours, { cwd: repository, env: { ...process.env, ...environment() } });
}

export async function pulumiOutput(pulumi: string, args: readonly string[], input?: string): Promise<string> {
  const env = { ...process.env, ...environment() };
  return await run(pulumi, args, { cwd: repository, env, ...(input !== undefined && { input }) });
}
