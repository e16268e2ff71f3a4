import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { checkAssetStore } from "./asset-store.ts";
import type { AssetStore } from "./asset-store.ts";
import { checkAutoscaling } from "./autoscaling.ts";
import type { Autoscaling } from "./autoscaling.ts";
import { checkInteger, checkLabelValue, checkName, checkUnique } from "./check.ts";
import { checkEnv } from "./environment.ts";
import type { EnvSource } from "./environment.ts";
import { checkIngress } from "./ingress.ts";
import type { IngressOptions } from "./ingress.ts";
import { checkMigration } from "./migration.ts";
import type { Migration } from "./migration.ts";
import { checkPorts, defaultPorts } from "./port.ts";
import type { Port } from "./port.ts";
import { checkProbes } from "./probe.ts";
import type { Probes } from "./probe.ts";
import { checkRelease, defaultRelease } from "./release.ts";
import type { Release } from "./release.ts";
import { checkResources } from "./resources.ts";
import type { Resources } from "./resources.ts";
import { checkRoute } from "./route.ts";
import type { RouteOptions } from "./route.ts";
import { checkService } from "./service.ts";
import type { ServiceOptions } from "./service.ts";
import type { Transform } from "./transform.ts";
import { checkVolumes } from "./volume.ts";
import type { Volume } from "./volume.ts";

/** What a `WebService` is made of. Whatever is a plain value and not an `Input` decides which resources there are. */
export interface WebServiceArgs {
  /** The image of the replicas, best by digest: `ContainerImage.ref`. */
  readonly image: pulumi.Input<string>;
  /**
   * The namespace of everything that the service is made of.
   *
   * @default - the provider's namespace
   */
  readonly namespace?: pulumi.Input<string> | undefined;
  /**
   * The version for people and dashboards, as label `app.kubernetes.io/version`.
   *
   * @default - no such label
   */
  readonly version?: string | undefined;
  /**
   * Number of replicas, 1 to 100; with `autoscaling` the smallest number.
   *
   * @default 3
   */
  readonly replicas?: number | undefined;
  /**
   * The regions, by the nodes' label `topology.kubernetes.io/region`, that hold the replicas, as many in each.
   *
   * @default [] - any node, spread over regions as well as the cluster allows
   */
  readonly regions?: readonly string[] | undefined;
  /**
   * Ports, the main one first: its container port is handed to the container as PORT, its `port` is part of `url`.
   *
   * @default [{ name: "http", containerPort: 3000, port: 8888 }]
   */
  readonly ports?: readonly Port[] | undefined;
  /**
   * The program, instead of the image's entry point.
   *
   * @default - the image's
   */
  readonly command?: readonly string[] | undefined;
  /**
   * The program's arguments.
   *
   * @default - the image's
   */
  readonly args?: readonly string[] | undefined;
  /**
   * Environment variables. PORT, DRAIN_SECONDS, POD_NAME, REGION and ASSET_STORE_URL are set by the component.
   *
   * @default {}
   */
  readonly env?: Readonly<Record<string, pulumi.Input<string>>> | undefined;
  /**
   * Environment variables that are kept in a Secret of their own. A changed value rolls the replicas.
   *
   * @default {}
   */
  readonly secretEnv?: Readonly<Record<string, pulumi.Input<string>>> | undefined;
  /**
   * ConfigMaps and Secrets whose keys become environment variables. Where Pulumi chooses their names, changed data roll
   * the replicas.
   *
   * @default []
   */
  readonly envFrom?: readonly EnvSource[] | undefined;
  /**
   * CPU, memory and disk of each replica.
   *
   * @default - requests of 50m CPU and 32Mi memory, limits of 1 CPU and 128Mi memory
   */
  readonly resources?: Resources | undefined;
  /**
   * How the cluster learns that a replica has started, lives and is ready.
   *
   * @default - GET /healthz for the first two, GET /readyz for the last one
   */
  readonly probes?: Probes | undefined;
  /**
   * Seconds for which a replica goes on as before when it is to stop, before it is told by SIGTERM: the time that the
   * cluster needs to send requests elsewhere.
   *
   * @default 5
   */
  readonly preStopSeconds?: number | undefined;
  /**
   * Seconds that the program takes from SIGTERM to its end, handed to it as DRAIN_SECONDS.
   *
   * @default 5
   */
  readonly drainSeconds?: number | undefined;
  /**
   * Seconds after which a replica that still runs is killed; more than `preStopSeconds` and `drainSeconds` together.
   *
   * @default 30
   */
  readonly terminationGracePeriodSeconds?: number | undefined;
  /**
   * Directories that are not part of the image; everything else is read-only.
   *
   * @default []
   */
  readonly volumes?: readonly Volume[] | undefined;
  /**
   * Annotations of each replica, such as `prometheus.io/scrape`.
   *
   * @default {}
   */
  readonly podAnnotations?: Readonly<Record<string, pulumi.Input<string>>> | undefined;
  /**
   * Secrets of type `kubernetes.io/dockerconfigjson` that open the image's registry.
   *
   * @default []
   */
  readonly imagePullSecrets?: readonly pulumi.Input<string>[] | undefined;
  /**
   * The user and group that the program runs as, not 0.
   *
   * @default 10001
   */
  readonly runAsUser?: number | undefined;
  /**
   * Gives the replicas a token for the cluster's API, of an account that may do nothing until a role is bound to it:
   * `WebService.serviceAccountName`.
   *
   * @default false
   */
  readonly serviceAccountToken?: boolean | undefined;
  /**
   * How a new version takes the place of the old one.
   *
   * @default { kind: "rolling", maxSurge: 1, maxUnavailable: 0 }
   */
  readonly release?: Release | undefined;
  /**
   * A program that has to succeed before the replicas of a release start.
   *
   * @default - none
   */
  readonly migration?: Migration | undefined;
  /**
   * Keeps the assets of several releases at hand, so that no page is left without its own.
   *
   * @default - each release has its own assets only
   */
  readonly assetStore?: AssetStore | undefined;
  /**
   * Leaves the number of replicas to the cluster; only with rolling releases.
   *
   * @default - always `replicas`
   */
  readonly autoscaling?: Autoscaling | undefined;
  /**
   * How requests come in.
   *
   * @default { type: "LoadBalancer" }
   */
  readonly service?: ServiceOptions | undefined;
  /**
   * A host name for the service.
   *
   * @default - none
   */
  readonly ingress?: IngressOptions | undefined;
  /**
   * A host name for the service, by the Gateway API instead of an Ingress.
   *
   * @default - none
   */
  readonly route?: RouteOptions | undefined;
  /**
   * Who may connect to the ports, in NetworkPolicy's words. Nobody may connect to anything else.
   *
   * @default - everyone
   */
  readonly allowFrom?: readonly k8s.types.input.networking.v1.NetworkPolicyPeer[] | undefined;
  /**
   * Who the replicas may connect to, in NetworkPolicy's words, besides the cluster's DNS.
   *
   * @default - everyone
   */
  readonly allowTo?: readonly k8s.types.input.networking.v1.NetworkPolicyPeer[] | undefined;
  /**
   * Changes children in what there is no argument for.
   *
   * @default {}
   */
  readonly transform?: Transform | undefined;
}

