import type * as pulumi from "@pulumi/pulumi";
import type { types } from "@pulumi/kubernetes";

import { checkPattern } from "./check.ts";

/**
 * A name under which the cluster's ingress controller serves the service.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/ingress/
 */
export interface IngressOptions {
  /** The host name, such as `hello.example.com`. */
  readonly host: string;
  /**
   * Requests below this path are the service's.
   *
   * @default "/"
   */
  readonly path?: string;
  /**
   * Which controller serves it.
   *
   * @default - the cluster's default
   */
  readonly className?: string;
  /**
   * The Secret that holds the certificate of `host`; cert-manager makes it if `annotations` name its issuer.
   *
   * @default - plain HTTP
   */
  readonly tlsSecretName?: pulumi.Input<string>;
  /**
   * Annotations, such as `cert-manager.io/cluster-issuer`.
   *
   * @default {}
   */
  readonly annotations?: Readonly<Record<string, pulumi.Input<string>>>;
}

/** The Ingress's specification, in front of this port of this Service. */
export function ingressSpec(
  options: IngressOptions,
  serviceName: pulumi.Input<string>,
  portName: string,
): types.input.networking.v1.IngressSpec {
  const { host, path = "/", className, tlsSecretName } = options;
  const backend = { service: { name: serviceName, port: { name: portName } } };
  return {
    ingressClassName: className,
    rules: [{ host, http: { paths: [{ path, pathType: "Prefix", backend }] } }],
    tls: tlsSecretName === undefined ? undefined : [{ hosts: [host], secretName: tlsSecretName }],
  };
}

/** Where the Ingress answers. */
export function ingressUrl({ host, path = "/", tlsSecretName }: IngressOptions): string {
  return `${tlsSecretName === undefined ? "http" : "https"}://${host}${path === "/" ? "" : path}`;
}

/** Sentences on a malformed host or path. */
export function checkIngress({ host, path = "/" }: IngressOptions): string[] {
  return [...checkHost("ingress.host", host), ...checkPath("ingress.path", path)];
}

/** A sentence on why `value` is no host name, or one for all hosts of a domain; none if it is. */
export function checkHost(property: string, value: unknown): string[] {
  const pattern = /^(?=.{1,253}$)(\*\.)?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/;
  return checkPattern(property, value, pattern, `a host name in lower case such as "hello.example.com"`);
}

/** A sentence on why `value` is no path of a URL; none if it is. */
export function checkPath(property: string, value: unknown): string[] {
  return checkPattern(property, value, /^\//, `a path that begins with "/"`);
}
