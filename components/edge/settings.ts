import type * as pulumi from "@pulumi/pulumi";

import { checkInteger, checkPattern, checkUnique, show } from "../check.ts";
import { checkQuantity, checkResources, parseQuantity, resourcesWithDefaults } from "../resources.ts";
import type { Bytes, Quantities, Resources } from "../resources.ts";
import { checkService } from "../service.ts";
import type { ServiceOptions } from "../service.ts";

/** How edges serve and keep what the origin answers; the same for all regions of a `Cdn`. */
export interface EdgeOptions {
  /**
   * The namespace of everything that the edges are made of.
   *
   * @default - the provider's namespace
   */
  readonly namespace?: pulumi.Input<string> | undefined;
  /**
   * An nginx with njs >= 0.8 in `/usr/lib/nginx/modules` that runs without root and stops gracefully when the container is
   * told to stop: the official unprivileged image, or one like it. Best by digest.
   *
   * @default - the official image `nginxinc/nginx-unprivileged`, by digest
   */
  readonly image?: pulumi.Input<string> | undefined;
  /**
   * The host names that are served: any other is answered with 421. The origin finds the client's in X-Forwarded-Host.
   *
   * @default [] - any name, all of them as the same site: the origin is not told which
   */
  readonly hosts?: readonly string[] | undefined;
  /**
   * Where each region's Service listens.
   *
   * @default 80, or 443 with `tlsSecretName`
   */
  readonly port?: number | undefined;
  /**
   * The Secret of type `kubernetes.io/tls`, in the edges' namespace, with the certificate of `hosts`. HTTP/2 comes with it.
   *
   * @default - plain HTTP
   */
  readonly tlsSecretName?: pulumi.Input<string> | undefined;
  /**
   * How each region's Service takes requests. The client's address, by which `limits` count, is only known to the edges with
   * `externalTrafficPolicy: "Local"`.
   *
   * @default { type: "LoadBalancer" }
   */
  readonly service?: ServiceOptions | undefined;
  /**
   * Seconds for which answers with an error (404, 410 and other 4xx) are kept at most, 0 to 3600. Those above 499 never are.
   *
   * @default 5
   */
  readonly negativeSeconds?: number | undefined;
  /**
   * Seconds after which something is dropped that nobody has asked for, 60 to 31536000.
   *
   * @default 86400
   */
  readonly keepSeconds?: number | undefined;
  /**
   * Bounds of what the origin allows by `stale-while-revalidate` and `stale-if-error`, in seconds.
   *
   * @default { maxWhileRevalidateSeconds: 86400, maxIfErrorSeconds: 86400 }
   */
  readonly stale?: Partial<StaleBounds> | undefined;
  /**
   * How the edges notice a release of the origin, so that pages of the one before are not shown any more.
   *
   * @default - they do not: pages change when their time is over, or by a purge
   */
  readonly release?: ReleaseWatch | undefined;
  /**
   * Seconds after which an origin that does not accept a connection counts as gone, 1 to 60.
   *
   * @default 2
   */
  readonly connectTimeoutSeconds?: number | undefined;
  /**
   * Seconds of silence after which an origin that has accepted a request counts as gone, 1 to 3600.
   *
   * @default 30
   */
  readonly answerTimeoutSeconds?: number | undefined;
  /**
   * Paths of large objects, which are fetched and kept in slices, so that a range of one does not need all of it. The origin
   * has to answer range requests there.
   *
   * @default { prefixes: [], sliceSize: "1Mi" }
   */
  readonly largeObjects?: Partial<LargeObjects> | undefined;
  /**
   * What one client, by its address, may do in each edge before it is answered with 429.
   *
   * @default {} - no limits
   */
  readonly limits?: ClientLimits | undefined;
  /**
   * Size of the largest request body that is let in.
   *
   * @default "1Mi"
   */
  readonly maxBodySize?: Bytes | undefined;
  /**
   * Seconds in which a region's edges have to be ready after a change, 10 to 3600: else the update ends there, and the
   * regions after it stay as they are.
   *
   * @default 180
   */
  readonly rolloutTimeoutSeconds?: number | undefined;
  /**
   * The cluster's DNS server, asked for the addresses of an origin outside of the cluster.
   *
   * @default "kube-dns.kube-system.svc.cluster.local"
   */
  readonly resolver?: string | undefined;
  /**
   * CPU, memory and disk of each edge, the cache not counted.
   *
   * @default - requests of 50m CPU and 64Mi memory, limits of 1 CPU and 256Mi memory
   */
  readonly resources?: Resources | undefined;
}

