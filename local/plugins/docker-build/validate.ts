/** What `check` has to say about an image's inputs: one sentence per mistake, before anything is built. */

import { readFileSync } from "node:fs";
import { posix, resolve } from "node:path";

import { isDirectory, isFile } from "./context-hash.ts";
import { contextOf, type Entry, type ImageInputs, isRemote, namedContexts } from "./inputs.ts";
import { attributesOf, kindsOf, pushes } from "./outputs.ts";
import { parseReference } from "./reference.ts";

export interface Failure {
  readonly property: string;
  readonly reason: string;
}

/** @param complete false in a preview with values that are not known yet: what is missing may still come. */
export function validate(inputs: ImageInputs, complete = true): readonly Failure[] {
  return [
    ...checkContexts(inputs),
    ...checkDockerfile(inputs, complete),
    ...checkTags(inputs, complete),
    ...checkEntries("exports", inputs.exports),
    ...checkEntries("cacheFrom", inputs.cacheFrom),
    ...checkEntries("cacheTo", inputs.cacheTo),
    ...checkOptions(inputs),
    ...checkUnsupported(inputs),
  ];
}

function checkContexts(inputs: ImageInputs): Failure[] {
  const places = [
    ["context.location", contextOf(inputs)] as const,
    ...namedContexts(inputs).map(([name, location]) => [`context.named.${name}`, location] as const),
  ];
  return places
    .filter(([, location]) => !isRemote(location) && !isDirectory(location))
    .map(([property, location]) => ({
      property,
      reason: `${property} must be a folder or a URL, got "${location}", which is neither (relative paths start at ${resolve(".")})`,
    }));
}

function checkDockerfile(inputs: ImageInputs, complete: boolean): Failure[] {
  const { location, inline } = inputs.dockerfile ?? {};
  const failure = (property: string, reason: string) => [{ property, reason: `${property} ${reason}` }];
  if (location && inline) {
    return failure("dockerfile", "must have either location or inline, got both: leave one of them out");
  }
  if (inline) return checkSyntax("dockerfile.inline", inline);
  if (!location) {
    // A remote context brings its own.
    if (!complete || isRemote(contextOf(inputs))) return [];
    return failure("dockerfile", "must have a location or be inline, got neither: add one of them");
  }
  if (isRemote(contextOf(inputs))) return [];
  if (isRemote(location)) {
    return failure(
      "dockerfile.location",
      `must be a file on this machine, got "${location}": download it, or make context.location a URL too`,
    );
  }
  // One mistake, one sentence: without its context, a Dockerfile in it cannot be there either.
  if (!isFile(location) && !isDirectory(contextOf(inputs)) && location.startsWith(posix.join(contextOf(inputs), "/"))) {
    return [];
  }
  if (!isFile(location)) {
    return failure(
      "dockerfile.location",
      `must be a Dockerfile, got "${location}", which does not exist (relative paths start at ${resolve(".")})`,
    );
  }
  return checkSyntax("dockerfile.location", readFileSync(location, "utf8"), ` in ${location}`);
}

const instructions =
  /^(?:ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR)$/i;

/** Only what is cheap to see without a builder: the first instruction. The builder names the line of all else. */
function checkSyntax(property: string, text: string, where = ""): Failure[] {
  const lines = text.split(/\r?\n/);
  const index = lines.findIndex((line) => line.trim() !== "" && !line.trim().startsWith("#"));
  const word = lines[index]?.trim().split(/\s+/)[0] ?? "";
  if (index === -1 || !/^(?:FROM|ARG)$/i.test(word)) {
    const got = index === -1 ? "no instruction" : `${instructions.test(word) ? "" : "unknown instruction "}${word}`;
    const line = index === -1 ? "" : ` in line ${index + 1}`;
    return [{ property, reason: `${property} must start with FROM or ARG, got ${got}${line}${where}` }];
  }
  return [];
}

