import { readFileSync } from "node:fs";

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { refuse, show } from "./check.ts";
import { checkerConfig, corefile, dnsPorts, regionsFile } from "./dns/server-config.ts";
import { serverRegions } from "./dns/options.ts";
import type { NearestDns } from "./dns/options.ts";
import { nginxUser } from "./edge/pod.ts";
import { defaultEdgeImage } from "./edge/settings.ts";
import { kubernetesResources, regionLabel, restrictedContainer, restrictedPod } from "./pod-spec.ts";
import { awaitAnnotations } from "./service.ts";

/** What the name servers of a `Cdn` are made of. */
export interface CdnDnsArgs {
  readonly dns: NearestDns;
  readonly namespace: pulumi.Input<string> | undefined;
  /** The image with nginx and njs that the edges run on: it asks them whether they can serve. */
  readonly edgeImage: pulumi.Input<string> | undefined;
  /** The CDN's regions, the nearest for everybody else first. */
  readonly locations: readonly { readonly name: string; readonly url: pulumi.Output<string> }[];
  /** The regions of this cluster, with the labels of their nodes. */
  readonly regions: readonly { readonly name: string; readonly nodeLabels?: Readonly<Record<string, string>> }[];
}

/** A name server of a CDN. */
export interface NameServer {
  readonly region: string;
  readonly address: string;
}

/** The official CoreDNS 1.14. */
const defaultImage = "coredns/coredns:1.14.2@sha256:e7e6440cfd1e919280958f5b5a6ab2b184d385bba774c12ad2a9e1e4183f90d9";
const healthScript = readFileSync(new URL("dns/health.js", import.meta.url), "utf8");

/**
 * The name servers of a CDN, one in each of several regions: each looks after all regions by itself, so that none has to
 * agree with another one about what is lost.
 */
export class CdnDns extends pulumi.ComponentResource {
  /** Where the CDN's name is to be delegated to. */
  readonly nameServers: pulumi.Output<NameServer[]>;

  constructor(name: string, args: CdnDnsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("meridian:index:CdnDns", name, {}, opts);
    const { dns, namespace, locations, regions } = args;
    const parent = { parent: this };
    const local = regions.map((region) => region.name);
    const labelsOf = (region: string) => ({
      "app.kubernetes.io/name": `${name}-${region}`,
      "app.kubernetes.io/part-of": name,
      "app.kubernetes.io/managed-by": "pulumi",
    });
    const selectorOf = (region: string) => ({ "app.kubernetes.io/name": `${name}-${region}` });

    // The addresses first: every zone names all name servers.
    const { type = "LoadBalancer", annotations, ...service } = dns.service ?? {};
    const addresses = serverRegions(dns, local).map((region) => {
      const { metadata, spec, status } = new k8s.core.v1.Service(
        `${name}-${region}`,
        {
          metadata: { namespace, labels: labelsOf(region), annotations: { ...awaitAnnotations(type), ...annotations } },
          spec: {
            type,
            selector: selectorOf(region),
            ports: (["UDP", "TCP"] as const).map((protocol) => ({
              name: protocol === "UDP" ? "dns" : "dns-tcp",
              port: 53,
              targetPort: protocol === "UDP" ? "dns" : "dns-tcp",
              protocol,
            })),
            externalTrafficPolicy: type === "ClusterIP" ? undefined : (service.externalTrafficPolicy ?? "Local"),
            trafficDistribution: service.trafficDistribution,
            loadBalancerClass: service.loadBalancerClass,
            loadBalancerSourceRanges: service.loadBalancerSourceRanges && [...service.loadBalancerSourceRanges],
          },
        },
        parent,
      );
      const address = pulumi.all([spec, status, metadata]).apply(([{ clusterIP }, state, { name: own }]) => {
        const [ingress] = state?.loadBalancer?.ingress ?? [];
        return this.#addressOf(`the Service ${own}`, ingress?.ip ?? ingress?.hostname ?? clusterIP);
      });
      return { region, address };
    });
    this.nameServers = pulumi.all(addresses);

    const account = new k8s.core.v1.ServiceAccount(
      name,
      { metadata: { namespace }, automountServiceAccountToken: false },
      parent,
    );
    const known = pulumi.all([pulumi.all([...locations]), this.nameServers]).apply(([all, servers]) => {
      for (const { name: region, url } of all) this.#addressOf(`region ${region}`, new URL(url).hostname);
      return regionsFile(
        dns,
        all,
        servers.map(({ address }) => address),
      );
    });
    const config = new k8s.core.v1.ConfigMap(
      name,
      {
        metadata: { namespace },
        data: {
          Corefile: corefile(dns),
          "nginx.conf": checkerConfig,
          "health.js": healthScript,
          "regions.json": known,
        },
        immutable: true,
      },
      parent,
    );

    // One after the other, so that one of them answers always.
    let previous: k8s.apps.v1.Deployment | undefined;
    for (const { region } of addresses) {
      const nodes = regions.find((one) => one.name === region)!.nodeLabels ?? { [regionLabel]: region };
      previous = new k8s.apps.v1.Deployment(
        `${name}-${region}`,
        {
          metadata: { namespace, labels: labelsOf(region), annotations: { "pulumi.com/timeoutSeconds": "180" } },
          spec: {
            replicas: 1,
            selector: { matchLabels: selectorOf(region) },
            strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
            revisionHistoryLimit: 2,
            template: {
              metadata: { labels: labelsOf(region) },
              spec: podSpec(args, nodes, account.metadata.name, config.metadata.name),
            },
          },
        },
        { parent: this, dependsOn: previous === undefined ? [] : [previous] },
      );
    }
    this.registerOutputs({ nameServers: this.nameServers });
  }

