/** Clients in regions: they have an address of the region's, ask the CDN's name servers, and go where those send them. */
import { Resolver } from "node:dns/promises";
import { setTimeout as pause } from "node:timers/promises";

import { dnsPorts } from "../../components/dns/server-config.ts";
import { run } from "../../local/exec.ts";
import { network } from "../../local/paths.ts";
import { ask } from "./cdn-site.ts";

/** What became of a client's requests. */
export interface Journey {
  readonly region: string;
  readonly answered: number;
  readonly failures: readonly { readonly at: number; readonly reason: string }[];
  /** Each address that it was sent to, in order, with the time of the first answer from there. */
  readonly visits: readonly { readonly at: number; readonly address: string }[];
}

/** The address of the clients of a region: it is the host's, so that they are there when the region is not. */
export const clientAddress = (index: number): string => `10.213.0.${101 + index}`;

export async function addClientAddresses(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const address = `${clientAddress(index)}/${network.prefixLength}`;
    await run("ip", ["address", "replace", address, "dev", network.bridge]);
  }
}

export async function removeClientAddresses(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const address = `${clientAddress(index)}/${network.prefixLength}`;
    await run("ip", ["address", "delete", address, "dev", network.bridge]);
  }
}

/** Where the name servers of each region listen: the host asks their pods, since it has no way to a Service of the cluster. */
export async function nameServers(namespace: string): Promise<Map<string, string>> {
  const path = "jsonpath={range .items[*]}{.spec.nodeName}={.status.podIP} {end}";
  const label = "app.kubernetes.io/part-of=meridian-dns";
  const text = await run("kubectl", ["-n", namespace, "get", "pods", "-l", label, "-o", path]);
  const pairs = text
    .trim()
    .split(" ")
    .map((pair) => pair.split("=") as [string, string]);
  return new Map(pairs.map(([region, address]) => [region, `${address}:${dnsPorts.dns}`]));
}

export class DnsClient {
  readonly region: string;
  readonly #address: string;
  readonly #resolver = new Resolver({ timeout: 300, tries: 3 });

  constructor(region: string, address: string, servers: readonly string[]) {
    this.region = region;
    this.#address = address;
    this.#resolver.setServers(servers);
    this.#resolver.setLocalAddress(address);
  }

  /** The addresses that the name servers give, with their time to live. */
  resolve(hostname: string): Promise<{ address: string; ttl: number }[]> {
    return this.#resolver.resolve4(hostname, { ttl: true });
  }

  /** A request every 50 ms, where the name leads, until `isOver`. Answers of name servers are kept as long as they say. */
  async travel(hostname: string, port: number, path: string, isOver: () => boolean): Promise<Journey> {
    const failures: { at: number; reason: string }[] = [];
    const visits: { at: number; address: string }[] = [];
    let answered = 0;
    let known: { address: string; until: number } | undefined;
    const send = async (): Promise<void> => {
      if (known === undefined || performance.now() > known.until) {
        const [first] = await this.resolve(hostname);
        known = { address: first!.address, until: performance.now() + first!.ttl * 1000 };
      }
      const { address } = known;
      const options = { localAddress: this.#address, timeoutMilliseconds: 1000 };
      const { status } = await ask(`http://${address}:${port}${path}`, options);
      if (status !== 200) throw new Error(`HTTP ${status}`);
      answered++;
      if (visits.at(-1)?.address !== address) visits.push({ at: performance.now(), address });
    };
    while (!isOver()) {
      await send().catch((error: unknown) =>
        failures.push({ at: performance.now(), reason: (error as Error).message }),
      );
      await pause(50);
    }
    return { region: this.region, answered, failures, visits };
  }
}
