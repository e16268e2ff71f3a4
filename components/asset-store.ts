import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { checkInteger, checkLabelValue, checkPattern, checkUnique } from "./check.ts";
import { podSpec } from "./pod-spec.ts";
import type { PodOptions } from "./pod-spec.ts";
import type { PreviousRelease } from "./release.ts";
import { awaitAnnotations, serviceSpec, serviceUrl } from "./service.ts";

/**
 * Skew protection: pods that have the assets of the new release and of earlier ones, before any replica of the new release
 * gets a request. A replica that is asked for an asset which it has not gets it from there, at the URL in its environment
 * variable ASSET_STORE_URL, so that a page gets its own assets whichever replica is asked, also in a tab that was opened
 * before the last release. Assets must be named after their content.
 *
 * The pods run the service's image, which has to serve the folders named by ASSET_FOLDERS (absolute paths with a colon
 * between two of them) besides its own. The folders are image volumes, which Kubernetes has from 1.35 on.
 *
 * @see https://kubernetes.io/docs/concepts/storage/volumes/#image
 */
export interface AssetStore {
  /** The folder of the image that holds its assets, such as `/app/dist`. */
  readonly folder: string;
  /**
   * Earlier releases whose assets stay.
   *
   * @default [] - those of the new release only: it can be rolled out, but older tabs are on their own afterwards
   */
  readonly previous?: readonly PreviousRelease[];
  /**
   * Number of pods, 1 to 20.
   *
   * @default 2
   */
  readonly replicas?: number;
  /**
   * The program that serves the folders.
   *
   * @default - the image's
   */
  readonly command?: readonly string[];
}

/** What the replicas have to know of the store, and what has to be there before they get requests. */
export interface RunningAssetStore {
  readonly url: pulumi.Output<string>;
  readonly deployment: k8s.apps.v1.Deployment;
}

/** The name of the store's resources, and of its pods in `app.kubernetes.io/name`. */
export const assetStoreName = (name: string): string => `${name}-assets`;

/** The store of the service `name`, whose replicas are made of `pod`. */
export function assetStore(
  name: string,
  { folder, previous = [], replicas = 2, command }: AssetStore,
  pod: PodOptions,
  parent: pulumi.Resource,
): RunningAssetStore {
  const { namespace, ports } = pod;
  const storeName = assetStoreName(name);
  const selector = { "app.kubernetes.io/name": storeName };
  const metadata = { namespace, labels: { ...selector, "app.kubernetes.io/managed-by": "pulumi" } };
  const folders = previous.map(({ version }) => `/releases/${version}`);
  // None of the service's own environment: who serves files needs no password, and no token.
  const env = { ASSET_FOLDERS: folders.join(":") };
  const spec = podSpec(
    { ...pod, env, envFrom: [], volumes: [], command: command ?? pod.command, serviceAccountToken: false },
    selector,
  );
  const [container] = spec.containers as k8s.types.input.core.v1.Container[];
  const volumeName = (index: number) => `release-${index}`;
  const deployment = new k8s.apps.v1.Deployment(
    storeName,
    {
      metadata,
      spec: {
        replicas,
        selector: { matchLabels: selector },
        // All at once: the release waits for it.
        strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "100%", maxUnavailable: 0 } },
        progressDeadlineSeconds: pod.release.progressDeadlineSeconds ?? 120,
        revisionHistoryLimit: 1,
        template: {
          metadata: { labels: metadata.labels },
          spec: {
            ...spec,
            containers: [
              {
                ...container!,
                volumeMounts: folders.map((mountPath, index) => ({
                  name: volumeName(index),
                  mountPath,
                  subPath: folder.slice(1),
                })),
              },
            ],
            volumes: previous.map(({ image }, index) => ({
              name: volumeName(index),
              image: { reference: image, pullPolicy: "IfNotPresent" },
            })),
          },
        },
      },
    },
    { parent },
  );
  const service = new k8s.core.v1.Service(
    storeName,
    {
      metadata: { ...metadata, annotations: awaitAnnotations("ClusterIP") },
      spec: serviceSpec({ type: "ClusterIP" }, [ports[0]!], selector),
    },
    { parent },
  );
  new k8s.networking.v1.NetworkPolicy(
    storeName,
    {
      metadata,
      // The replicas ask it, and it asks nobody.
      spec: {
        podSelector: { matchLabels: selector },
        policyTypes: ["Ingress", "Egress"],
        ingress: [
          {
            from: [{ podSelector: { matchLabels: { "app.kubernetes.io/name": name } } }],
            ports: [{ port: ports[0]!.name, protocol: "TCP" }],
          },
        ],
      },
    },
    { parent },
  );
  return { url: serviceUrl(service, ports[0]!.port!), deployment };
}

/** Sentences on a store that nothing could be read from. */
export function checkAssetStore({ folder, previous = [], replicas = 2, command }: AssetStore): string[] {
  const path = /^(\/(?!\.\.?(\/|$))[A-Za-z0-9._-]+)+$/;
  const versions = previous.map(({ version }) => version);
  return [
    ...checkPattern(
      "assetStore.folder",
      folder,
      path,
      'an absolute path without a "/" at its end, such as "/app/dist"',
    ),
    ...checkInteger("assetStore.replicas", replicas, 1, 20),
    ...versions.flatMap((version, index) => checkLabelValue(`assetStore.previous[${index}].version`, version)),
    ...checkUnique("assetStore.previous[…].version", versions),
    ...(command?.length === 0 ? ["assetStore.command must name a program, got []"] : []),
  ];
}
