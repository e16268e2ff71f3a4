/** The command line of `buildctl build` for an image. Nothing that is secret is ever part of it. */

import { basename, dirname, resolve } from "node:path";

import { contextOf, type ImageInputs, isRemote, namedContexts } from "./inputs.ts";
import { buildOutputs, caches, formatFields } from "./outputs.ts";

export interface Command {
  readonly args: readonly string[];
  /** What the builder asks for by name: secrets travel in the environment, which only the same user can read. */
  readonly env: Readonly<Record<string, string>>;
}

export interface BuildFiles {
  /** Where the builder writes the digest. */
  readonly metadata: string;
  /** A folder with the inline Dockerfile, if there is one. */
  readonly inline?: string;
}

/** Timestamp of everything in the image, in seconds since 1970, unless the user chooses another. */
export const defaultEpoch = "0";

export function buildCommand(
  inputs: ImageInputs,
  files: BuildFiles,
  preview: boolean,
  environment: NodeJS.ProcessEnv = process.env,
): Command {
  const args = ["build", "--progress=plain", "--frontend=dockerfile.v0", "--metadata-file", files.metadata];
  const option = (name: string, value: string) => args.push("--opt", `${name}=${value}`);
  const local = (name: string, folder: string) => args.push("--local", `${name}=${resolve(folder)}`);

  const context = contextOf(inputs);
  if (isRemote(context)) option("context", context);
  else local("context", context);
  addDockerfile(inputs, files, option, local);
  for (const [name, location] of namedContexts(inputs)) {
    // The prefix keeps a context that is called "context" or "dockerfile" apart from the two above.
    if (!isRemote(location)) local(`named-${name}`, location);
    option(`context:${name}`, isRemote(location) ? location : `local:named-${name}`);
  }

  const epoch = environment["SOURCE_DATE_EPOCH"] ?? defaultEpoch;
  for (const [name, value] of sortedEntries({ SOURCE_DATE_EPOCH: epoch, ...inputs.buildArgs })) {
    option(`build-arg:${name}`, value);
  }
  for (const [name, value] of sortedEntries(inputs.labels)) option(`label:${name}`, value);
  if (inputs.target) option("target", inputs.target);
  if (inputs.platforms?.length) option("platform", inputs.platforms.join(","));
  if (inputs.addHosts?.length) option("add-hosts", inputs.addHosts.map(hostEntry).join(","));
  if (inputs.pull) option("image-resolve-mode", "pull");
  if (inputs.noCache) args.push("--no-cache");
  if (inputs.network === "host" || inputs.network === "none") option("force-network-mode", inputs.network);
  if (inputs.network === "host") args.push("--allow", "network.host");

  for (const cache of caches(inputs.cacheFrom)) args.push("--import-cache", formatFields(cache));
  for (const cache of caches(inputs.cacheTo)) args.push("--export-cache", formatFields(cache));
  for (const output of buildOutputs(inputs, preview)) args.push("--output", formatFields(output));

  const env: Record<string, string> = {};
  for (const [index, [id, value]] of sortedEntries(inputs.secrets).entries()) {
    const variable = `BUILD_SECRET_${index}`;
    env[variable] = value;
    args.push("--secret", formatFields({ id, env: variable }));
  }
  return { args, env };
}

function addDockerfile(
  inputs: ImageInputs,
  files: BuildFiles,
  option: (name: string, value: string) => void,
  local: (name: string, folder: string) => void,
): void {
  const location = inputs.dockerfile?.location;
  if (files.inline !== undefined) {
    local("dockerfile", files.inline);
    option("filename", "Dockerfile");
    // Otherwise the builder looks for the Dockerfile in the remote context.
    if (isRemote(contextOf(inputs))) option("dockerfilekey", "dockerfile");
  } else if (location && isRemote(contextOf(inputs))) {
    option("filename", location);
  } else if (location) {
    local("dockerfile", dirname(location));
    option("filename", basename(location));
  }
}

/** `name:address` as the SDK has it to `name=address`; an IPv6 address may have brackets and has colons itself. */
function hostEntry(text: string): string {
  const [, name = text, address = ""] = /^([^:=]+)[:=](.*)$/.exec(text) ?? [];
  return `${name}=${address.replace(/^\[(.*)\]$/, "$1")}`;
}

/** Sorted, because the order of a program's object literal must not change the command. */
function sortedEntries(map: Readonly<Record<string, string>> | undefined): readonly (readonly [string, string])[] {
  return Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}
