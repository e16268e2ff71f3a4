import type * as pulumi from "@pulumi/pulumi";
import type { types } from "@pulumi/kubernetes";

import { checkInteger, checkLabelValue, checkOneOf, checkPattern, checkUnique } from "./check.ts";
import { checkSmokeTest } from "./smoke-test.ts";
import type { SmokeTest } from "./smoke-test.ts";

/** How a new release gets the traffic: by itself, or when it is told to. */
export const promotions = ["auto", "manual"] as const;

/** What every kind of release has. */
export interface ReleaseTiming {
  /**
   * Seconds for which a new replica must have been ready before the release goes on.
   *
   * @default 0
   */
  readonly minReadySeconds?: number;
  /**
   * Seconds without progress, such as one more replica that is ready, after which the update fails.
   *
   * @default 120
   */
  readonly progressDeadlineSeconds?: number;
}

/**
 * Replaces the replicas a few at a time; meanwhile both versions answer.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
 */
export interface RollingRelease extends ReleaseTiming {
  readonly kind: "rolling";
  /**
   * Replicas, or their share as a percentage, that may exist above `replicas`.
   *
   * @default 1
   */
  readonly maxSurge?: number | `${number}%`;
  /**
   * Replicas, or their share as a percentage, that may be missing. Above 0 the others carry their load.
   *
   * @default 0
   */
  readonly maxUnavailable?: number | `${number}%`;
}

/**
 * Starts the new release beside the active one, shows it on a preview Service, tests it, and only then moves the active
 * Service to it, in one step. A release that does not get ready, or fails its test, leaves the traffic where it is. Takes
 * room for the replicas of each release.
 */
export interface BlueGreenRelease extends ReleaseTiming {
  readonly kind: "blueGreen";
  /**
   * What has to succeed before the switch.
   *
   * @default - the switch follows as soon as all replicas are ready
   */
  readonly smokeTest?: SmokeTest;
  /**
   * Earlier releases that stay beside the new one with all their replicas, so that going back is one change, without a pull
   * or a start. They stay as they were deployed whatever else changes; a Secret whose values have changed since is gone,
   * though, so replicas that start again would wait for it. Connections that are open when the traffic moves stay where
   * they are until they are closed: a program should end each after a while. A plain list, since it decides which
   * resources there are.
   *
   * @default []
   */
  readonly previous?: readonly PreviousRelease[];
  /**
   * Whether a new release gets the traffic as soon as it has passed its test (`auto`), or waits on its preview (`manual`):
   * then the latest of `previous`, of which there has to be one, keeps the traffic until `active` names the new one.
   *
   * @default "auto"
   * @see https://argo-rollouts.readthedocs.io/en/stable/features/bluegreen/#autopromotionenabled
   */
  readonly promote?: (typeof promotions)[number];
  /**
   * The version that gets the traffic: the service's own or one of `previous`. Naming a previous one while a new one is
   * deployed keeps the new one on its preview; naming the new one later promotes it.
   *
   * @default - as `promote` has it
   */
  readonly active?: string | undefined;
  /**
   * Seconds for which the replicas of the release that had the traffic go on as before when they are to stop, in place of
   * `preStopSeconds` if that is less: for connections that are open, and for routers that are late. `pulumi up` does not wait
   * for it, but whoever drains a node does. To go back within seconds, keep the release in `previous`.
   *
   * @default 30
   */
  readonly scaleDownDelaySeconds?: number;
}

/** A release that was deployed before. */
export interface PreviousRelease {
  /** The version that it had. */
  readonly version: string;
  /** The image that it had, by digest. */
  readonly image: pulumi.Input<string>;
}

/**
 * Gives the new release a share of the replicas, and so of the connections; with a route, an exact share of the requests
 * that come by the route, beside a stable release that keeps all its replicas. Each larger share is another update. Whether it
 * does well is for whoever sets the share to judge, as `commands/release.ts` does: between two updates there is time to look.
 */
export interface CanaryRelease extends ReleaseTiming {
  readonly kind: "canary";
  /**
   * The release that has the other replicas.
   *
   * @default - none: the new release has all
   */
  readonly stable?: PreviousRelease | undefined;
  /**
   * The new release's share as a percentage, 1 to 100: of the requests with a route; else of the replicas, rounded to whole
   * ones, at least one, and not all below 100.
   *
   * @default 100
   */
  readonly weight?: number;
}

/** How a new version takes the place of the old one. */
export type Release = RollingRelease | BlueGreenRelease | CanaryRelease;

/** One replica more, none missing. */
export const defaultRelease: Release = { kind: "rolling" };

/** The part of the Deployment that the release decides. */
export function deploymentStrategy(
  release: Release,
): Pick<types.input.apps.v1.DeploymentSpec, "strategy" | "minReadySeconds" | "progressDeadlineSeconds"> {
  const { maxSurge, maxUnavailable } = rollingUpdate(release);
  return {
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } },
    minReadySeconds: release.minReadySeconds ?? 0,
    progressDeadlineSeconds: release.progressDeadlineSeconds ?? 120,
  };
}

/** The version that has the traffic. */
export const activeVersion = ({ active, promote, previous }: BlueGreenRelease, version?: string): string | undefined =>
  active ?? (promote === "manual" ? previous?.[0]?.version : version);

