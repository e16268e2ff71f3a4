import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

import { checkLabelValue, checkName, checkUnique, refuse, show } from "./check.ts";
import { CdnDns } from "./cdn-dns.ts";
import type { NameServer } from "./cdn-dns.ts";
import { checkDns, externalDnsAnnotations } from "./dns/options.ts";
import type { DnsOptions } from "./dns/options.ts";
import { EdgeLocation } from "./edge-location.ts";
import { checkEdge, checkOrigin, edgeSettings } from "./edge/settings.ts";
import type { EdgeOptions } from "./edge/settings.ts";
import type { Bytes } from "./resources.ts";

/** A region of a `Cdn`. */
export interface CdnRegion {
  /** Its name: by default that of the nodes' label `topology.kubernetes.io/region`. 1 to 20 lower-case letters, digits and `-`. */
  readonly name: string;
  /**
   * Number of edges in the region, 1 to 100.
   *
   * @default 2
   */
  readonly replicas?: number;
  /**
   * Size of each edge's cache on its node's disk, at least `16Mi`.
   *
   * @default "256Mi"
   */
  readonly cacheSize?: Bytes;
  /**
   * Labels of the nodes that hold the region's edges.
   *
   * @default - the region's label; any node of a cluster of its own
   */
  readonly nodeLabels?: Readonly<Record<string, string>>;
  /**
   * The cluster of the region, if it is one of its own. The namespace has to be there, and the origin has to be reachable
   * from it.
   *
   * @default - the same cluster as the CDN's
   */
  readonly provider?: k8s.Provider;
}

/** What a `Cdn` is made of. */
export interface CdnArgs extends EdgeOptions {
  /** Where pages come from: a URL without a path, such as `WebService.clusterUrl`. */
  readonly origin: pulumi.Input<string>;
  /** The regions, one at least. They decide which resources there are. */
  readonly regions: readonly CdnRegion[];
  /**
   * The region through which all others fetch, so that the origin is asked once for all of them. When it does not answer, they
   * ask the origin. Only regions of the same cluster take part.
   *
   * @default - each region fetches from the origin itself
   */
  readonly shield?: string | undefined;
  /**
   * How clients find the nearest healthy region by one name.
   *
   * @default - each region has an address of its own, and no name
   */
  readonly dns?: DnsOptions | undefined;
  /**
   * The token that opens purge and status, at least 20 characters.
   *
   * @default - one made up at random
   */
  readonly token?: pulumi.Input<string> | undefined;
}

/** What is known of one region of a `Cdn`. */
export interface CdnLocation {
  readonly name: string;
  readonly url: string;
  /** Number of edges behind the URL. */
  readonly replicas: number;
  /** Whether the others fetch through it. */
  readonly isShield: boolean;
}

/**
 * An edge cache in each of several regions, in front of one origin. A change goes through one region after the other, and
 * stops at the first one whose edges do not get ready.
 *
 * @example
 * const cdn = new Cdn("meridian", { origin: app.clusterUrl, regions: [{ name: "eu" }, { name: "us" }] });
 * export const locations = cdn.locations;
 *
 * @see https://www.rfc-editor.org/rfc/rfc9111
 */
export class Cdn extends pulumi.ComponentResource {
  /** The regions with the address of each. */
  readonly locations: pulumi.Output<CdnLocation[]>;
  /** The token that opens purge and status, a secret. */
  readonly token: pulumi.Output<string>;
  /** Where the name of `dns` is to be delegated to, with its policy "nearest". */
  readonly nameServers: pulumi.Output<NameServer[]>;