/** The arguments with every default filled in. */
export type WebServiceSettings = ReturnType<typeof withDefaults>;

/** Fills in every default. */
export function withDefaults(args: WebServiceArgs) {
  return {
    ...args,
    replicas: args.replicas ?? 3,
    regions: args.regions ?? [],
    ports: args.ports ?? defaultPorts,
    env: args.env ?? {},
    secretEnv: args.secretEnv ?? {},
    envFrom: args.envFrom ?? [],
    resources: args.resources ?? {},
    probes: args.probes ?? {},
    preStopSeconds: args.preStopSeconds ?? 5,
    drainSeconds: args.drainSeconds ?? 5,
    terminationGracePeriodSeconds: args.terminationGracePeriodSeconds ?? 30,
    volumes: args.volumes ?? [],
    podAnnotations: args.podAnnotations ?? {},
    imagePullSecrets: args.imagePullSecrets ?? [],
    runAsUser: args.runAsUser ?? 10001,
    serviceAccountToken: args.serviceAccountToken ?? false,
    release: args.release ?? defaultRelease,
    service: args.service ?? {},
  };
}

/** One sentence for each thing that is wrong with the name or the settings. */
export function checkWebService(name: string, settings: WebServiceSettings): string[] {
  const { replicas, regions, version, autoscaling, ingress, release } = settings;
  return [
    ...checkName("name", name),
    ...(version === undefined ? [] : checkLabelValue("version", version)),
    ...checkInteger("replicas", replicas, 1, 100),
    ...regions.flatMap((region, index) => checkLabelValue(`regions[${index}]`, region)),
    ...checkUnique("regions", regions),
    ...checkPorts(settings.ports),
    ...checkEnv(settings.env, settings.secretEnv),
    ...checkResources(settings.resources),
    ...checkProbes(settings.probes, settings.ports),
    ...checkDrain(settings),
    ...checkVolumes(settings.volumes),
    ...checkInteger("runAsUser", settings.runAsUser, 1, 2 ** 31 - 1),
    ...(settings.migration === undefined ? [] : checkMigration(settings.migration)),
    ...checkRelease(release, replicas, version, settings.route !== undefined),
    ...(settings.assetStore === undefined ? [] : checkAssetStore(settings.assetStore)),
    ...(autoscaling === undefined ? [] : checkAutoscaling(autoscaling, replicas)),
    ...(autoscaling !== undefined && release.kind !== "rolling"
      ? [
          `release.kind must be "rolling" with autoscaling, got "${release.kind}": ` +
            "a new release would start with `replicas` replicas under the load of all that autoscaling had added",
        ]
      : []),
    ...checkService(settings.service),
    ...(ingress === undefined ? [] : checkIngress(ingress)),
    ...(settings.route === undefined ? [] : checkRoute(settings.route)),
    ...(ingress !== undefined && settings.route !== undefined
      ? ["ingress and route must not both be given: url can be one of them only"]
      : []),
  ];
}

function checkDrain({ preStopSeconds, drainSeconds, terminationGracePeriodSeconds }: WebServiceSettings): string[] {
  const problems = [
    ...checkInteger("preStopSeconds", preStopSeconds, 0, 3600),
    ...checkInteger("drainSeconds", drainSeconds, 0, 3600),
    ...checkInteger("terminationGracePeriodSeconds", terminationGracePeriodSeconds, 1, 7200),
  ];
  const sum = preStopSeconds + drainSeconds;
  if (problems.length === 0 && sum >= terminationGracePeriodSeconds) {
    const figures = `${preStopSeconds} + ${drainSeconds} = ${sum}`;
    problems.push(
      `preStopSeconds + drainSeconds must be below terminationGracePeriodSeconds, which is ` +
        `${terminationGracePeriodSeconds}, got ${figures}`,
    );
  }
  return problems;
}
