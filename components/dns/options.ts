import { checkInteger, checkOneOf, checkPattern, show } from "../check.ts";
import { checkHost } from "../edge/settings.ts";
import { checkCidr, checkService } from "../service.ts";
import type { ServiceOptions } from "../service.ts";
import type * as pulumi from "@pulumi/pulumi";

/** How clients find the nearest healthy region by one name. */
export type DnsOptions = NearestDns | LatencyDns | GeoDns;

interface AnyDns {
  /** The name that clients ask for, such as `www.example.com`. */
  readonly hostname: string;
  /**
   * Seconds for which clients may keep an answer, 1 to 3600.
   *
   * @default 1 with policy "nearest", else 60
   */
  readonly ttlSeconds?: number | undefined;
}

/**
 * Name servers of the CDN's own, CoreDNS in some of its regions: they ask the edges of every region whether they can serve,
 * and name to each client the nearest region that can. The name has to be delegated to `Cdn.nameServers`.
 */
export interface NearestDns extends AnyDns {
  readonly policy: "nearest";
  /**
   * Round trips between regions in milliseconds, each pair once: `{ eu: { us: 90, ap: 160 }, us: { ap: 150 } }`. They decide
   * which region is the next nearest.
   */
  readonly latency: LatencyMatrix;
  /**
   * The networks of each region's clients, or of their resolvers, as CIDR blocks. Others are sent to the first region that is
   * healthy.
   */
  readonly clients: Readonly<Record<string, readonly string[]>>;
  /**
   * The regions that hold a name server, of the CDN's own cluster. The name can be found as long as one of them is there.
   *
   * @default - the first three
   */
  readonly serverRegions?: readonly string[] | undefined;
  /**
   * A CoreDNS with the plugins `view` and `file`. Best by digest.
   *
   * @default - the official image `coredns/coredns`, by digest
   */
  readonly image?: pulumi.Input<string> | undefined;
  /**
   * How each name server's Service takes requests. Clients of outside keep the address by which they are told apart only
   * with `externalTrafficPolicy: "Local"`.
   *
   * @default { type: "LoadBalancer", externalTrafficPolicy: "Local" }
   */
  readonly service?: ServiceOptions | undefined;
}

/**
 * Records that external-dns writes to Route 53: Amazon measures which region is the nearest to a client.
 *
 * @see https://kubernetes-sigs.github.io/external-dns/latest/docs/tutorials/aws/#routing-policies
 */
export interface LatencyDns extends AnyDns {
  readonly policy: "latency";
  /** Amazon's name of each region, such as `eu-central-1`. */
  readonly awsRegions: Readonly<Record<string, string>>;
  /**
   * Route 53's health check of each region: it should ask for `/.meridian/healthz`. A region that fails it is not named.
   *
   * @default {} - all regions count as healthy
   */
  readonly healthCheckIds?: Readonly<Record<string, string>> | undefined;
}

/** Records that external-dns writes to Route 53: each continent has its region. */
export interface GeoDns extends AnyDns {
  readonly policy: "geo";
  /** The continent that each region serves, and `*` for the one that serves the rest of the world. */
  readonly continents: Readonly<Record<string, Continent | "*">>;
  /**
   * Route 53's health check of each region: it should ask for `/.meridian/healthz`. A region that fails it is not named.
   *
   * @default {} - all regions count as healthy
   */
  readonly healthCheckIds?: Readonly<Record<string, string>> | undefined;
}

/** Round trips between regions, in milliseconds. */
export type LatencyMatrix = Readonly<Record<string, Readonly<Record<string, number>>>>;

const policies = ["nearest", "latency", "geo"] as const;
/** Africa, Antarctica, Asia, Europe, North America, Oceania, South America, as Route 53 calls them. */
const continents = ["AF", "AN", "AS", "EU", "NA", "OC", "SA"] as const;
/** One of Route 53's continents. */
export type Continent = (typeof continents)[number];

/** How far two regions are from each other, in milliseconds; undefined if the matrix does not say. */
function between(latency: LatencyMatrix, a: string, b: string): number | undefined {
  return latency[a]?.[b] ?? latency[b]?.[a];
}

/** All regions, the nearest first: the region itself, then the others by their round trips. */
export function nearestFirst(latency: LatencyMatrix, regions: readonly string[], from: string): string[] {
  const distance = (region: string): number => (region === from ? -1 : between(latency, from, region)!);
  return regions.toSorted((a, b) => distance(a) - distance(b));
}

