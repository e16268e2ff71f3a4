/** Where the kit keeps things, and the addresses that it uses. Everything outside of these is the user's. */
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the checkout. */
export const repository = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

const cacheHome = process.env["XDG_CACHE_HOME"];

/** The kit's own folder: `$XDG_CACHE_HOME/meridian`, by default `~/.cache/meridian`. */
export const cache = join(
  cacheHome !== undefined && cacheHome !== "" ? cacheHome : join(homedir(), ".cache"),
  "meridian",
);

/** Binaries built from `local/tools`. */
export const toolsDirectory = join(cache, "tools");
/** Storage of the image registry and of the builder. */
export const imagesDirectory = join(cache, "images");
/** State of the cluster: certificates, etcd, containers, logs. */
export const clusterDirectory = join(cache, "cluster");
/** `PULUMI_HOME` of the kit: stand-in plugins, stacks, passphrase. */
export const pulumiHome = join(cache, "pulumi");
/** State of the stacks that were deployed to the local cluster. */
export const stacksDirectory = join(pulumiHome, "state");
/** Kubeconfig of the local cluster's administrator. */
export const kubeconfig = join(clusterDirectory, "kubeconfig");

/**
 * Addresses of the local world, in a range that home routers and container engines seldom use.
 * Regions get `bridge.prefix`.11, .12, … and the pods of region n `podPrefix`.n.0/24.
 */
export const network = {
  bridge: "meridian0",
  host: "10.213.0.1",
  loadBalancer: "10.213.0.2",
  docker: "10.213.0.3",
  region: (index: number): string => `10.213.0.${10 + index}`,
  prefixLength: 24,
  podRange: "10.214.0.0/16",
  podRangeOf: (index: number): string => `10.214.${index}.0/24`,
  serviceRange: "10.215.0.0/16",
  /** The first address of the range is the API server's. */
  apiService: "10.215.0.1",
  dnsService: "10.215.0.10",
  /** Addresses for Services of type LoadBalancer. */
  loadBalancerRange: "10.213.1.0/24",
  loadBalancerAddress: (index: number): string => `10.213.1.${index}`,
} as const;

/** Ports on the host; other machines cannot reach them. */
export const ports = {
  apiserver: 16443,
  etcd: 16379,
  etcdPeer: 16380,
  controllerManager: 16257,
  scheduler: 16259,
  kwok: 16247,
  metricsServer: 16248,
  registry: 5001,
} as const;

/** The registry as image references name it: the address that kind's documentation uses as well. */
export const registry = `localhost:${ports.registry}`;
