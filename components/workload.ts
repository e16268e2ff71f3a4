import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { podSpec } from "./pod-spec.ts";
import type { PodOptions } from "./pod-spec.ts";
import { deploymentStrategy, releaseTimeoutSeconds } from "./release.ts";

/** Labels of an object or of a selector. */
export type Labels = Readonly<Record<string, pulumi.Input<string>>>;

/** What a replica is made from, without the labels that its release gives it. */
export interface PodTemplate {
  readonly metadata: { readonly labels: Labels; readonly annotations: Labels };
  readonly spec: k8s.types.input.core.v1.PodSpec;
}

/** What all replicas of a service have in common. */
export const commonSelector = (name: string) => ({ "app.kubernetes.io/name": name });

/** The label that tells the replicas of one blue/green release from those of another. */
export const releaseLabel = "app.kubernetes.io/instance";

/** The name of a version's own resources. */
export function versionedName(name: string, version: string | undefined): string {
  return version === undefined ? name : `${name}-${version.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
}

/** What all objects of a service have in common. */
export const commonLabels = (name: string) => ({ ...commonSelector(name), "app.kubernetes.io/managed-by": "pulumi" });

/** The replicas of the service `name`, of the image and version in `pod`. */
export function podTemplate(name: string, pod: PodOptions): PodTemplate {
  const version = pod.version === undefined ? {} : { "app.kubernetes.io/version": pod.version };
  return {
    metadata: { labels: { ...commonLabels(name), ...version }, annotations: pod.podAnnotations },
    spec: podSpec(pod, commonSelector(name)),
  };
}

/** A Deployment of the service `name`; `selector` tells its replicas from those of other Deployments. */
export function newDeployment(
  resourceName: string,
  name: string,
  pod: PodOptions,
  { metadata, spec }: PodTemplate,
  selector: Labels,
  opts: pulumi.CustomResourceOptions,
): k8s.apps.v1.Deployment {
  const { autoscaling, namespace, release, replicas, startsAfter = [], trafficAfter = [] } = pod;
  const annotations = {
    "pulumi.com/timeoutSeconds": `${releaseTimeoutSeconds(release, replicas)}`,
    // A Deployment that goes with its release is not waited for: its replicas drain by themselves, as in a rolling release.
    ...(release.kind === "rolling" ? {} : { "pulumi.com/deletionPropagationPolicy": "background" }),
  };
  return new k8s.apps.v1.Deployment(
    resourceName,
    {
      metadata: { namespace, labels: commonLabels(name), annotations },
      spec: {
        ...deploymentStrategy(release),
        // With autoscaling the number is not ours: another `up` must not set it back.
        replicas: autoscaling === undefined ? replicas : undefined,
        selector: { matchLabels: selector },
        template: { metadata: { ...metadata, labels: { ...metadata.labels, ...selector } }, spec },
      },
    },
    // Only under blue/green do replicas get ready without getting requests.
    { ...opts, dependsOn: [...startsAfter, ...(release.kind === "blueGreen" ? [] : trafficAfter)] },
  );
}

/** One replica at a time may always go, also one that does not work: a node can be drained whatever the replicas do. */
export function newDisruptionBudget(
  name: string,
  metadata: k8s.types.input.meta.v1.ObjectMeta,
  selector: Labels,
  parent: pulumi.Resource,
): k8s.policy.v1.PodDisruptionBudget {
  const spec = { selector: { matchLabels: selector }, maxUnavailable: 1, unhealthyPodEvictionPolicy: "AlwaysAllow" };
  return new k8s.policy.v1.PodDisruptionBudget(name, { metadata, spec }, { parent });
}
