/**
 * The cloud's part of a Service of type LoadBalancer: gives it an address and leads the host's `localhost:PORT` there.
 * The packets are carried by kube-proxy in a namespace of its own, which knows the same Services. Runs until it is ended.
 */
import { type CoreV1Api, CoreV1Api as Core, KubeConfig, makeInformer, type V1Service } from "@kubernetes/client-node";
import { setHeaderOptions } from "@kubernetes/client-node";
import { run } from "./exec.ts";
import { kubeconfig, network, ports } from "./paths.ts";

/** Services with a class of their own belong to another controller. */
export function isOurs(service: V1Service): boolean {
  const { type, loadBalancerClass } = service.spec ?? {};
  return (
    type === "LoadBalancer" && loadBalancerClass === undefined && service.metadata?.deletionTimestamp === undefined
  );
}

const addressOf = (service: V1Service): string | undefined => service.status?.loadBalancer?.ingress?.[0]?.ip;
/** Listed Services carry a Date, watched ones the API server's text. */
const created = (service: V1Service): number => new Date(service.metadata?.creationTimestamp ?? 0).getTime();

/** The address that a Service keeps or gets: the first free one of the range. */
export function chooseAddress(taken: ReadonlySet<string>, wanted?: string): string | undefined {
  const range = Array.from({ length: 254 }, (_, index) => network.loadBalancerAddress(index + 1));
  if (wanted !== undefined && range.includes(wanted) && !taken.has(wanted)) return wanted;
  return range.find((address) => !taken.has(address));
}

/** Which port of localhost leads where: two Services that want the same port leave it to the older one. */
export function localhostPorts(services: readonly V1Service[], reserved: ReadonlySet<number>): Map<number, string> {
  const result = new Map<number, string>();
  for (const service of [...services].sort((a, b) => created(a) - created(b))) {
    const address = addressOf(service);
    if (address === undefined) continue;
    for (const { port, protocol } of service.spec?.ports ?? []) {
      if ((protocol ?? "TCP") === "TCP" && !reserved.has(port) && !result.has(port)) result.set(port, address);
    }
  }
  return result;
}

const log = (message: string): void => console.log(`${new Date().toISOString()} ${message}`);

class LoadBalancer {
  readonly #services = new Map<string, V1Service>();
  readonly #api: CoreV1Api;
  #work: Promise<void> = Promise.resolve();
  #shown = "";

  constructor(api: CoreV1Api) {
    this.#api = api;
  }

  /** One change at a time, in the order of the events. */
  changed(service: V1Service, gone: boolean): void {
    const key = service.metadata?.uid ?? "";
    if (gone || !isOurs(service)) this.#services.delete(key);
    else this.#services.set(key, service);
    this.#enqueue();
  }

  #enqueue(): void {
    this.#work = this.#work
      .then(() => this.#reconcile())
      .catch((error: unknown) => {
        log(`failed, trying again: ${(error as Error).message}`);
        setTimeout(() => this.#enqueue(), 1000);
      });
  }

  async #reconcile(): Promise<void> {
    const taken = new Set([...this.#services.values()].flatMap((service) => addressOf(service) ?? []));
    for (const [key, service] of this.#services) {
      if (addressOf(service) !== undefined) continue;
      const address = chooseAddress(taken, service.spec?.loadBalancerIP);
      if (address === undefined) throw new Error(`all addresses of ${network.loadBalancerRange} are taken`);
      taken.add(address);
      const { name = "", namespace = "" } = service.metadata ?? {};
      const body = { status: { loadBalancer: { ingress: [{ ip: address, ipMode: "VIP" }] } } };
      const patched = await this.#api.patchNamespacedServiceStatus(
        { name, namespace, body },
        setHeaderOptions("Content-Type", "application/merge-patch+json"),
      );
      this.#services.set(key, patched);
      log(`${namespace}/${name} has the address ${address}`);
    }
    await this.#showLocalhost();
  }

  async #showLocalhost(): Promise<void> {
    // The host's own name server may listen on 53.
    const reserved = new Set<number>([...Object.values(ports), 53]);
    const wanted = localhostPorts([...this.#services.values()], reserved);
    const elements = [...wanted].map(([port, address]) => `${port} : ${address} . ${port}`);
    elements.push(`${ports.registry} : ${network.host} . ${ports.registry}`);
    const map = elements.sort().join(", ");
    if (map === this.#shown) return;
    // One transaction: no moment without the ports that stay.
    await run("nft", ["-f", "-"], {
      input: `flush map ip meridian localhost\nadd element ip meridian localhost { ${map} }\n`,
    });
    this.#shown = map;
    log(`localhost: ${map}`);
  }
}

if (import.meta.main) {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const api = config.makeApiClient(Core);
  const balancer = new LoadBalancer(api);
  const informer = makeInformer(config, "/api/v1/services", () => api.listServiceForAllNamespaces());
  informer.on("add", (service) => balancer.changed(service, false));
  informer.on("update", (service) => balancer.changed(service, false));
  informer.on("delete", (service) => balancer.changed(service, true));
  informer.on("error", (error: unknown) => {
    log(`watching Services failed, trying again: ${String((error as Error | undefined)?.message ?? error)}`);
    setTimeout(() => void informer.start(), 1000);
  });
  await informer.start();
  log("watching Services of type LoadBalancer");
}