function checkTags(inputs: ImageInputs, complete: boolean): Failure[] {
  const failures = (inputs.tags ?? []).flatMap((tag, index): Failure[] => {
    if (parseReference(tag) !== undefined) return [];
    const property = `tags[${index}]`;
    const reason = `${property} must be [registry/]name[:tag] with a lower-case name, such as localhost:5001/app:v1, got "${tag}"`;
    return [{ property, reason }];
  });
  const exports = [...(inputs.exports ?? []), ...(inputs.push ? [{ raw: "type=registry" }] : [])].map(attributesOf);
  const nameless = exports.some((output) => output !== undefined && pushes(output) && !output["name"]);
  if (complete && nameless && !inputs.tags?.length) {
    failures.push({
      property: "tags",
      reason:
        "tags must name at least one image when an image is pushed, got none: add for example localhost:5001/app:v1",
    });
  }
  return failures;
}

const knownTypes = {
  exports: ["cacheonly", "docker", "image", "local", "oci", "registry", "tar"],
  cacheFrom: ["azblob", "gha", "local", "registry", "s3"],
  cacheTo: ["azblob", "gha", "inline", "local", "registry", "s3"],
} as const;

function checkEntries(list: keyof typeof knownTypes, entries: readonly Entry[] | undefined): Failure[] {
  return (entries ?? []).flatMap((entry, index): Failure[] => {
    const property = `${list}[${index}]`;
    const failure = (text: string) => [{ property, reason: `${property} ${text}` }];
    const kinds = kindsOf(entry);
    if (kinds.length > 1) return failure(`must have one kind, got ${kinds.join(" and ")}: make an entry for each`);
    const attributes = attributesOf(entry);
    if (attributes === undefined) return [];
    const { type = "" } = attributes;
    const known: readonly string[] = knownTypes[list];
    if (!known.includes(type)) return failure(`must be one of ${known.join(", ")}, got "${type}"`);
    if (list === "exports") return checkExport(type, attributes["dest"]).flatMap(failure);
    // These would be on the command line, where every user of the machine can read them.
    const key = ["secret_access_key", "secretAccessKey", "session_token", "sessionToken"].find(
      (name) => attributes[name],
    );
    return key === undefined
      ? []
      : failure(`must not hold ${key} with this builder: set the environment of the builder instead`);
  });
}

function checkExport(type: string, destination: string | undefined): string[] {
  if (type === "docker" && !destination) {
    return ["of kind docker must have a dest, got none: a BuildKit daemon has no Docker to load the image into"];
  }
  return ["local", "oci", "tar"].includes(type) && !destination
    ? [`of kind ${type} must have a dest, got none: name the file or folder to write`]
    : [];
}

function checkOptions(inputs: ImageInputs): Failure[] {
  const failures: Failure[] = [];
  for (const [index, platform] of (inputs.platforms ?? []).entries()) {
    if (/^[a-z0-9]+\/[a-z0-9_]+(?:\/v?[0-9.]+)?$/.test(platform)) continue;
    const property = `platforms[${index}]`;
    failures.push({ property, reason: `${property} must be os/architecture, such as linux/amd64, got "${platform}"` });
  }
  for (const [index, entry] of (inputs.addHosts ?? []).entries()) {
    if (/^[^:=]+[:=].+$/.test(entry)) continue;
    const property = `addHosts[${index}]`;
    failures.push({ property, reason: `${property} must be host:address, such as db.test:10.0.0.7, got "${entry}"` });
  }
  const { network } = inputs;
  if (network !== undefined && !["default", "host", "none"].includes(network)) {
    failures.push({ property: "network", reason: `network must be default, host or none, got "${String(network)}"` });
  }
  for (const [name, value] of Object.entries(inputs.secrets ?? {})) {
    const size = Buffer.byteLength(value);
    // A limit of Linux for one variable of an environment.
    if (size >= 128 * 1024 || value.includes("\0")) {
      const got = value.includes("\0") ? "one with a zero byte" : `${size} bytes`;
      const reason = `secrets.${name} must be text of less than 131072 bytes with this builder, got ${got}`;
      failures.push({ property: `secrets.${name}`, reason });
    }
  }
  return failures;
}

function checkUnsupported(inputs: ImageInputs): Failure[] {
  const failures: Failure[] = [];
  if (inputs.ssh?.length) {
    const reason =
      "ssh must be empty with this builder, which forwards no SSH agent: use secrets, or the official docker-build plugin";
    failures.push({ property: "ssh", reason });
  }
  if (inputs.load) {
    const reason =
      "load must be false with this builder, which has no Docker to load the image into: use push, or an export of kind docker with a dest";
    failures.push({ property: "load", reason });
  }
  return failures;
}