/** The regions that hold a name server. */
export function serverRegions(dns: NearestDns, regions: readonly string[]): readonly string[] {
  return dns.serverRegions ?? regions.slice(0, 3);
}

/** The annotations by which external-dns makes a region's record. */
export function externalDnsAnnotations(dns: DnsOptions | undefined, region: string): Record<string, string> {
  if (dns === undefined || dns.policy === "nearest") return {};
  const place: Record<string, string> =
    dns.policy === "latency"
      ? { "aws-region": dns.awsRegions[region]! }
      : dns.continents[region] === "*"
        ? { "aws-geolocation-country-code": "*" }
        : { "aws-geolocation-continent-code": dns.continents[region]! };
  const check = dns.healthCheckIds?.[region];
  const all = {
    hostname: dns.hostname,
    ttl: `${dns.ttlSeconds ?? 60}`,
    "set-identifier": region,
    ...place,
    ...(check !== undefined && { "aws-health-check-id": check }),
  };
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [`external-dns.alpha.kubernetes.io/${name}`, value]),
  );
}

/** One sentence for each thing that is wrong with the options. */
export function checkDns(dns: DnsOptions, regions: readonly string[], local: readonly string[]): string[] {
  const wrongPolicy = checkOneOf("dns.policy", dns.policy, policies);
  if (wrongPolicy.length > 0) return wrongPolicy;
  return [
    ...checkHost("dns.hostname", dns.hostname),
    ...(dns.ttlSeconds === undefined ? [] : checkInteger("dns.ttlSeconds", dns.ttlSeconds, 1, 3600)),
    ...(dns.policy === "nearest" ? checkNearest(dns, regions, local) : checkExternal(dns, regions)),
  ];
}

function checkNearest(dns: NearestDns, regions: readonly string[], local: readonly string[]): string[] {
  const { latency, clients, service = {} } = dns;
  const servers = serverRegions(dns, local);
  const pairs = Object.entries(latency).flatMap(([from, row]) =>
    Object.entries(row).map(([to, ms]) => ({ from, to, ms })),
  );
  const named = [...Object.keys(latency), ...pairs.map(({ to }) => to)];
  return [
    ...checkKnown("dns.latency", named, regions),
    ...pairs.flatMap(({ from, to, ms }) =>
      Number.isFinite(ms) && ms > 0
        ? []
        : [`dns.latency.${from}.${to} must be a number of milliseconds above 0, got ${show(ms)}`],
    ),
    ...regions.flatMap((a, index) =>
      regions
        .slice(index + 1)
        .filter((b) => between(latency, a, b) === undefined)
        .map(
          (b) =>
            `dns.latency must say how far ${show(a)} and ${show(b)} are from each other, in milliseconds, such as { ${show(a)}: { ${show(b)}: 90 } }`,
        ),
    ),
    ...checkKnown("dns.clients", Object.keys(clients), regions),
    ...Object.entries(clients).flatMap(([region, networks]) =>
      networks.flatMap((network, index) => checkCidr(`dns.clients.${region}[${index}]`, network)),
    ),
    ...checkKnown("dns.serverRegions", servers, local),
    ...(servers.length > 0 ? [] : ["dns.serverRegions must hold at least one region of the CDN's own cluster, got []"]),
    ...checkService(service).map((problem) => `dns.${problem}`),
  ];
}

function checkExternal(dns: LatencyDns | GeoDns, regions: readonly string[]): string[] {
  const property = dns.policy === "latency" ? "awsRegions" : "continents";
  const places: Readonly<Record<string, string>> = dns.policy === "latency" ? dns.awsRegions : dns.continents;
  return [
    ...checkKnown(`dns.${property}`, Object.keys(places), regions),
    ...checkKnown("dns.healthCheckIds", Object.keys(dns.healthCheckIds ?? {}), regions),
    ...regions.flatMap((region) =>
      dns.policy === "latency"
        ? checkPattern(
            `dns.awsRegions.${region}`,
            places[region],
            /^[a-z]+(-[a-z]+)+-\d$/,
            `a region of Amazon's such as "eu-central-1"`,
          )
        : checkOneOf(`dns.continents.${region}`, places[region], [...continents, "*"]),
    ),
  ];
}

function checkKnown(property: string, names: readonly string[], regions: readonly string[]): string[] {
  const unknown = [...new Set(names.filter((name) => !regions.includes(name)))];
  return unknown.map(
    (name) => `${property} must name regions among ${regions.map(show).join(", ")}, got ${show(name)}`,
  );
}