/** How long something stale may be shown at most, whatever the origin says; in seconds, 0 for never. */
export interface StaleBounds {
  readonly maxWhileRevalidateSeconds: number;
  readonly maxIfErrorSeconds: number;
}

/** Where the origin says which release it is: each edge asks once a second. */
export interface ReleaseWatch {
  /** A path that answers quickly, such as `/version`. */
  readonly path: string;
  /** The header that names the release, there and in the answers that belong to one. */
  readonly header: string;
  /**
   * Beginnings of paths that are the same in every release, such as those of files named after their content.
   *
   * @default []
   */
  readonly keep?: readonly string[];
}

/** What is fetched and kept in slices. */
export interface LargeObjects {
  /** Beginnings of paths, such as `/downloads/`. */
  readonly prefixes: readonly string[];
  readonly sliceSize: Bytes;
}

/** What one client may do. */
export interface ClientLimits {
  /** Requests in a second, on average, 1 to 100000. */
  readonly requestsPerSecond?: number;
  /** Requests above that at once, as many as in a second by default. */
  readonly burst?: number;
  /** Connections at once, 1 to 100000; under HTTP/2 requests at once. */
  readonly connections?: number;
}

/** The options with every default filled in, and those of one region. */
export interface EdgeSettings {
  readonly hosts: readonly string[];
  readonly port: number;
  readonly tlsSecretName: pulumi.Input<string> | undefined;
  readonly service: ServiceOptions;
  readonly negativeSeconds: number;
  readonly keepSeconds: number;
  readonly stale: StaleBounds;
  readonly release: ReleaseWatch | undefined;
  readonly connectTimeoutSeconds: number;
  readonly answerTimeoutSeconds: number;
  readonly largeObjects: LargeObjects;
  readonly limits: ClientLimits;
  readonly maxBodySize: Bytes;
  readonly rolloutTimeoutSeconds: number;
  readonly resolver: string;
  readonly resources: { readonly requests: Required<Quantities>; readonly limits: Required<Quantities> };
  readonly replicas: number;
  readonly cacheSize: Bytes;
}

/** The official unprivileged nginx 1.29 with njs. */
export const defaultEdgeImage =
  "nginxinc/nginx-unprivileged:1.29-alpine@sha256:0c79d56aee561a1d81c63f00eee5fb5fe29279560cdc55e91425133104c7fbe6";

/** Fills in every default. */
export function edgeSettings(
  options: EdgeOptions,
  {
    replicas = 2,
    cacheSize = "256Mi",
  }: { readonly replicas?: number | undefined; readonly cacheSize?: Bytes | undefined },
): EdgeSettings {
  const { requests, limits } = options.resources ?? {};
  return {
    hosts: options.hosts ?? [],
    port: options.port ?? (options.tlsSecretName === undefined ? 80 : 443),
    tlsSecretName: options.tlsSecretName,
    service: options.service ?? {},
    negativeSeconds: options.negativeSeconds ?? 5,
    keepSeconds: options.keepSeconds ?? 86400,
    stale: { maxWhileRevalidateSeconds: 86400, maxIfErrorSeconds: 86400, ...options.stale },
    release: options.release,
    connectTimeoutSeconds: options.connectTimeoutSeconds ?? 2,
    answerTimeoutSeconds: options.answerTimeoutSeconds ?? 30,
    largeObjects: { prefixes: [], sliceSize: "1Mi", ...options.largeObjects },
    limits: options.limits ?? {},
    maxBodySize: options.maxBodySize ?? "1Mi",
    // Long enough for any image; a region without nodes is found out by this.
    rolloutTimeoutSeconds: options.rolloutTimeoutSeconds ?? 180,
    resolver: options.resolver ?? "kube-dns.kube-system.svc.cluster.local",
    resources: resourcesWithDefaults({
      requests: { memory: "64Mi", ...requests },
      limits: { memory: "256Mi", ...limits },
    }),
    replicas,
    cacheSize,
  };
}

