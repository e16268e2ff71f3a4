import { readFileSync } from "node:fs";

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { checkLabelValue, checkName, refuse, validated } from "./check.ts";
import { nginxConfig } from "./edge/nginx-config.ts";
import { edgePorts } from "./edge/nginx-options.ts";
import { edgePodSpec } from "./edge/pod.ts";
import { checkEdge, checkOrigin, defaultEdgeImage, edgeSettings } from "./edge/settings.ts";
import type { EdgeOptions } from "./edge/settings.ts";
import type { Bytes } from "./resources.ts";
import { regionLabel } from "./pod-spec.ts";
import { awaitAnnotations, serviceSpec, serviceUrl } from "./service.ts";
import { newDisruptionBudget } from "./workload.ts";

/** Where an edge is and what it is in front of. */
export interface EdgeLocationArgs extends EdgeOptions {
  /** The CDN that it is part of; with the region's name it is the edge's name in Cache-Status and CDN-Loop. */
  readonly cdn: string;
  /** The region's name. */
  readonly region: string;
  /** Where pages come from, a URL without a path. */
  readonly origin: pulumi.Input<string>;
  /**
   * The address of the edge through which this one fetches: `EdgeLocation.shieldUrl` of another region.
   *
   * @default - it fetches from the origin itself
   */
  readonly shield?: pulumi.Input<string> | undefined;
  /**
   * Whether other edges fetch through this one.
   *
   * @default false
   */
  readonly isShield?: boolean | undefined;
  /** The token that opens purge and status. */
  readonly token: pulumi.Input<string>;
  /**
   * Number of edges in the region, 1 to 100. Each has a cache of its own.
   *
   * @default 2
   */
  readonly replicas?: number | undefined;
  /**
   * Size of each edge's cache on its node's disk, at least `16Mi`.
   *
   * @default "256Mi"
   */
  readonly cacheSize?: Bytes | undefined;
  /**
   * Labels of the nodes that the edges run on.
   *
   * @default { "topology.kubernetes.io/region": region }
   */
  readonly nodeLabels?: Readonly<Record<string, string>> | undefined;
}

const script = (name: string): string => readFileSync(new URL(`edge/${name}`, import.meta.url), "utf8");
const scripts = { "edge.js": script("edge.js"), "purges.js": script("purges.js"), "rules.js": script("rules.js") };

/**
 * The edges of one region: nginx caches behind one address, in front of an origin. A changed configuration brings new edges
 * before the old ones go; they begin with an empty cache.
 */
export class EdgeLocation extends pulumi.ComponentResource {
  /** Where the region's edges answer. */
  readonly url: pulumi.Output<string>;
  /** Where other edges fetch, with `isShield`: inside the cluster. */
  readonly shieldUrl: pulumi.Output<string> | undefined;

