import { readFileSync } from "node:fs";

import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";

/** A resource that a program under test has registered. */
export interface Created {
  readonly type: string;
  readonly name: string;
  /** The arguments as the provider gets them. */
  readonly inputs: Record<string, unknown>;
}

/** The digest of every image that is "built". */
export const digest = `sha256:${"0".repeat(63)}1`;

const resources: Created[] = [];

/** Forgets all resources and takes the place of engine, providers and cluster; for `beforeEach`. */
export async function useMocks({ preview = false } = {}): Promise<void> {
  resources.length = 0;
  await pulumi.runtime.setMocks(
    {
      call: () => {
        throw new Error("no program of this project calls a provider's function");
      },
      newResource: ({ type, name, inputs }) => {
        resources.push({ type, name, inputs });
        return { id: `${name}-id`, state: { ...inputs, ...outputs(type, name, inputs) } };
      },
    },
    "meridian",
    "test",
    preview,
  );
}

/** Sets the stack's configuration: Pulumi.yaml's defaults, and these texts instead or on top. */
export function useConfig(texts: Readonly<Record<string, string>> = {}): void {
  const all = Object.entries({ ...defaultConfig(), ...texts });
  pulumi.runtime.setAllConfig(Object.fromEntries(all.map(([key, text]) => [`meridian:${key}`, text])));
}

/** The defaults that Pulumi.yaml declares, as the program gets them: texts, and JSON for lists. */
export function defaultConfig(): Record<string, string> {
  const entries = Object.entries(project().config);
  return Object.fromEntries(
    entries.map(([key, { default: value }]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

/** What Pulumi.yaml says about the keys of the configuration. */
export function project(): { config: Record<string, { type: string; description: string; default: unknown }> } {
  return parse(readFileSync(new URL("../Pulumi.yaml", import.meta.url), "utf8"));
}

/** All resources, once everything is registered that is going to be. */
export async function all(): Promise<Created[]> {
  await pulumi.runtime.disconnect();
  return [...resources];
}

/** All resources of a type, once everything is registered that is going to be. */
export async function created(type: string): Promise<Created[]> {
  await pulumi.runtime.disconnect();
  return resources.filter((resource) => resource.type === type);
}

/** The only resource of a type and, if several share it, of a name. */
export async function only(type: string, name?: string): Promise<Created> {
  const found = (await created(type)).filter((resource) => name === undefined || resource.name === name);
  if (found.length !== 1) {
    throw new Error(`expected one ${type}, got ${found.length}`);
  }
  return found[0]!;
}

/** The specification of the only resource of a type and, if several share it, of a name. */
export async function specOf(type: string, name?: string): Promise<Record<string, unknown>> {
  return (await only(type, name)).inputs["spec"] as Record<string, unknown>;
}

/** `type name` of each resource, in alphabetical order. */
export async function graph(): Promise<string[]> {
  await pulumi.runtime.disconnect();
  return resources.map(({ type, name }) => `${type} ${name}`).toSorted();
}

/** The value of an output. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

/** A value as a provider gets it if it is a secret. */
export function secret(value: unknown): unknown {
  return { [pulumi.runtime.specialSigKey]: pulumi.runtime.specialSecretSig, value };
}

/** The options of each child of a component, recorded by a transformation such as users write. */
export function recordOptions(): {
  readonly options: Map<string, pulumi.CustomResourceOptions>;
  readonly transformations: pulumi.ResourceTransformation[];
} {
  const options = new Map<string, pulumi.CustomResourceOptions>();
  const record: pulumi.ResourceTransformation = (args) => {
    options.set(`${args.type} ${args.name}`, args.opts);
    return undefined;
  };
  return { options, transformations: [record] };
}

/** `type::name` of what a recorded resource waits for. */
export async function dependencies(
  options: ReadonlyMap<string, pulumi.CustomResourceOptions>,
  resource: string,
): Promise<string[]> {
  const dependsOn = options.get(resource)?.dependsOn;
  const resources = [dependsOn].flat() as pulumi.Resource[];
  const urns = await Promise.all(resources.map(({ urn }) => new Promise<string>((resolve) => urn.apply(resolve))));
  return urns.map((urn) => urn.split("::").slice(2).join("::").replace(/^.*\$/, ""));
}

/** What only a provider or a cluster knows. */
function outputs(type: string, name: string, inputs: Record<string, unknown>): Record<string, unknown> {
  switch (type) {
    case "docker-build:index:Image":
      return { digest };
    case "random:index/randomPassword:RandomPassword":
      return { result: "random password" };
    case "random:index/randomId:RandomId":
      return { hex: "c0ffee00" };
    default:
      if (type.startsWith("docker:")) return { name: `${name}-1a2b3c4d`, ...inputs };
      return type.startsWith("kubernetes:") ? kubernetesOutputs(type, name, inputs) : {};
  }
}

function kubernetesOutputs(type: string, name: string, inputs: Record<string, unknown>): Record<string, unknown> {
  const metadata = inputs["metadata"] as Record<string, unknown> | undefined;
  const named = { metadata: { name: `${name}-1a2b3c4d`, namespace: "default", ...metadata } };
  const spec = inputs["spec"] as { readonly type?: string } | undefined;
  if (type !== "kubernetes:core/v1:Service") return { ...named, status: {} };
  const status = spec?.type === "LoadBalancer" ? { loadBalancer: { ingress: [{ ip: "192.0.2.10" }] } } : {};
  return { ...named, spec: { clusterIP: "10.0.0.10", ...spec }, status };
}

let runs = 0;

/** Runs index.ts, anew each time, and gives what it exports. */
export async function runProgram(): Promise<typeof import("../index.ts")> {
  runs += 1;
  return import(`../index.ts?run=${runs}`);
}