/** One sentence for each thing that is wrong with the settings; `region` says whose replicas and cache size they are. */
export function checkEdge(settings: EdgeSettings, region = ""): string[] {
  const { hosts, limits, stale, largeObjects, release } = settings;
  const count = (property: string, value: number | undefined) =>
    value === undefined ? [] : checkInteger(property, value, 1, 100_000);
  return [
    ...checkInteger(`${region}replicas`, settings.replicas, 1, 100),
    ...checkCacheSize(`${region}cacheSize`, settings.cacheSize),
    ...hosts.flatMap((host, index) => checkHost(`hosts[${index}]`, host)),
    ...checkUnique("hosts", hosts),
    ...checkInteger("port", settings.port, 1, 65535),
    ...checkService(settings.service),
    ...checkInteger("negativeSeconds", settings.negativeSeconds, 0, 3600),
    ...checkInteger("keepSeconds", settings.keepSeconds, 60, 31_536_000),
    ...checkInteger("stale.maxWhileRevalidateSeconds", stale.maxWhileRevalidateSeconds, 0, 31_536_000),
    ...checkInteger("stale.maxIfErrorSeconds", stale.maxIfErrorSeconds, 0, 31_536_000),
    ...checkInteger("connectTimeoutSeconds", settings.connectTimeoutSeconds, 1, 60),
    ...checkInteger("answerTimeoutSeconds", settings.answerTimeoutSeconds, 1, 3600),
    ...largeObjects.prefixes.flatMap((prefix, index) => checkPath(`largeObjects.prefixes[${index}]`, prefix)),
    ...(release === undefined ? [] : checkRelease(release)),
    ...checkUnique("largeObjects.prefixes", largeObjects.prefixes),
    ...checkQuantity("largeObjects.sliceSize", largeObjects.sliceSize, "memory"),
    ...count("limits.requestsPerSecond", limits.requestsPerSecond),
    ...count("limits.burst", limits.burst),
    ...count("limits.connections", limits.connections),
    ...(limits.burst !== undefined && limits.requestsPerSecond === undefined
      ? ["limits.burst must be left out without limits.requestsPerSecond"]
      : []),
    ...checkQuantity("maxBodySize", settings.maxBodySize, "memory"),
    ...checkInteger("rolloutTimeoutSeconds", settings.rolloutTimeoutSeconds, 10, 3600),
    ...checkPattern("resolver", settings.resolver, /^[\w.:[\]-]+$/, "the name or address of a DNS server"),
    ...checkResources(settings.resources),
  ];
}

function checkRelease({ path, header, keep = [] }: ReleaseWatch): string[] {
  return [
    ...checkPath("release.path", path),
    ...checkPattern("release.header", header, /^[A-Za-z][A-Za-z0-9-]*$/, `the name of a header such as "X-Version"`),
    ...keep.flatMap((prefix, index) => checkPath(`release.keep[${index}]`, prefix)),
  ];
}

function checkPath(property: string, value: unknown): string[] {
  return checkPattern(property, value, /^\/[\w./~-]*$/, `a path such as "/downloads/"`);
}

/** A sentence on why `value` is no size of a cache; none if it is one. */
export function checkCacheSize(property: string, value: unknown): string[] {
  if (typeof value !== "string") return [`${property} must be a size such as "256Mi", got ${show(value)}`];
  const malformed = checkQuantity(property, value, "memory");
  if (malformed.length > 0) return malformed;
  return parseQuantity(value)! >= 2 ** 24 ? [] : [`${property} must be at least "16Mi", got ${show(value)}`];
}

/** A sentence on why `value` is no host name; none if it is one. */
export function checkHost(property: string, value: unknown): string[] {
  const pattern = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/;
  return checkPattern(property, value, pattern, `a host name in lower case such as "www.example.com"`);
}

/** A sentence on why `value` is no URL that an edge can fetch from; none if it is one. */
export function checkOrigin(property: string, value: string, hosts: readonly string[]): string[] {
  const url = URL.parse(value);
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.username !== "") {
    return [
      `${property} must be a URL such as "http://hello.shop.svc:8888" or "https://www.example.com", got ${show(value)}`,
    ];
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    return [`${property} must be a URL without a path, got ${show(value)}`];
  }
  return hosts.includes(url.hostname)
    ? [`${property} must not lead back to the CDN, got ${show(value)}, which is one of its hosts`]
    : [];
}
