import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { checkHost, checkPath } from "./ingress.ts";

/**
 * A name under which a Gateway of the cluster serves the service.
 *
 * @see https://gateway-api.sigs.k8s.io/api-types/httproute/
 */
export interface RouteOptions {
  /** The host name, such as `hello.example.com`. */
  readonly host: string;
  /**
   * Requests below this path are the service's.
   *
   * @default "/"
   */
  readonly path?: string;
  /** The Gateway, which has to let routes of this namespace in. Its certificate, and cert-manager's annotation, are its own. */
  readonly gateway: {
    /** The Gateway's name. */
    readonly name: pulumi.Input<string>;
    /**
     * Where the Gateway is.
     *
     * @default - the service's namespace
     */
    readonly namespace?: pulumi.Input<string>;
    /**
     * The one of its listeners that is meant.
     *
     * @default - all of them
     */
    readonly listener?: string;
  };
  /**
   * Whether the listener speaks TLS, so that the url is `https://`.
   *
   * @default true
   */
  readonly isTls?: boolean;
}

/** An HTTPRoute's arguments, in front of this port of this Service. */
export function routeArgs(
  { host, path = "/", gateway }: RouteOptions,
  metadata: k8s.types.input.meta.v1.ObjectMeta,
  serviceName: pulumi.Input<string>,
  port: number,
): k8s.apiextensions.CustomResourceArgs {
  const { name, namespace, listener } = gateway;
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata,
    spec: {
      parentRefs: [{ name, namespace, sectionName: listener }],
      hostnames: [host],
      rules: [
        {
          matches: [{ path: { type: "PathPrefix", value: path } }],
          backendRefs: [{ name: serviceName, port }],
        },
      ],
    },
  };
}

/** Where the route answers. */
export function routeUrl({ host, path = "/", isTls = true }: RouteOptions): string {
  return `${isTls ? "https" : "http"}://${host}${path === "/" ? "" : path}`;
}

/** Sentences on a malformed host or path. */
export function checkRoute({ host, path = "/" }: RouteOptions): string[] {
  return [...checkHost("route.host", host), ...checkPath("route.path", path)];
}
