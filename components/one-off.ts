import type * as pulumi from "@pulumi/pulumi";
import type { types } from "@pulumi/kubernetes";

import { kubernetesResources, restrictedContainer, restrictedPod } from "./pod-spec.ts";
import type { PodOptions } from "./pod-spec.ts";

/** A program that runs to its end, once for each release. */
export interface OneOff {
  /** What its container is called. */
  readonly name: string;
  readonly image: pulumi.Input<string>;
  readonly command: readonly string[];
  readonly env: types.input.core.v1.EnvVar[];
  readonly envFrom?: types.input.core.v1.EnvFromSource[];
  /** Seconds for all of its three attempts together. */
  readonly timeoutSeconds: number;
}

/** The Job that runs it, beside the replicas that are made of `pod` and with the same rights. */
export function oneOffSpec(
  { name, image, command, env, envFrom, timeoutSeconds }: OneOff,
  pod: PodOptions,
  labels: Readonly<Record<string, pulumi.Input<string>>>,
): types.input.batch.v1.JobSpec {
  return {
    backoffLimit: 2,
    activeDeadlineSeconds: timeoutSeconds,
    template: {
      metadata: { labels },
      spec: {
        ...restrictedPod(pod.runAsUser),
        serviceAccountName: pod.serviceAccountName,
        imagePullSecrets: pod.imagePullSecrets.map((secret) => ({ name: secret })),
        restartPolicy: "Never",
        containers: [
          {
            ...restrictedContainer,
            name,
            image,
            imagePullPolicy: "IfNotPresent",
            command: [...command],
            env,
            ...(envFrom === undefined ? {} : { envFrom }),
            resources: kubernetesResources(pod.resources),
          },
        ],
      },
    },
  };
}

/** Such a program talks, and nobody talks to it. */
export function oneOffNetworkPolicy(
  labels: Readonly<Record<string, pulumi.Input<string>>>,
): types.input.networking.v1.NetworkPolicySpec {
  return { podSelector: { matchLabels: labels }, policyTypes: ["Ingress", "Egress"], egress: [{}] };
}
