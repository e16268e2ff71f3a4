/** The network between the regions: a bridge on the host, a namespace per region, routes, and the host's localhost. */
import { existsSync, writeFileSync } from "node:fs";
import { CommandError, run, succeeds, UserError } from "./exec.ts";
import { network, ports } from "./paths.ts";

const { bridge, host, prefixLength } = network;

export const loadBalancerNamespace = "meridian-lb";
export const regionNamespace = (region: string): string => `meridian-${region}`;

interface Route {
  readonly dst: string;
  readonly dev?: string;
}

/** Whether the machine already routes any of our ranges elsewhere. */
export async function refuseForeignNetworks(): Promise<void> {
  const routes = JSON.parse(await run("ip", ["-4", "-json", "route", "show"])) as Route[];
  const taken = routes.find(({ dst, dev }) => /^10\.21[345]\./.test(dst) && dev !== bridge);
  if (taken !== undefined) {
    throw new UserError(
      `the local cluster needs the networks 10.213.0.0/16 to 10.215.0.0/16, but this machine already routes ${taken.dst} to ${taken.dev}; leave that network (a VPN?) and try again.`,
    );
  }
}

export async function createBridge(): Promise<void> {
  await refuseForeignNetworks();
  if (!existsSync(`/sys/class/net/${bridge}`)) await run("ip", ["link", "add", bridge, "type", "bridge"]);
  // A bridge without an address of its own takes the lowest of its cables', and another one when that cable goes: the
  // regions that remain would then send to an address that nobody has, for some seconds.
  await run("ip", ["link", "set", bridge, "address", hardwareAddress(host)]);
  await run("ip", ["address", "replace", `${host}/${prefixLength}`, "dev", bridge]);
  await run("ip", ["link", "set", bridge, "up"]);
  // Answers to requests that localhost forwards come back over the bridge.
  writeFileSync(`/proc/sys/net/ipv4/conf/${bridge}/route_localnet`, "1");
}

/** The same one every time: others remember it for a while after a region went away. */
function hardwareAddress(address: string): string {
  const octets = address.split(".").map((octet) => Number(octet).toString(16).padStart(2, "0"));
  return `02:00:${octets.join(":")}`;
}

/** A namespace with one address on the bridge; the last number of the address names the cable. */
export async function createNamespace(namespace: string, address: string): Promise<void> {
  const number = Number(address.split(".").at(-1));
  const cable = `meridian${number}`;
  if (!existsSync(`/run/netns/${namespace}`)) await run("ip", ["netns", "add", namespace]);
  if (!existsSync(`/sys/class/net/${cable}`)) {
    const peer = ["peer", "name", "eth0", "address", hardwareAddress(address), "netns", namespace];
    await run("ip", ["link", "add", cable, "type", "veth", ...peer]);
  }
  await run("ip", ["link", "set", cable, "master", bridge, "up"]);
  await run("ip", ["-netns", namespace, "address", "replace", `${address}/${prefixLength}`, "dev", "eth0"]);
  await run("ip", ["-netns", namespace, "link", "set", "eth0", "up"]);
  await run("ip", ["-netns", namespace, "link", "set", "lo", "up"]);
  await run("ip", ["-netns", namespace, "route", "replace", "default", "via", host]);
  await run("nsenter", [`--net=/run/netns/${namespace}`, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
}

export async function deleteNamespace(namespace: string, address: string): Promise<void> {
  const cable = `meridian${address.split(".").at(-1)}`;
  if (existsSync(`/sys/class/net/${cable}`)) await run("ip", ["link", "delete", cable]);
  if (existsSync(`/run/netns/${namespace}`)) await run("ip", ["netns", "delete", namespace]);
}

/** Routes between pods: each region's range by way of the region, without passing the host. */
export async function route(
  regionCount: number,
  namespaces: readonly { name: string; index: number }[],
): Promise<void> {
  for (let index = 1; index <= regionCount; index++) {
    const to = [network.podRangeOf(index), "via", network.region(index)];
    await run("ip", ["route", "replace", ...to]);
    for (const namespace of namespaces) {
      if (namespace.index !== index) await run("ip", ["-netns", namespace.name, "route", "replace", ...to]);
    }
  }
  const balanced = [network.loadBalancerRange, "via", network.loadBalancer];
  await run("ip", ["route", "replace", ...balanced]);
  for (const { name, index } of namespaces) {
    // Before kube-proxy knows a new Service, the load balancer drops what is for it. Sent on, the connection would be
    // remembered as one that leads nowhere, and its next packets would go there, too.
    const to = index > 0 ? balanced : ["blackhole", network.loadBalancerRange];
    await run("ip", ["-netns", name, "route", "replace", ...to]);
  }
}

/** Whether a port of `localhost` leads into the cluster: then it does not lead to the Docker engine, see docker-ports.ts. */
export const leadsIntoCluster = (port: number): Promise<boolean> =>
  succeeds("nft", ["get", "element", "ip", "meridian", "localhost", `{ ${port} }`]);

/**
 * The host's own table: `localhost` ports that lead into the cluster (the map is kept by the load balancer), and no
 * access to the control plane from other machines (nor, but for the API server, from pods).
 */
export async function createLocalhost(): Promise<void> {
  const { apiserver, registry, ...inner } = ports;
  const rules = `
table ip meridian {
  map localhost { type inet_service : ipv4_addr . inet_service; }
  chain output {
    type nat hook output priority -100;
    ip daddr 127.0.0.1 dnat ip to tcp dport map @localhost
  }
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr 127.0.0.0/8 oifname "${bridge}" masquerade
  }
  chain input {
    type filter hook input priority filter;
    iifname != "lo" tcp dport { ${Object.values(inner).join(", ")} } drop
    iifname != { "lo", "${bridge}" } tcp dport { ${apiserver}, ${registry} } drop
  }
}
add element ip meridian localhost { ${ports.registry} : ${host} . ${ports.registry} }
`;
  if (await succeeds("nft", ["list", "table", "ip", "meridian"])) return;
  try {
    await run("nft", ["-f", "-"], { input: rules });
  } catch (error) {
    if (error instanceof CommandError) {
      throw new UserError(`this kernel does not take the nftables rules of the local cluster: ${error.message}`);
    }
    throw error;
  }
}

/** Removes everything that the functions above made. */
export async function deleteNetwork(): Promise<void> {
  if (await succeeds("nft", ["list", "table", "ip", "meridian"]))
    await run("nft", ["delete", "table", "ip", "meridian"]);
  // Routes over the bridge go with it.
  if (existsSync(`/sys/class/net/${bridge}`)) await run("ip", ["link", "delete", bridge]);
}
