import type * as pulumi from "@pulumi/pulumi";
import type { types } from "@pulumi/kubernetes";

import { checkUnique, show } from "./check.ts";

/** All keys of a ConfigMap or Secret of the service's namespace as environment variables. */
export type EnvSource =
  | { readonly kind: "configMap"; readonly name: pulumi.Input<string> }
  | { readonly kind: "secret"; readonly name: pulumi.Input<string> };

/** What the platform tells every replica. */
export interface PlatformFacts {
  /** Where it must listen: PORT. */
  readonly containerPort: number;
  /** How long it must go on serving after SIGTERM: DRAIN_SECONDS. */
  readonly drainSeconds: number;
}

const reserved = ["PORT", "DRAIN_SECONDS", "POD_NAME", "REGION", "ASSET_STORE_URL"];

/** The variables that the platform sets, then those of `env`. */
export function containerEnv(
  facts: PlatformFacts,
  env: Readonly<Record<string, pulumi.Input<string>>>,
): types.input.core.v1.EnvVar[] {
  const fromPod = (fieldPath: string) => ({ fieldRef: { fieldPath } });
  return [
    { name: "PORT", value: String(facts.containerPort) },
    { name: "DRAIN_SECONDS", value: String(facts.drainSeconds) },
    { name: "POD_NAME", valueFrom: fromPod("metadata.name") },
    // The API server copies this label from the node to the pod (Kubernetes >= 1.35); without it REGION is empty.
    { name: "REGION", valueFrom: fromPod("metadata.labels['topology.kubernetes.io/region']") },
    ...Object.entries(env).map(([name, value]) => ({ name, value })),
  ];
}

/** The ConfigMaps and Secrets in Kubernetes' form. */
export function containerEnvFrom(sources: readonly EnvSource[]): types.input.core.v1.EnvFromSource[] {
  return sources.map(({ kind, name }) => (kind === "configMap" ? { configMapRef: { name } } : { secretRef: { name } }));
}

/** Sentences on malformed names, on those that the platform sets itself, and on those that come twice. */
export function checkEnv(
  env: Readonly<Record<string, unknown>>,
  secretEnv: Readonly<Record<string, unknown>>,
): string[] {
  const names = [...Object.keys(env), ...Object.keys(secretEnv)];
  return [
    ...names
      .filter((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      .map(
        (name) =>
          `names in env and secretEnv must be letters, digits and "_", not beginning with a digit, got ${show(name)}`,
      ),
    ...names
      .filter((name) => reserved.includes(name))
      .map((name) => `env and secretEnv must leave ${reserved.join(", ")} to the component, got ${show(name)}`),
    ...checkUnique("names in env and secretEnv", names),
  ];
}
