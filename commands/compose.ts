/**
 * The Compose file, or the file of a Swarm's stack, that stands for what on-docker.ts registers. Pure functions, but for the
 * run of the program.
 */
import { createHash } from "node:crypto";
import { posix } from "node:path";

import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { containerService, fileText, filesOf } from "./compose-container.ts";
import { swarmService } from "./compose-service.ts";
import { registered, unknownHex } from "./manifests.ts";
import type { Registered } from "./manifests.ts";

/** One of `services` in a Compose file. */
export type Service = Record<string, unknown>;

/** A file beside the Compose file that a config or a secret is made of. */
export interface ComposeFile {
  readonly text: string;
  readonly isSecret: boolean;
}

/** A Compose file and the files that it names, by their path from its folder. */
export interface Compose {
  readonly document: { readonly services: Record<string, Service>; readonly [section: string]: unknown };
  readonly files: ReadonlyMap<string, ComposeFile>;
}

/** What a service gets as a file: the key of the config or secret, and where it is put. */
export interface Mounted extends ComposeFile {
  readonly key: string;
  readonly entry: Readonly<Record<string, unknown>>;
}

/** A service on its way into the document. */
export interface Draft {
  readonly name: string;
  readonly service: Service;
  readonly mounted: readonly Mounted[];
}

/**
 * @param format `compose` for one host, `stack` for a Swarm
 * @param up how the repository is reached from the file's folder, such as `../..`
 */
export async function compose(
  format: "compose" | "stack",
  config: Readonly<Record<string, string>>,
  up: string,
): Promise<Compose> {
  const target = format === "compose" ? "docker" : "swarm";
  return toCompose(format, await registered("on-docker.ts", { ...config, target }), up);
}

/** The same of resources that are registered already. */
export function toCompose(format: "compose" | "stack", resources: readonly Registered[], up: string): Compose {
  const of = (kind: string) => resources.filter(({ type }) => type.split(":").at(-1) === kind);
  const drafts =
    format === "compose" ? oneForReplicas(containerDrafts(of("Container"))) : of("Service").map(swarmDraft(resources));
  const mounted = drafts.flatMap((draft) => draft.mounted);
  const images = builds(of("Image"), up);
  const services = drafts.map(({ name, service, mounted: files }) => {
    const image = images.get(service["image"] as string);
    const build = format === "compose" && image !== undefined ? { build: image.build } : {};
    const waits = format === "compose" ? waitsFor({ name, service, mounted: files }, drafts) : {};
    return [name, { ...service, image: image?.tag ?? service["image"], ...build, ...waits, ...entries(files) }];
  });
  const used = JSON.stringify(services);
  const named = (kind: string) => of(kind).filter(({ name }) => used.includes(JSON.stringify(name)));
  return {
    document: escaped({
      // What docker's own command wants to see first.
      ...(format === "stack" && { version: "3.8" }),
      services: Object.fromEntries(services) as Record<string, Service>,
      networks: Object.fromEntries(of("Network").map(({ name, inputs }) => [name, { driver: inputs["driver"] }])),
      ...section("volumes", Object.fromEntries(named("Volume").map(({ name }) => [name, {}]))),
      ...section("configs", topLevel(format, mounted, false)),
      ...section("secrets", topLevel(format, mounted, true)),
    }),
    files: new Map(mounted.map((file) => [pathOf(file), { text: file.text, isSecret: file.isSecret }])),
  };
}

function containerDrafts(containers: readonly Registered[]): Draft[] {
  const all = containers.map(({ name, inputs }) => ({
    ...opened<docker.ContainerArgs>(inputs),
    name,
    hasSecrets: pulumi.runtime.isRpcSecret(inputs["uploads"]),
  }));
  // A container that never starts is how a Docker host gets files into a volume: here, those who mount it get them.
  const [started, parked] = [all.filter(({ start }) => start !== false), all.filter(({ start }) => start === false)];
  const parkedFiles = parked.flatMap((container) => filesOf(container.name, container, false));
  const filled = new Set(parked.flatMap(({ volumes = [] }) => volumes.map(({ volumeName }) => volumeName)));
  return started.map((container) => {
    const mounts = (container.volumes ?? []).filter(({ volumeName }) => filled.has(volumeName));
    const extra = parkedFiles.filter(({ entry }) =>
      mounts.some(({ containerPath }) => posix.dirname(String(entry["target"])) === containerPath),
    );
    const volumes = (container.volumes ?? []).filter((item) => !mounts.includes(item));
    return {
      name: container.name,
      service: containerService({ ...container, volumes }),
      mounted: [...filesOf(container.name, container, container.hasSecrets), ...extra],
    };
  });
}

