import * as pulumi from "@pulumi/pulumi";
import type * as k8s from "@pulumi/kubernetes";

import { checkOneOf, checkPattern } from "./check.ts";
import type { Port } from "./port.ts";

/**
 * How the Service takes requests.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/service/
 */
export interface ServiceOptions {
  /**
   * Who reaches it: everyone by an address of its own, everyone by a port of each node, or the cluster only.
   *
   * @default "LoadBalancer"
   */
  readonly type?: ServiceType;
  /**
   * `Local` keeps the client's address and hands requests only to replicas of the node they arrive at.
   *
   * @default "Cluster"
   */
  readonly externalTrafficPolicy?: "Cluster" | "Local";
  /**
   * Which replicas a client is sent to first.
   *
   * @default - all alike
   */
  readonly trafficDistribution?: "PreferSameZone" | "PreferSameNode";
  /**
   * Which of the cluster's load balancers serves it, for type LoadBalancer.
   *
   * @default - the cluster's default
   */
  readonly loadBalancerClass?: string;
  /**
   * Addresses that the load balancer lets in, as CIDR blocks such as `203.0.113.0/24`.
   *
   * @default - all
   */
  readonly loadBalancerSourceRanges?: readonly string[];
  /**
   * Annotations, for what a cloud's load balancer takes by them.
   *
   * @default {}
   */
  readonly annotations?: Readonly<Record<string, pulumi.Input<string>>>;
}

/** The types of Service that have an address. */
export const serviceTypes = ["LoadBalancer", "NodePort", "ClusterIP"] as const;
/** One of `serviceTypes`. */
export type ServiceType = (typeof serviceTypes)[number];

/**
 * Tells Pulumi what to wait for. Its own wait for a Service looks at the replicas, which the Deployment has done already,
 * and settles for 10 s, which would come between a release that is ready and its traffic.
 */
export function awaitAnnotations(type: ServiceType): Record<string, string> {
  return type === "LoadBalancer"
    ? { "pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress}" }
    : { "pulumi.com/skipAwait": "true" };
}

/** The Service's specification; `selector` decides which replicas get the requests. */
export function serviceSpec(
  options: ServiceOptions,
  ports: readonly Port[],
  selector: pulumi.Input<Record<string, pulumi.Input<string>>>,
): k8s.types.input.core.v1.ServiceSpec {
  const { type = "LoadBalancer", externalTrafficPolicy = "Cluster", loadBalancerSourceRanges = [] } = options;
  return {
    type,
    selector,
    ports: ports.flatMap(({ name, port }) => (port === undefined ? [] : { name, port, targetPort: name })),
    externalTrafficPolicy: type === "ClusterIP" ? undefined : externalTrafficPolicy,
    trafficDistribution: options.trafficDistribution,
    loadBalancerClass: options.loadBalancerClass,
    loadBalancerSourceRanges: loadBalancerSourceRanges.length > 0 ? [...loadBalancerSourceRanges] : undefined,
  };
}

/** Where the Service answers, as soon as it is known. */
export function serviceUrl(service: k8s.core.v1.Service, port: number): pulumi.Output<string> {
  return pulumi.all([service.metadata, service.status]).apply(([{ name, namespace }, status]) => {
    return urlOf(status?.loadBalancer?.ingress ?? [], `${name}.${namespace}.svc`, port);
  });
}

/**
 * The URL of the first of a load balancer's addresses, by IP or host name; without one, which is so for the types NodePort
 * and ClusterIP, of the Service's name in the cluster's DNS.
 */
export function urlOf(
  [address]: readonly { readonly ip?: string; readonly hostname?: string }[],
  dnsName: string,
  port: number,
): string {
  const host = address?.ip ?? address?.hostname ?? dnsName;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Sentences on options that do not exist or do not go with the type. */
export function checkService(options: ServiceOptions): string[] {
  const { type = "LoadBalancer", loadBalancerClass, loadBalancerSourceRanges = [], externalTrafficPolicy } = options;
  const only = (property: string, given: boolean, types: readonly ServiceType[]) =>
    given && !types.includes(type)
      ? [`service.${property} must be left out unless service.type is ${types.join(" or ")}, got type "${type}"`]
      : [];
  return [
    ...checkOneOf("service.type", type, serviceTypes),
    ...only("loadBalancerClass", loadBalancerClass !== undefined, ["LoadBalancer"]),
    ...only("loadBalancerSourceRanges", loadBalancerSourceRanges.length > 0, ["LoadBalancer"]),
    ...only("externalTrafficPolicy", externalTrafficPolicy !== undefined, ["LoadBalancer", "NodePort"]),
    ...loadBalancerSourceRanges.flatMap((range, index) =>
      checkCidr(`service.loadBalancerSourceRanges[${index}]`, range),
    ),
  ];
}

/** A sentence on why `value` is not a block of addresses; none if it is. */
export function checkCidr(property: string, value: unknown): string[] {
  const byte = "(25[0-5]|2[0-4]\\d|1?\\d?\\d)";
  const pattern = new RegExp(
    `^(${byte}(\\.${byte}){3}/(3[0-2]|[12]?\\d)|[0-9a-fA-F:]*:[0-9a-fA-F:]*/(12[0-8]|1[01]\\d|\\d{1,2}))$`,
  );
  return checkPattern(property, value, pattern, `a CIDR block such as "203.0.113.0/24" or "2001:db8::/32"`);
}
