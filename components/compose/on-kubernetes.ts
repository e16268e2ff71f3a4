import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { Parts } from "../compose-app.ts";
import type { ComposeService, MountedFile } from "./model.ts";
import { podSpec } from "./pod.ts";

/** A name that Kubernetes takes. */
export const slug = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");

/** The services as Deployments, which find each other by name, with a volume claim for each volume. */
export function onKubernetes(name: string, { parent, project, args, imageOf }: Parts): void {
  const { namespace, volumeSize = "1Gi" } = args;
  const claims = new Map(
    project.volumes.map((key) => [
      key,
      new k8s.core.v1.PersistentVolumeClaim(
        `${name}-${slug(key)}`,
        {
          // A class may wait with the volume for the first pod that wants it.
          metadata: { namespace, annotations: { "pulumi.com/skipAwait": "true" } },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: volumeSize } } },
        },
        { parent },
      ),
    ]),
  );
  for (const key of Object.keys(project.networks)) networkPolicy(`${name}-${slug(key)}`, key, namespace, parent);

  const made = new Map<string, k8s.apps.v1.Deployment>();
  for (const service of project.services) {
    const child = `${name}-${service.name}`;
    const labels = { "app.kubernetes.io/part-of": name, "app.kubernetes.io/name": service.name };
    const files = filesOf(child, service.files, namespace, parent);
    const { replicas, update } = service.deploy;
    const isPersistent = service.mounts.some(({ type, source }) => type === "volume" && source !== undefined);
    const deployment = new k8s.apps.v1.Deployment(
      child,
      {
        metadata: { namespace, labels },
        spec: {
          replicas,
          // One node has a volume at a time.
          strategy: isPersistent ? { type: "Recreate" } : { type: "RollingUpdate", rollingUpdate: rolling(update) },
          selector: { matchLabels: labels },
          template: {
            metadata: {
              labels: {
                ...labels,
                ...Object.fromEntries(Object.keys(service.networks).map((key) => [network(key), "in"])),
              },
              annotations: { ...service.labels },
            },
            spec: podSpec(service, imageOf(service), claims, files),
          },
        },
      },
      { parent, dependsOn: service.dependsOn.map((dependency) => made.get(dependency.name)!) },
    );
    made.set(service.name, deployment);
    services(child, service, labels, namespace, { parent, dependsOn: service.ports.length > 0 ? [deployment] : [] });
  }
}

/** A network's label on pods. */
const network = (key: string): string => `compose.network/${slug(key)}`;

/** Who is in a network is reached by those in it, and by everyone at its published ports (see `services`). */
function networkPolicy(
  child: string,
  key: string,
  namespace: pulumi.Input<string> | undefined,
  parent: pulumi.Resource,
): void {
  const podSelector = { matchLabels: { [network(key)]: "in" } };
  const spec = { podSelector, policyTypes: ["Ingress"], ingress: [{ from: [{ podSelector }] }] };
  new k8s.networking.v1.NetworkPolicy(child, { metadata: { namespace }, spec }, { parent });
}

/** How a service is found: by its names in the namespace on any port, and from outside at its published ports. */
function services(
  child: string,
  service: ComposeService,
  labels: Readonly<Record<string, string>>,
  namespace: pulumi.Input<string> | undefined,
  opts: pulumi.CustomResourceOptions,
): void {
  for (const alias of new Set([service.name, ...Object.values(service.networks).flat()])) {
    new k8s.core.v1.Service(
      alias === service.name ? child : `${child}-${slug(alias)}`,
      {
        metadata: { name: alias, namespace, labels, annotations: { "pulumi.com/skipAwait": "true" } },
        // Without an address of its own, the name is that of the pods: all their ports are there.
        spec: { clusterIP: "None", selector: labels },
      },
      { parent: opts.parent! },
    );
  }
  if (service.ports.length === 0) return;
  const ports = service.ports.map(({ target, published = target, protocol }) => ({
    name: `${protocol}-${published}`,
    port: published,
    targetPort: target,
    protocol: protocol.toUpperCase(),
  }));
  const metadata = { name: `${service.name}-published`, namespace, labels };
  new k8s.core.v1.Service(
    `${child}-published`,
    { metadata, spec: { type: "LoadBalancer", selector: labels, ports } },
    opts,
  );
  const spec = {
    podSelector: { matchLabels: labels },
    policyTypes: ["Ingress"],
    ingress: [{ ports: ports.map(({ targetPort: port, protocol }) => ({ port, protocol })) }],
  };
  new k8s.networking.v1.NetworkPolicy(
    `${child}-published`,
    { metadata: { namespace }, spec },
    { parent: opts.parent! },
  );
}

/** As many more, or fewer, pods during an update as are replaced at a time. */
function rolling({ order = "stop-first", parallelism = 1 } = {} as NonNullable<ComposeService["deploy"]["update"]>) {
  return order === "start-first"
    ? { maxSurge: parallelism, maxUnavailable: 0 }
    : { maxSurge: 0, maxUnavailable: parallelism };
}

/** The files by their keys: the ConfigMap or Secret that holds each. */
export type Files = ReadonlyMap<MountedFile, { readonly isSecret: boolean; readonly name: pulumi.Output<string> }>;

function filesOf(
  child: string,
  files: readonly MountedFile[],
  namespace: pulumi.Input<string> | undefined,
  parent: pulumi.Resource,
): Files {
  return new Map(
    files.map((file) => {
      const metadata = { namespace };
      const data = { file: file.text };
      const holder = file.isSecret
        ? new k8s.core.v1.Secret(
            `${child}-${slug(file.key)}`,
            { metadata, stringData: data, immutable: true },
            { parent },
          )
        : new k8s.core.v1.ConfigMap(`${child}-${slug(file.key)}`, { metadata, data, immutable: true }, { parent });
      return [file, { isSecret: file.isSecret, name: holder.metadata.name }];
    }),
  );
}
