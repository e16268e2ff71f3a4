import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { parseEnv } from "node:util";

import { LineCounter, parseDocument, visit } from "yaml";
import type { ScalarTag, Tags } from "yaml";

import type { Bag } from "../check.ts";
import { interpolate } from "./interpolate.ts";
import type { Variables } from "./interpolate.ts";
import { notCarriedOver } from "./keys.ts";
import type { ComposeService, Project, Target } from "./model.ts";
import { Reader } from "./read.ts";
import { readService } from "./service.ts";

/** Reads a file beside the Compose file, by its path from there; undefined if there is none. */
export type ReadFile = (path: string) => string | undefined;

/** What a Compose file holds, right only if there are no problems, and a sentence for each thing that is wrong with it. */
export interface Parsed {
  readonly project: Project;
  readonly problems: readonly string[];
}

/**
 * Reads a Compose file. Variables come from `variables`, and from a file `.env` beside it.
 *
 * @param variables such as the environment
 */
export function readComposeFile(file: string, variables: Variables, target: Target): Parsed {
  const folder = dirname(file);
  const read: ReadFile = (path) => {
    const full = resolve(folder, path);
    return existsSync(full) ? readFileSync(full, "utf8") : undefined;
  };
  const text = read(basename(file));
  if (text === undefined) {
    return { project: empty, problems: [`there is no Compose file ${file}; file must be the path of one`] };
  }
  const all = { ...parseEnv(read(".env") ?? ""), ...variables };
  return parseCompose(text, basename(file), { folder, variables: all, read, target });
}

const empty: Project = { services: [], networks: {}, volumes: [] };

export interface Surroundings {
  /** The Compose file's folder, from the program's. */
  readonly folder: string;
  readonly variables: Variables;
  readonly read: ReadFile;
  readonly target: Target;
}

/** Modes of files are written as in YAML 1.1, and as Compose reads them: 0440 is octal. */
const octal: ScalarTag = {
  tag: "tag:yaml.org,2002:int",
  default: true,
  test: /^0[0-7]+$/,
  resolve: (text) => Number.parseInt(text, 8),
};
const customTags = (tags: Tags): Tags => [octal, ...tags];

/** Reads the text of a Compose file. */
export function parseCompose(text: string, name: string, around: Surroundings): Parsed {
  const lines = new LineCounter();
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true, customTags });
  const syntax = document.errors.map(({ message, pos }) => `${at(pos[0])}: ${message}`);
  if (syntax.length > 0) return { project: empty, problems: syntax };

  const unset: string[] = [];
  visit(document, {
    Scalar(key, node) {
      if (key === "key" || typeof node.value !== "string") return;
      const start = node.range?.[0] ?? 0;
      node.value = interpolate(node.value, around.variables, (sentence) => unset.push(`${at(start)}: ${sentence}`));
    },
  });
  if (unset.length > 0) return { project: empty, problems: unset };

  const reader = new Reader();
  const content = reader.map(document.toJS(), name);
  const project = readProject(content, reader, around);
  return { project, problems: [...reader.problems, ...notCarriedOver(content, around.target)] };
}

function readProject(content: Bag, reader: Reader, around: Surroundings): Project {
  const networks = Object.entries(reader.map(content["networks"], "networks")).map(([key, network]) => {
    return [key, reader.text(reader.map(network, `networks.${key}`)["driver"], `networks.${key}.driver`)] as const;
  });
  const found = Object.entries(reader.map(content["services"], "services"));
  if (found.length === 0) reader.problems.push("services must hold at least one service");
  const services = found.map(([key, value]) => readService(key, value, content, reader, around));
  const names = new Set(services.map((service) => service.name));
  const known = { ...Object.fromEntries(networks), default: undefined };
  for (const { name, dependsOn, networks: used } of services) {
    const missing = dependsOn.filter((dependency) => !names.has(dependency.name));
    reader.problems.push(
      ...missing.map((dependency) => `services.${name}.depends_on names ${dependency.name}, which is no service`),
      ...Object.keys(used)
        .filter((network) => !Object.hasOwn(known, network))
        .map((network) => `services.${name}.networks names ${network}, which is not in networks`),
    );
  }
  const awaited = new Set(
    services.flatMap(({ dependsOn }) => dependsOn.filter(({ isHealthy }) => isHealthy).map(({ name }) => name)),
  );
  const { ordered, cycle } = inOrder(services);
  if (cycle) reader.problems.push(`depends_on must not lead back to where it began, got ${cycle.join(" → ")}`);
  const used = new Set(ordered.flatMap((service) => Object.keys(service.networks)));
  return {
    services: ordered.map((service) => ({ ...service, isAwaited: awaited.has(service.name) })),
    networks: Object.fromEntries(Object.entries(known).filter(([name]) => used.has(name))),
    volumes: Object.keys(reader.map(content["volumes"], "volumes")),
  };
}

/** Services after those that they depend on; or the names along a cycle, the first of them at its end again. */
export function inOrder(services: readonly ComposeService[]): { ordered: ComposeService[]; cycle?: string[] } {
  const ordered = new Set<ComposeService>();
  const byName = new Map(services.map((service) => [service.name, service]));
  const visitService = (service: ComposeService, path: readonly string[]): string[] | undefined => {
    if (ordered.has(service)) return undefined;
    const begun = path.indexOf(service.name);
    if (begun >= 0) return [...path.slice(begun), service.name];
    for (const { name } of service.dependsOn) {
      const dependency = byName.get(name);
      const cycle = dependency && visitService(dependency, [...path, service.name]);
      if (cycle) return cycle;
    }
    ordered.add(service);
    return undefined;
  };
  for (const service of services) {
    const cycle = visitService(service, []);
    if (cycle) return { ordered: [...services], cycle };
  }
  return { ordered: [...ordered] };
}
