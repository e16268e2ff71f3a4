import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { checkName } from "./check.ts";
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

/** A Service that a route leads to. */
export interface Backend {
  readonly name: pulumi.Input<string>;
  /** Its share of the requests, in proportion to the weights of the others. @default 1 */
  readonly weight?: number;
}

/** Waits until the Gateway has taken the route in; a Gateway that is not there, or that nobody runs, never does. */
const awaitAnnotations = {
  "pulumi.com/waitFor": 'jsonpath={.status.parents[0].conditions[?(@.type=="Accepted")].status}=True',
  "pulumi.com/timeoutSeconds": "60",
};

/** An HTTPRoute's arguments, in front of this port of these Services. */
export function routeArgs(
  { host, path = "/", gateway }: RouteOptions,
  metadata: k8s.types.input.meta.v1.ObjectMeta,
  backends: readonly Backend[],
  port: number,
): k8s.apiextensions.CustomResourceArgs {
  const { name, namespace, listener } = gateway;
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { ...metadata, annotations: awaitAnnotations },
    spec: {
      parentRefs: [{ name, namespace, sectionName: listener }],
      hostnames: [host],
      rules: [
        {
          matches: [{ path: { type: "PathPrefix", value: path } }],
          backendRefs: backends.map(({ name: service, weight }) => ({ name: service, port, weight })),
        },
      ],
    },
  };
}

/** Where the route answers. */
export function routeUrl({ host, path = "/", isTls = true }: RouteOptions): string {
  return `${isTls ? "https" : "http"}://${host}${path === "/" ? "" : path}`;
}

/** Sentences on a malformed host, path or name of a Gateway. */
export function checkRoute({ host, path = "/", gateway }: RouteOptions): string[] {
  const name = gateway?.name as unknown;
  return [
    ...checkHost("route.host", host),
    ...checkPath("route.path", path),
    // A plain text can be looked at, and so can nothing at all.
    ...(typeof name === "string" || name === undefined ? checkName("route.gateway.name", name) : []),
  ];
}