  constructor(name: string, args: EdgeLocationArgs, opts?: pulumi.ComponentResourceOptions) {
    // The arguments stay out of the state, since the token is among them.
    super("meridian:index:EdgeLocation", name, {}, opts);
    const settings = edgeSettings(args, args);
    refuse([...checkName("name", name), ...checkLabelValue("region", args.region), ...checkEdge(settings)], this);
    const { cdn, region, isShield = false, namespace } = args;
    const parent = { parent: this };
    const origin = validated(args.origin, (value) => checkOrigin("origin", value, settings.hosts), this);

    const selector = { "app.kubernetes.io/name": name };
    const labels = { ...selector, "app.kubernetes.io/part-of": cdn, "app.kubernetes.io/managed-by": "pulumi" };
    const metadata = { namespace, labels };

    const account = new k8s.core.v1.ServiceAccount(name, { metadata, automountServiceAccountToken: false }, parent);
    const secret = new k8s.core.v1.Secret(
      name,
      { metadata, stringData: { EDGE_TOKEN: args.token }, immutable: true },
      parent,
    );
    const config = pulumi
      .all([origin, args.shield])
      .apply(([origin, shield]) => nginxConfig({ ...settings, cdn, region, origin, shield, isShield }));
    // Another configuration is another ConfigMap, and that brings new edges.
    const configMap = new k8s.core.v1.ConfigMap(
      name,
      { metadata, data: { "nginx.conf": config, ...scripts }, immutable: true },
      parent,
    );

    const deployment = new k8s.apps.v1.Deployment(
      name,
      {
        metadata: { ...metadata, annotations: { "pulumi.com/timeoutSeconds": `${settings.rolloutTimeoutSeconds}` } },
        spec: {
          replicas: settings.replicas,
          selector: { matchLabels: selector },
          strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
          revisionHistoryLimit: 2,
          template: {
            metadata: {
              labels,
              annotations: {
                "prometheus.io/scrape": "true",
                "prometheus.io/port": `${edgePorts.internal}`,
                "prometheus.io/path": "/metrics",
              },
            },
            spec: edgePodSpec(
              {
                ...settings,
                image: args.image ?? defaultEdgeImage,
                serviceAccountName: account.metadata.name,
                configMapName: configMap.metadata.name,
                secretName: secret.metadata.name,
                nodeLabels: args.nodeLabels ?? { [regionLabel]: region },
                isShield,
              },
              selector,
            ),
          },
        },
      },
      parent,
    );

    const { type = "LoadBalancer", annotations } = settings.service;
    const tls = settings.tlsSecretName !== undefined;
    const port = {
      name: tls ? "https" : "http",
      containerPort: tls ? edgePorts.https : edgePorts.http,
      port: settings.port,
    };
    const service = new k8s.core.v1.Service(
      name,
      {
        // The name is fixed, since other pods find the edges by it in the cluster's DNS.
        metadata: { ...metadata, name, annotations: { ...awaitAnnotations(type), ...annotations } },
        spec: serviceSpec(settings.service, [port], selector),
      },
      { parent: this, dependsOn: deployment },
    );
    newDisruptionBudget(name, metadata, selector, this);
    new k8s.networking.v1.NetworkPolicy(name, { metadata, spec: networkPolicySpec(cdn, selector) }, parent);

    const address = serviceUrl(service, settings.port);
    this.url = tls ? address.apply((text) => text.replace(/^http:/, "https:")) : address;
    this.shieldUrl = isShield ? this.#shieldService(name, metadata, selector) : undefined;
    this.registerOutputs({ url: this.url, shieldUrl: this.shieldUrl });
  }

  /** An address of its own for other edges: it is not the clients' to reach. */
  #shieldService(
    name: string,
    metadata: { namespace: pulumi.Input<string> | undefined; labels: Record<string, string> },
    selector: Record<string, string>,
  ): pulumi.Output<string> {
    const shieldName = `${name}-shield`;
    const service = new k8s.core.v1.Service(
      shieldName,
      {
        metadata: { ...metadata, name: shieldName, annotations: awaitAnnotations("ClusterIP") },
        spec: serviceSpec(
          { type: "ClusterIP" },
          [{ name: "shield", containerPort: edgePorts.shield, port: edgePorts.shield }],
          selector,
        ),
      },
      { parent: this },
    );
    return serviceUrl(service, edgePorts.shield);
  }
}

/** Lets clients in from everywhere, other edges of the CDN to the shield, and the cluster to the metrics. */
function networkPolicySpec(
  cdn: string,
  selector: Readonly<Record<string, string>>,
): k8s.types.input.networking.v1.NetworkPolicySpec {
  return {
    podSelector: { matchLabels: selector },
    policyTypes: ["Ingress", "Egress"],
    egress: [{}],
    ingress: [
      { ports: [edgePorts.http, edgePorts.https].map((port) => ({ port, protocol: "TCP" })) },
      {
        from: [{ podSelector: { matchLabels: { "app.kubernetes.io/part-of": cdn } } }],
        ports: [{ port: edgePorts.shield, protocol: "TCP" }],
      },
      { from: [{ namespaceSelector: {} }], ports: [{ port: edgePorts.internal, protocol: "TCP" }] },
    ],
  };
}