  constructor(name: string, args: CdnArgs, opts?: pulumi.ComponentResourceOptions) {
    // The arguments stay out of the state, since the token is among them.
    super("meridian:index:Cdn", name, {}, opts);
    refuse(checkCdn(name, args), this);

    this.token = pulumi.secret(
      args.token ?? new random.RandomPassword(`${name}-token`, { length: 40, special: false }, { parent: this }).result,
    );
    const { shield, regions, dns } = args;
    // The shield first, since the others need it.
    const ordered = regions.toSorted((a, b) => Number(b.name === shield) - Number(a.name === shield));
    const edges = new Map<string, EdgeLocation>();
    let previous: EdgeLocation | undefined;
    for (const { provider, name: region, replicas, cacheSize, nodeLabels } of ordered) {
      const shieldUrl = provider === undefined && shield !== undefined ? edges.get(shield)?.shieldUrl : undefined;
      previous = new EdgeLocation(
        `${name}-${region}`,
        {
          ...args,
          cdn: name,
          region,
          shield: shieldUrl,
          isShield: region === shield && regions.length > 1,
          token: this.token,
          service: {
            ...args.service,
            annotations: { ...externalDnsAnnotations(dns, region), ...args.service?.annotations },
          },
          replicas,
          cacheSize,
          nodeLabels: nodeLabels ?? (provider === undefined ? undefined : {}),
        },
        { parent: this, ...(provider && { provider }), dependsOn: previous === undefined ? [] : [previous] },
      );
      edges.set(region, previous);
    }

    this.locations = pulumi.all(
      regions.map((region) => ({
        name: region.name,
        url: edges.get(region.name)!.url,
        replicas: edgeSettings({}, region).replicas,
        isShield: region.name === shield,
      })),
    );
    this.nameServers =
      dns?.policy === "nearest"
        ? new CdnDns(
            `${name}-dns`,
            {
              dns,
              namespace: args.namespace,
              edgeImage: args.image,
              locations: regions.map((region) => ({ name: region.name, url: edges.get(region.name)!.url })),
              regions: regions.filter(({ provider }) => provider === undefined),
            },
            { parent: this },
          ).nameServers
        : pulumi.output([]);
    this.registerOutputs({ locations: this.locations, token: this.token, nameServers: this.nameServers });
  }
}

/** One sentence for each thing that is wrong with the arguments. */
export function checkCdn(name: string, args: CdnArgs): string[] {
  const { regions, shield, token, origin } = args;
  const names = regions.map((region) => region.name);
  const local = regions.filter(({ provider }) => provider === undefined).map((region) => region.name);
  const ownHosts = [
    ...(args.hosts ?? []),
    ...(args.dns === undefined ? [] : [args.dns.hostname]),
    ...(typeof args.namespace === "string" ? names.flatMap(serviceNames(name, args.namespace)) : []),
  ];
  const shieldRegion = regions.find((region) => region.name === shield);
  const perRegion = regions.flatMap((region, index) => [
    ...checkLabelValue(`regions[${index}].name`, region.name),
    ...checkName(`name and regions[${index}].name together`, `${name}-${region.name}`),
    ...checkEdge(edgeSettings(args, region), `regions[${index}].`),
  ]);
  return [
    ...checkName("name", name),
    ...(regions.length > 0 ? [] : ["regions must hold at least one region, got []"]),
    ...checkUnique("names of regions", names),
    // What is wrong with all of them alike is said once.
    ...new Set(perRegion),
    ...(shield === undefined || shieldRegion !== undefined
      ? []
      : [`shield must be one of the regions ${names.map(show).join(", ")}, got ${show(shield)}`]),
    ...(shieldRegion?.provider === undefined
      ? []
      : [`shield must be a region of the CDN's own cluster, got ${show(shield)}, which has a provider of its own`]),
    ...(args.dns === undefined ? [] : checkDns(args.dns, names, local)),
    ...(typeof origin === "string" ? checkOrigin("origin", origin, ownHosts) : []),
    ...(typeof token === "string" && !/^[\x21-\x7e]{20,}$/.test(token)
      ? ["token must be at least 20 characters without spaces, got fewer or others"]
      : []),
  ];
}

/** What the cluster's DNS calls the edges of a region: an origin of that name would be asked by itself. */
function serviceNames(cdn: string, namespace: string): (region: string) => string[] {
  const domains = ["", `.${namespace}`, `.${namespace}.svc`, `.${namespace}.svc.cluster.local`];
  return (region) => domains.map((domain) => `${cdn}-${region}${domain}`);
}
