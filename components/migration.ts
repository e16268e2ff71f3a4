import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { checkInteger } from "./check.ts";
import { containerEnv, containerEnvFrom } from "./environment.ts";
import { oneOffNetworkPolicy, oneOffSpec } from "./one-off.ts";
import type { PodOptions } from "./pod-spec.ts";

/**
 * A program that has to succeed before a release starts, such as the migration of a database's schema. It runs with the
 * replicas' environment, while those of the release before still serve: what it changes has to suit both. It is tried up to
 * three times, so it has to bear being run again.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/job/
 */
export interface Migration {
  /** The program and its arguments; it succeeds by exit code 0. */
  readonly command: readonly string[];
  /**
   * The image that holds the program.
   *
   * @default - the image of the service
   */
  readonly image?: pulumi.Input<string>;
  /**
   * Seconds that it may take in all.
   *
   * @default 300
   */
  readonly timeoutSeconds?: number;
}

/** The Job of a migration. Another image, command or environment is another Job, which runs anew. */
export function migrationJob(
  name: string,
  { command, image, timeoutSeconds = 300 }: Migration,
  pod: PodOptions,
  parent: pulumi.Resource,
): k8s.batch.v1.Job {
  const { namespace, ports, drainSeconds, env, envFrom } = pod;
  // Not the replicas' name, or the Service would send requests to the migration.
  const labels = { "app.kubernetes.io/name": `${name}-migration`, "app.kubernetes.io/managed-by": "pulumi" };
  const metadata = { namespace, labels };
  const program = {
    name: "migration",
    image: image ?? pod.image,
    command,
    env: containerEnv({ containerPort: ports[0]!.containerPort, drainSeconds }, env),
    envFrom: containerEnvFrom(envFrom),
    timeoutSeconds,
  };
  new k8s.networking.v1.NetworkPolicy(`${name}-migration`, { metadata, spec: oneOffNetworkPolicy(labels) }, { parent });
  const spec = oneOffSpec(program, pod, labels);
  return new k8s.batch.v1.Job(`${name}-migration`, { metadata, spec }, { parent });
}

/** Sentences on migrations that cannot run. */
export function checkMigration({ command, timeoutSeconds = 300 }: Migration): string[] {
  return [
    ...(command.length > 0 ? [] : ["migration.command must name a program, got []"]),
    ...checkInteger("migration.timeoutSeconds", timeoutSeconds, 1, 86_400),
  ];
}
