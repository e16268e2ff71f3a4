import { scrapeAnnotations } from "./components/index.ts";
import type {
  CdnArgs,
  ContainerImageArgs,
  DnsOptions,
  MonitoringArgs,
  Release,
  WebServiceArgs,
} from "./components/index.ts";
import { hasName } from "./config-dns.ts";
import type { Config } from "./config.ts";

const containerPort = 3000;

/** An empty text stands for a value that is not given. */
export const given = (text: string): string | undefined => (text === "" ? undefined : text);

/** What the app's image is built from. */
export function imageArgs({ image, platforms, repository, revision, source, version }: Config): ContainerImageArgs {
  const labels = { ...(revision !== "" && { REVISION: revision }), ...(source !== "" && { SOURCE: source }) };
  return {
    repository,
    tags: [version, ...(revision === "" ? [] : [revision])],
    buildArgs: { VERSION: version, ...labels },
    platforms,
    prebuilt: given(image),
  };
}

/** What the store's image is built from. */
export function storeImageArgs({ repository }: Config): ContainerImageArgs {
  return { repository: `${repository}-store`, tags: ["8.1"], context: "./store" };
}

/** How the store is kept. */
export function storeArgs({ storePasswordVersion, storeProtected }: Config) {
  return { passwordVersion: storePasswordVersion, isProtected: storeProtected };
}

/** What the app is, but for what comes from other resources. */
export function serviceArgs(config: Config): Omit<WebServiceArgs, "image" | "namespace"> {
  const { assetStore, loadBalancerSourceRanges, maxReplicas, port, previous, regions, replicas, serviceType } = config;
  return {
    replicas,
    regions,
    ports: [{ name: "http", containerPort, port }],
    service: { type: serviceType, loadBalancerSourceRanges },
    ...hostArgs(config),
    release: releaseOf(config),
    // A page gets its own assets, whichever release is asked for them.
    assetStore: assetStore ? { folder: "/app/dist", previous } : undefined,
    autoscaling: maxReplicas > 0 ? { maxReplicas } : undefined,
    podAnnotations: scrapeAnnotations(containerPort),
  };
}

/** A host name, if one is wanted: from a Gateway, which shares requests out exactly, or from the ingress controller. */
function hostArgs({ gateway, host, tls }: Config): Pick<WebServiceArgs, "ingress" | "route"> {
  if (gateway !== "") {
    const [namespace, name = ""] = gateway.split("/");
    return { route: { host, gateway: { name, namespace: namespace! }, isTls: tls } };
  }
  return host === "" ? {} : { ingress: { host, ...(tls && { tlsSecretName: "hello-tls" }) } };
}

/** How a new version takes the place of the old one. Before a blue/green release gets the traffic, its preview has to answer. */
function releaseOf(config: Config): Release {
  const { maxSurge, maxUnavailable, minReadySeconds, previous, promote, scaleDownDelaySeconds, weight } = config;
  const active = given(config.active);
  const standby = previous.slice(0, config.keepPrevious);
  const smokeTest = { expect: [{ path: "/", body: '"hello":"world"' }, { path: "/readyz" }] };
  const releases = {
    rolling: { kind: "rolling", maxSurge, maxUnavailable, minReadySeconds },
    blueGreen: {
      kind: "blueGreen",
      minReadySeconds,
      smokeTest,
      previous: standby,
      promote,
      active,
      scaleDownDelaySeconds,
    },
    canary: { kind: "canary", minReadySeconds, stable: previous[0], weight },
  } as const;
  return releases[config.release];
}

/** Where the CDN is and what it keeps. */
export function cdnArgs(config: Config): Omit<CdnArgs, "origin" | "namespace"> {
  const { cdnCacheSize: cacheSize, cdnReplicas: replicas } = config;
  return {
    image: given(config.cdnImage),
    regions: config.regions.map((name) => ({ name, replicas, cacheSize })),
    shield: given(config.cdnShield),
    hosts: config.cdnHosts,
    // A page never outlives its release; what is named after its content does.
    release: { path: "/version", header: "X-Version", keep: ["/assets/"] },
    port: config.cdnPort,
    tlsSecretName: given(config.cdnTlsSecret),
    dns: dnsArgs(config),
  };
}

/** How clients find the CDN by one name. Only the CDN's own name servers take an image. */
function dnsArgs({ cdnDns: settings, cdnDnsImage }: Config): DnsOptions | undefined {
  if (!hasName(settings)) return undefined;
  return settings.policy === "nearest" ? { ...settings, image: given(cdnDnsImage) } : settings;
}

/** What Prometheus and Grafana are told of, undefined if nothing. */
export function monitoringArgs({ cdn, monitoring }: Config): MonitoringArgs | undefined {
  return monitoring === "off" ? undefined : { service: "hello", cdn: cdn ? "meridian" : undefined, scrape: monitoring };
}
