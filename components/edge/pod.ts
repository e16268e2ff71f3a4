import type * as pulumi from "@pulumi/pulumi";
import type { types } from "@pulumi/kubernetes";

import { kubernetesResources, restrictedContainer, restrictedPod } from "../pod-spec.ts";
import { parseQuantity } from "../resources.ts";
import { edgePaths, edgePorts } from "./nginx-options.ts";
import type { EdgeSettings } from "./settings.ts";

/** What the pod of an edge is made of. */
export interface EdgePodOptions extends EdgeSettings {
  readonly image: pulumi.Input<string>;
  readonly serviceAccountName: pulumi.Input<string>;
  readonly configMapName: pulumi.Input<string>;
  readonly secretName: pulumi.Input<string>;
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly isShield: boolean;
}

/** No user of a node has this number; the official image runs as any. */
export const nginxUser = 10101;

/** An edge's pod. `selector` is common to all edges of the region. */
export function edgePodSpec(options: EdgePodOptions, selector: Record<string, string>): types.input.core.v1.PodSpec {
  const { cacheSize, isShield, nodeLabels, resources, tlsSecretName } = options;
  const labels = Object.entries(nodeLabels).map(([key, value]) => ({ key, operator: "In", values: [value] }));
  const disk = diskFor(cacheSize);
  const probe = (path: string) => ({ httpGet: { path, port: "internal" } });
  const ports = [
    { name: "http", containerPort: edgePorts.http },
    ...(tlsSecretName === undefined ? [] : [{ name: "https", containerPort: edgePorts.https }]),
    { name: "internal", containerPort: edgePorts.internal },
    ...(isShield ? [{ name: "shield", containerPort: edgePorts.shield }] : []),
  ];
  const tls = tlsSecretName === undefined ? [] : [{ name: "tls", secret: { secretName: tlsSecretName } }];
  return {
    ...restrictedPod(nginxUser),
    serviceAccountName: options.serviceAccountName,
    // 5 s in which it is taken out of the Service, 20 s for what is running.
    terminationGracePeriodSeconds: 30,
    affinity:
      labels.length === 0
        ? undefined
        : {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: labels }] },
            },
          },
    topologySpreadConstraints: [
      {
        topologyKey: "kubernetes.io/hostname",
        maxSkew: 1,
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: selector },
        matchLabelKeys: ["pod-template-hash"],
      },
    ],
    volumes: [
      { name: "config", configMap: { name: options.configMapName } },
      { name: "cache", emptyDir: { sizeLimit: `${disk}` } },
      { name: "scratch", emptyDir: { sizeLimit: "64Mi" } },
      ...tls,
    ],
    containers: [
      {
        ...restrictedContainer,
        name: "edge",
        image: options.image,
        imagePullPolicy: "IfNotPresent",
        command: ["nginx", "-e", "stderr", "-c", `${edgePaths.config}/nginx.conf`, "-g", "daemon off;"],
        ports,
        envFrom: [{ secretRef: { name: options.secretName } }],
        resources: withDisk(kubernetesResources(resources), disk),
        startupProbe: { ...probe("/healthz"), periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 60 },
        livenessProbe: { ...probe("/healthz"), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
        readinessProbe: { ...probe("/readyz"), periodSeconds: 3, timeoutSeconds: 2, failureThreshold: 3 },
        lifecycle: { preStop: { sleep: { seconds: 5 } } },
        volumeMounts: [
          { name: "config", mountPath: edgePaths.config, readOnly: true },
          { name: "cache", mountPath: edgePaths.cache },
          { name: "scratch", mountPath: edgePaths.scratch },
          ...tls.map(({ name }) => ({ name, mountPath: edgePaths.tls, readOnly: true })),
        ],
      },
    ],
  };
}

/**
 * Bytes of disk for a cache of this size: nginx clears up after the fact, and what is on its way takes space as well. The
 * kubelet would stop an edge that used more.
 */
function diskFor(cacheSize: string): number {
  const size = parseQuantity(cacheSize)!;
  return Math.ceil(size + Math.max(size / 4, 2 ** 26));
}

/** Bytes of its node's disk that an edge asks for: a node without so much is none for it. */
export function edgeDisk({ cacheSize, resources }: Pick<EdgeSettings, "cacheSize" | "resources">): number {
  return allDisk(diskFor(cacheSize), resources.requests["ephemeral-storage"]);
}

/** The cache, the scratch space, and what the container writes elsewhere. */
function allDisk(cache: number, own: string): number {
  return cache + 2 ** 26 + parseQuantity(own)!;
}

function withDisk(resources: types.input.core.v1.ResourceRequirements, disk: number) {
  const add = (quantities: Readonly<Record<string, string>>) => ({
    ...quantities,
    "ephemeral-storage": `${allDisk(disk, quantities["ephemeral-storage"]!)}`,
  });
  return {
    requests: add(resources.requests as Record<string, string>),
    limits: add(resources.limits as Record<string, string>),
  };
}