/** Containers that differ in nothing but their number are one service with replicas. */
function oneForReplicas(drafts: readonly Draft[]): Draft[] {
  const bare = ({ name }: Draft) => name.replace(/-\d+$/, "");
  const groups = Map.groupBy(drafts, bare);
  return [...groups].map(([name, replicas]) => {
    const [{ service, mounted, name: first }] = replicas as [Draft];
    const renamed = mounted.map((file) => ({ ...file, key: file.key.replace(first, name) }));
    const entriesOf = renamed.map((file) => ({ ...file, entry: { ...file.entry, source: file.key } }));
    return { name, service: { ...service, deploy: { replicas: replicas.length } }, mounted: entriesOf };
  });
}

const swarmDraft =
  (resources: readonly Registered[]) =>
  ({ name, inputs }: Registered): Draft =>
    swarmService(name, opened<docker.ServiceArgs>(inputs), (key, isSecret) => {
      const kind = isSecret ? "secret:Secret" : "serviceConfig:ServiceConfig";
      const found = resources.find((resource) => resource.type.endsWith(`/${kind}`) && resource.name === key)!;
      const { data } = opened<{ data: string }>(found.inputs);
      return fileText(Buffer.from(data, "base64").toString(), isSecret);
    });

/** Who names another service in a variable or a file waits until that one is healthy. */
function waitsFor({ name, service, mounted }: Draft, drafts: readonly Draft[]): Service {
  const text = JSON.stringify([service["environment"], mounted.map((file) => file.text)]);
  const named = drafts.filter((other) => {
    const networks = other.service["networks"] as Record<string, { aliases?: string[] }>;
    const aliases = Object.values(networks).flatMap(({ aliases: known = [] }) => known);
    return other.name !== name && aliases.some((alias) => text.includes(alias));
  });
  if (named.length === 0) return {};
  return { depends_on: Object.fromEntries(named.map((other) => [other.name, { condition: "service_healthy" }])) };
}

/** What images are built from, and their tags, by the references that stand for them. */
function builds(images: readonly Registered[], up: string): Map<string, { tag: string; build: Service }> {
  const found = images.map(({ inputs }) => {
    const { tags, context, buildArgs } = opened<{
      tags: [string];
      context: { location: string };
      buildArgs?: Record<string, string>;
    }>(inputs);
    const build = { context: posix.join(up, context.location), ...(buildArgs && { args: buildArgs }) };
    const [tag] = tags;
    return [`${tag.replace(/:[^:/]*$/, "")}@sha256:${unknownHex}`, { tag, build }] as const;
  });
  return new Map(found);
}

function entries(files: readonly Mounted[]): Service {
  const entriesOf = (isSecret: boolean) => files.filter((file) => file.isSecret === isSecret).map(({ entry }) => entry);
  return { ...section("configs", entriesOf(false)), ...section("secrets", entriesOf(true)) };
}

function topLevel(format: "compose" | "stack", files: readonly Mounted[], isSecret: boolean): Service {
  const declared = files
    .filter((file) => file.isSecret === isSecret)
    .map((file) => {
      // A Swarm's configs cannot change: another text is another config, and that rolls the tasks.
      const hash = createHash("sha256").update(file.text).digest("hex").slice(0, 8);
      const name = format === "stack" && !isSecret ? { name: `${file.key}-${hash}` } : {};
      return [file.key, { file: `./${pathOf(file)}`, ...name }];
    });
  return Object.fromEntries(declared);
}

const pathOf = ({ key, isSecret }: Mounted): string => `${isSecret ? "secrets" : "configs"}/${key}`;

/** A list or a map under its key; nothing if it is empty. */
const section = (key: string, items: readonly unknown[] | Service): Service =>
  Object.keys(items).length === 0 ? {} : { [key]: items };

/** Inputs without the envelopes of secrets. */
function opened<Args>(inputs: unknown): pulumi.Unwrap<Args> {
  const open = (value: unknown): unknown => {
    if (pulumi.runtime.isRpcSecret(value)) return open(pulumi.runtime.unwrapRpcSecret(value));
    if (Array.isArray(value)) return value.map(open);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, open(item)]));
  };
  return open(inputs) as pulumi.Unwrap<Args>;
}

/** With each `$` doubled, which stands for a variable otherwise. */
function escaped<T>(value: T): T {
  return JSON.parse(
    JSON.stringify(value, (_, item: unknown) => (typeof item === "string" ? item.replaceAll("$", "$$$$") : item)),
  ) as T;
}
