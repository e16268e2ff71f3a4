/**
 * Leads the host's `localhost:PORT` to the ports that containers of the kit's Docker engine publish. A port that the
 * cluster's load balancer uses as well stays the cluster's. Runs until it is ended.
 */
import Docker from "dockerode";
import { dockerHost, localhostTable } from "./docker.ts";
import { run } from "./exec.ts";
import { network } from "./paths.ts";

interface Published {
  readonly Type: string;
  readonly PublicPort?: number;
}

/** The TCP ports that containers publish, each once, in order. */
export function publishedPorts(containers: readonly { readonly Ports: readonly Published[] }[]): number[] {
  const ports = containers.flatMap(({ Ports }) =>
    Ports.flatMap(({ Type, PublicPort }) => (Type === "tcp" && PublicPort !== undefined ? [PublicPort] : [])),
  );
  return [...new Set(ports)].sort((a, b) => a - b);
}

/** The host's table for these ports, after the cluster's own (network.ts), whose ports win. */
export function localhostRules(ports: readonly number[]): string {
  const elements = ports.map((port) => `${port} : ${network.docker} . ${port}`).join(", ");
  return `table ip ${localhostTable} { }
delete table ip ${localhostTable}
table ip ${localhostTable} {
  map localhost {
    type inet_service : ipv4_addr . inet_service
    ${elements === "" ? "" : `elements = { ${elements} }`}
  }
  chain output {
    type nat hook output priority -99;
    ip daddr 127.0.0.1 dnat ip to tcp dport map @localhost
  }
}
`;
}

if (import.meta.main) {
  const docker = new Docker({ socketPath: dockerHost.replace("unix://", "") });
  let shown: string | undefined;
  const show = async (): Promise<void> => {
    const ports = publishedPorts(await docker.listContainers());
    if (ports.join() === shown) return;
    await run("nft", ["-f", "-"], { input: localhostRules(ports) });
    shown = ports.join();
    console.log(`localhost: ${shown}`);
  };
  const events = await docker.getEvents({ filters: { type: ["container"], event: ["start", "die", "destroy"] } });
  await show();
  let work = Promise.resolve();
  events.on("data", () => {
    work = work.then(show).catch((error: unknown) => console.log(`failed: ${(error as Error).message}`));
  });
  events.on("end", () => process.exit(1));
}
