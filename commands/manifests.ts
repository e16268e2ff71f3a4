import { existsSync, readFileSync } from "node:fs";

import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";

/** A Kubernetes object. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

type Bag = Readonly<Record<string, unknown>>;

/** Stands for every value that is not known before an update: the digest of an image that is not built, an identity. */
export const unknownHex = "0".repeat(64);
/** Stands for every value that is secret. */
export const concealed = "[secret]";

/** What stands for the outputs that only a provider knows, by the resource's type. */
const outputs: Readonly<Record<string, Bag>> = {
  "docker-build:index:Image": { digest: `sha256:${unknownHex}` },
  "random:index/randomId:RandomId": { hex: unknownHex.slice(0, 8) },
  "random:index/randomPassword:RandomPassword": { result: concealed },
};

/** A resource that a program has registered, as its provider would get it. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Bag;
}

/**
 * What a run of one of the programs registers, in its order, without engine, provider and cluster.
 *
 * @param program the file, such as `index.ts`
 * @param config the stack's configuration, as texts, and JSON for what is no text
 */
export async function registered(program: string, config: Readonly<Record<string, string>>): Promise<Registered[]> {
  const found: Registered[] = [];
  await pulumi.runtime.setMocks(
    {
      call: () => ({}),
      newResource: ({ type, name, inputs }) => {
        const state = withName(type, name, inputs);
        found.push({ type, name, inputs: state });
        // Docker's resources refer to each other by identity as well as by name.
        return { id: type.startsWith("docker:") ? name : `${name}-id`, state: { ...state, ...outputs[type] } };
      },
    },
    "meridian",
    "render",
    false,
  );
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(config).map(([key, text]) => [`meridian:${key}`, text])),
  );
  // Each run is another module, so that each has its own resources.
  await import(`../${program}?render=${performance.now()}`);
  await pulumi.runtime.disconnect();
  return found;
}

/** The Kubernetes objects of index.ts: names that Pulumi would make unique are left as they are, secrets are concealed. */
export async function manifests(config: Readonly<Record<string, string>>): Promise<Manifest[]> {
  const found = await registered("index.ts", config);
  return found
    .filter(({ type, inputs }) => type.startsWith("kubernetes:") && "kind" in inputs)
    .map(({ inputs }) => conceal(inputs, false) as Manifest);
}

/** The configuration of a stack, `changed` on top of the stack's file on top of the defaults in Pulumi.yaml. */
export function stackConfig(stack: string, changed: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { config: declared } = read("Pulumi.yaml") as { config: Record<string, { default: unknown }> };
  const defaults = Object.entries(declared).map(([key, { default: value }]) => [key, value] as const);
  const file = `Pulumi.${stack}.yaml`;
  if (!existsSync(new URL(`../${file}`, import.meta.url))) {
    throw new Error(`there is no stack ${JSON.stringify(stack)}: its file ${file} is missing.`);
  }
  const { config: own } = read(file) as { config?: Bag };
  const given = Object.entries(own ?? {}).map(([key, value]) => [key.replace(/^meridian:/, ""), value] as const);
  const texts = [...defaults, ...given].map(([key, value]) => [key, asText(value)] as const);
  return { ...Object.fromEntries(texts), ...changed };
}

function read(file: string): unknown {
  return parse(readFileSync(new URL(`../${file}`, import.meta.url), "utf8"));
}

function asText(value: unknown): string {
  if (typeof value === "object" && value !== null && "secure" in value) {
    return concealed;
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

function withName(type: string, name: string, inputs: Bag): Bag {
  if (type.startsWith("kubernetes:")) return { ...inputs, metadata: { name, ...(inputs["metadata"] as Bag) } };
  return type.startsWith("docker:") ? { name, ...inputs } : inputs;
}

/** `value` without the envelopes of secrets, and with nothing in them. */
function conceal(value: unknown, isSecret: boolean): unknown {
  if (pulumi.runtime.isRpcSecret(value)) {
    return conceal(pulumi.runtime.unwrapRpcSecret(value), true);
  }
  if (Array.isArray(value)) {
    return value.map((item) => conceal(item, isSecret));
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, conceal(item, isSecret)]));
  }
  return isSecret ? concealed : value;
}
