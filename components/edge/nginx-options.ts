import type { EdgeSettings, ReleaseWatch } from "./settings.ts";

/** Where the edge listens: for clients, and inside the cluster for probes and metrics, and as a shield for other edges. */
export const edgePorts = { http: 8080, https: 8443, internal: 8081, shield: 8082 } as const;
/** Where the container sees its configuration, its scratch space and its cache. */
export const edgePaths = {
  config: "/etc/edge",
  scratch: "/tmp/edge",
  cache: "/var/cache/edge",
  tls: "/etc/edge-tls",
} as const;

/** What one edge's configuration is made of, every value known. */
export interface NginxOptions extends EdgeSettings {
  /** The CDN's name; with the region's name it names the cache in Cache-Status. */
  readonly cdn: string;
  /** The region's name. */
  readonly region: string;
  /** The origin's URL. */
  readonly origin: string;
  /** The URL of the shield through which this edge fetches; undefined if it fetches from the origin itself. */
  readonly shield: string | undefined;
  /** Whether other edges fetch through this one. */
  readonly isShield: boolean;
}

/** What the scripts have to know of releases. */
export function releaseLines(release: ReleaseWatch | undefined): string {
  return `    set $edge_release_header "${release?.header ?? ""}";
    set $edge_release_keep "${release?.keep?.join(" ") ?? ""}";`;
}