  /** An address record needs an address. */
  #addressOf(whose: string, host: string | undefined): string {
    const problem = `${whose} must have an IPv4 address for dns.policy "nearest", got ${show(host)}; where load balancers have names, use policy "latency" or "geo"`;
    refuse(/^\d+(\.\d+){3}$/.test(host ?? "") ? [] : [problem], this);
    return host!;
  }
}

function podSpec(
  { dns, edgeImage }: CdnDnsArgs,
  nodeLabels: Readonly<Record<string, string>>,
  serviceAccountName: pulumi.Input<string>,
  configMapName: pulumi.Input<string>,
): k8s.types.input.core.v1.PodSpec {
  const mount = (name: string, mountPath: string, readOnly = false) => ({ name, mountPath, readOnly });
  const probe = (path: string, port: string) => ({ httpGet: { path, port }, periodSeconds: 1, timeoutSeconds: 2 });
  const resources = kubernetesResources({ requests: { cpu: "20m", memory: "48Mi" }, limits: { memory: "128Mi" } });
  const common = { ...restrictedContainer, imagePullPolicy: "IfNotPresent", resources };
  return {
    ...restrictedPod(nginxUser),
    serviceAccountName,
    nodeSelector: { ...nodeLabels },
    terminationGracePeriodSeconds: 15,
    volumes: [
      { name: "config", configMap: { name: configMapName } },
      { name: "zones", emptyDir: { sizeLimit: "16Mi" } },
      { name: "scratch", emptyDir: { sizeLimit: "16Mi" } },
    ],
    containers: [
      {
        ...common,
        name: "coredns",
        image: dns.image ?? defaultImage,
        command: ["/coredns", "-conf", "/etc/dns/Corefile"],
        ports: [
          { name: "dns", containerPort: dnsPorts.dns, protocol: "UDP" },
          { name: "dns-tcp", containerPort: dnsPorts.dns, protocol: "TCP" },
          { name: "ready", containerPort: dnsPorts.coreDnsReady },
        ],
        readinessProbe: probe("/ready", "ready"),
        lifecycle: { preStop: { sleep: { seconds: 5 } } },
        volumeMounts: [mount("config", "/etc/dns", true), mount("zones", "/zones", true)],
      },
      {
        ...common,
        name: "health",
        image: edgeImage ?? defaultEdgeImage,
        command: ["nginx", "-e", "stderr", "-c", "/etc/dns/nginx.conf", "-g", "daemon off;"],
        ports: [{ name: "health", containerPort: dnsPorts.health }],
        readinessProbe: probe("/readyz", "health"),
        volumeMounts: [mount("config", "/etc/dns", true), mount("zones", "/zones"), mount("scratch", "/tmp")],
      },
    ],
  };
}
