import type * as pulumi from "@pulumi/pulumi";
import type { types } from "@pulumi/kubernetes";

import { containerEnv, containerEnvFrom } from "./environment.ts";
import { containerProbes } from "./probe.ts";
import { resourcesWithDefaults } from "./resources.ts";
import type { Resources } from "./resources.ts";
import { podVolume, volumeMount } from "./volume.ts";
import type { WebServiceSettings } from "./web-service-args.ts";

/** What a replica is made of, every default filled in. */
export type PodOptions = WebServiceSettings & {
  /** The account that the replica runs under. */
  readonly serviceAccountName: pulumi.Input<string>;
  /** What has to be done before the first replica starts. */
  readonly startsAfter?: readonly pulumi.Resource[];
  /** What has to be done before the first replica gets a request; under blue/green it may start before that. */
  readonly trafficAfter?: readonly pulumi.Resource[];
};

/** The node label that names a node's region. */
export const regionLabel = "topology.kubernetes.io/region";

/** The replica's specification, without the labels that its release gives it. `selector` is common to all replicas. */
export function podSpec(options: PodOptions, selector: Readonly<Record<string, string>>): types.input.core.v1.PodSpec {
  const { ports, regions, volumes } = options;
  return {
    ...restrictedPod(options.runAsUser),
    serviceAccountName: options.serviceAccountName,
    automountServiceAccountToken: options.serviceAccountToken,
    imagePullSecrets: options.imagePullSecrets.map((name) => ({ name })),
    terminationGracePeriodSeconds: options.terminationGracePeriodSeconds,
    affinity: regions.length > 0 ? regionAffinity(regions) : undefined,
    topologySpreadConstraints: spread(regions, selector),
    volumes: volumes.map(podVolume),
    containers: [
      {
        ...restrictedContainer,
        name: "app",
        image: options.image,
        imagePullPolicy: "IfNotPresent",
        command: options.command && [...options.command],
        args: options.args && [...options.args],
        ports: ports.map(({ name, containerPort }) => ({ name, containerPort })),
        env: containerEnv({ containerPort: ports[0]!.containerPort, drainSeconds: options.drainSeconds }, options.env),
        envFrom: containerEnvFrom(options.envFrom),
        resources: kubernetesResources(options.resources),
        ...containerProbes(options.probes, ports),
        // Endpoints spread through the cluster a moment after the pod is told to stop: until then it goes on as if nothing
        // had happened.
        lifecycle: options.preStopSeconds > 0 ? { preStop: { sleep: { seconds: options.preStopSeconds } } } : undefined,
        volumeMounts: volumes.map(volumeMount),
      },
    ],
  };
}

/**
 * What Pod Security's level "restricted" asks of a pod, and no token of the API server's.
 *
 * @see https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
 */
export function restrictedPod(
  runAsUser: number,
): Pick<types.input.core.v1.PodSpec, "securityContext" | "automountServiceAccountToken"> {
  return {
    automountServiceAccountToken: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser,
      runAsGroup: runAsUser,
      fsGroup: runAsUser,
      seccompProfile: { type: "RuntimeDefault" },
    },
  };
}

/** What Pod Security's level "restricted" asks of a container, and a root file system that nobody can write to. */
export const restrictedContainer = {
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  },
} as const satisfies Pick<types.input.core.v1.Container, "securityContext">;

/** Requests and limits in the form that the pod wants. */
export function kubernetesResources(resources: Resources): types.input.core.v1.ResourceRequirements {
  const { requests, limits } = resourcesWithDefaults(resources);
  return { requests: { ...requests }, limits: { ...limits } };
}

function regionAffinity(regions: readonly string[]): types.input.core.v1.Affinity {
  const inRegions = { matchExpressions: [{ key: regionLabel, operator: "In", values: [...regions] }] };
  return {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [inRegions] } },
  };
}

/**
 * As many replicas in each region, then on each node. Named regions are a must, so that each of them has its replica;
 * otherwise nodes need not even have the label. Nodes that take no pods, such as those of a region that is down, do not
 * count, so that the other regions take over. Each version is counted by itself, or the old replicas would
 * decide where the new ones go.
 */
function spread(
  regions: readonly string[],
  selector: Readonly<Record<string, string>>,
): types.input.core.v1.TopologySpreadConstraint[] {
  const constraint = (topologyKey: string, isMust: boolean) => ({
    topologyKey,
    maxSkew: 1,
    whenUnsatisfiable: isMust ? "DoNotSchedule" : "ScheduleAnyway",
    nodeTaintsPolicy: "Honor",
    labelSelector: { matchLabels: { ...selector } },
    matchLabelKeys: ["pod-template-hash"],
  });
  return [constraint(regionLabel, regions.length > 0), constraint("kubernetes.io/hostname", false)];
}