/** Seconds after which Pulumi gives up on a release: the progress deadline for each lot of replicas that it starts. */
export function releaseTimeoutSeconds(release: Release, replicas: number): number {
  const { maxSurge, maxUnavailable } = rollingUpdate(release);
  const lot = share(maxSurge, replicas, Math.ceil) + share(maxUnavailable, replicas, Math.floor);
  const lots = release.kind === "blueGreen" ? 1 : Math.ceil(replicas / Math.max(lot, 1));
  return lots * ((release.progressDeadlineSeconds ?? 120) + (release.minReadySeconds ?? 0));
}

/** How many replicas carry this share of all requests, where a route sends it exactly. */
export const weightedReplicas = (weight: number, replicas: number): number => Math.ceil((weight / 100) * replicas);

/** How many of the replicas a new release of this weight has. */
export function canaryReplicas(weight: number, replicas: number): number {
  return weight >= 100 ? replicas : Math.min(Math.max(Math.round((weight / 100) * replicas), 1), replicas - 1);
}

/** Sentences on releases that could never end. */
export function checkRelease(release: Release, replicas: number, version?: string, hasRoute = false): string[] {
  const { minReadySeconds, progressDeadlineSeconds } = deploymentStrategy(release);
  const timing = [
    ...checkInteger("release.minReadySeconds", minReadySeconds, 0, 3600),
    ...checkInteger("release.progressDeadlineSeconds", progressDeadlineSeconds, 1, 3600),
  ];
  if (timing.length === 0 && Number(progressDeadlineSeconds) <= Number(minReadySeconds)) {
    const figures = `${progressDeadlineSeconds}, which is not more than ${minReadySeconds}`;
    timing.push(`release.progressDeadlineSeconds must be above release.minReadySeconds, got ${figures}`);
  }
  switch (release.kind) {
    case "rolling":
      return [...timing, ...checkRolling(release)];
    case "blueGreen":
      return [...timing, ...checkBlueGreen(release, version)];
    case "canary":
      return [...timing, ...checkCanary(release, replicas, version, hasRoute)];
  }
}

function checkRolling(release: RollingRelease): string[] {
  const { maxSurge, maxUnavailable } = rollingUpdate(release);
  const problems = [
    ...checkShare("release.maxSurge", maxSurge),
    ...checkShare("release.maxUnavailable", maxUnavailable),
  ];
  return problems.length === 0 && parseFloat(`${maxSurge}`) + parseFloat(`${maxUnavailable}`) === 0
    ? ["release.maxSurge and release.maxUnavailable must not both be 0: no replica could ever be replaced"]
    : problems;
}

function checkCanary(
  { stable, weight = 100 }: CanaryRelease,
  replicas: number,
  version: string | undefined,
  hasRoute: boolean,
): string[] {
  return [
    ...checkInteger("release.weight", weight, 1, 100),
    ...(version === undefined ? ["version must be set with a canary release, which tells releases apart by it"] : []),
    ...(stable === undefined ? [] : checkUnique("version and release.stable.version", [version, stable.version])),
    ...(weight < 100 && stable === undefined ? [`release.stable must be set with a weight of ${weight}`] : []),
    ...(weight < 100 && replicas < 2 && !hasRoute
      ? [`replicas must be 2 or more with a weight of ${weight} and without a route, got ${replicas}`]
      : []),
  ];
}

function checkBlueGreen(release: BlueGreenRelease, version?: string): string[] {
  const { active, previous = [], promote = "auto", smokeTest, scaleDownDelaySeconds = 30 } = release;
  const problems = [
    ...checkSmokeTest(smokeTest),
    ...checkOneOf("release.promote", promote, promotions),
    ...checkInteger("release.scaleDownDelaySeconds", scaleDownDelaySeconds, 0, 3600),
  ];
  if (version === undefined && (active !== undefined || previous.length > 0)) {
    problems.push("version must be set with release.active or release.previous, which tell releases apart by it");
  }
  if (promote === "manual" && active === undefined && previous.length === 0) {
    problems.push('release.previous must hold the release that keeps the traffic with release.promote "manual"');
  }
  for (const [index, { version: earlier }] of previous.entries()) {
    problems.push(...checkLabelValue(`release.previous[${index}].version`, earlier));
  }
  const versions = [version, ...previous.map(({ version: earlier }) => earlier)];
  problems.push(...checkUnique("version and release.previous[…].version", versions));
  return active === undefined ? problems : [...problems, ...checkOneOf("release.active", active, versions)];
}

function checkShare(property: string, value: number | string): string[] {
  return typeof value === "number"
    ? checkInteger(property, value, 0, 100)
    : checkPattern(property, value, /^(100|\d{1,2})%$/, `a number of replicas or a percentage from "0%" to "100%"`);
}

function rollingUpdate(release: Release): { maxSurge: number | string; maxUnavailable: number | string } {
  return release.kind === "rolling"
    ? { maxSurge: release.maxSurge ?? 1, maxUnavailable: release.maxUnavailable ?? 0 }
    : { maxSurge: 1, maxUnavailable: 0 };
}

function share(value: number | string, replicas: number, round: (share: number) => number): number {
  return typeof value === "number" ? value : round((parseFloat(value) / 100) * replicas);
}
