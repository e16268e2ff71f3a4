import { createHash } from "node:crypto";

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

import type { Backend } from "./route.ts";
import { oneOffNetworkPolicy } from "./one-off.ts";
import type { PodOptions } from "./pod-spec.ts";
import { activeVersion } from "./release.ts";
import type { BlueGreenRelease } from "./release.ts";
import { awaitAnnotations, serviceSpec, serviceUrl } from "./service.ts";
import { smokeTestSpec } from "./smoke-test.ts";
import { commonSelector, newDeployment, podTemplate, releaseLabel, versionedName } from "./workload.ts";
import type { Labels } from "./workload.ts";

/** A release with a Deployment of its own. */
interface Slot {
  readonly deployment: k8s.apps.v1.Deployment;
  readonly selector: Labels;
}

/** The release that gets the traffic, and what has to be done before it does. */
export interface ActiveRelease extends Slot {
  readonly gate: readonly pulumi.Resource[];
  /** The Services that share a route's requests. @default - the service's own has all */
  readonly backends?: readonly Backend[];
}

/** The new release with its preview and test, the earlier ones that stay, and the choice between them. */
export function blueGreen(
  name: string,
  pod: PodOptions,
  release: BlueGreenRelease,
  parent: pulumi.Resource,
): ActiveRelease {
  const { version, trafficAfter = [] } = pod;
  const patient = { ...pod, ...scaleDownDelay(pod, release) };
  const newest = slot(name, patient, false, parent);
  const gate = [...previewGate(name, pod, release, newest, parent), ...trafficAfter];
  const previous = new Map(
    (release.previous ?? []).map((of) => [of.version, slot(name, { ...patient, ...of }, true, parent)]),
  );
  const chosen = activeVersion(release, version);
  const active = chosen === undefined || chosen === version ? undefined : previous.get(chosen);
  return active === undefined ? { ...newest, gate } : { ...active, gate: [active.deployment, ...trafficAfter] };
}

/** How long replicas go on as before when they are to stop, and how much longer they may take in all because of that. */
function scaleDownDelay(
  { preStopSeconds, terminationGracePeriodSeconds }: PodOptions,
  { scaleDownDelaySeconds = 30 }: BlueGreenRelease,
): Pick<PodOptions, "preStopSeconds" | "terminationGracePeriodSeconds"> {
  const more = Math.max(0, scaleDownDelaySeconds - preStopSeconds);
  return {
    preStopSeconds: preStopSeconds + more,
    terminationGracePeriodSeconds: terminationGracePeriodSeconds + more,
  };
}

/** One release. Each version has resources of its own, so that it stays what it is when another one becomes the newest. */
function slot(name: string, pod: PodOptions, isPrevious: boolean, parent: pulumi.Resource): Slot {
  const resourceName = versionedName(name, pod.version);
  const template = podTemplate(name, pod);
  const hash = pulumi.jsonStringify(template).apply((text) => createHash("sha256").update(text).digest("hex"));
  // A new identity for each new pod template, also when an older template comes back.
  const id = new random.RandomId(
    `${resourceName}-release`,
    { byteLength: 4, keepers: { template: hash } },
    { parent, ignoreChanges: isPrevious ? ["keepers"] : [] },
  );
  const selector = { ...commonSelector(name), [releaseLabel]: pulumi.interpolate`${name}-${id.hex}` };
  const deployment = newDeployment(resourceName, name, pod, template, selector, {
    parent,
    // Pulumi chooses the name, so that a new release is ready before the old one is deleted.
    replaceOnChanges: ["spec.selector", "spec.template"],
    // What has been tried and tested is kept as it was.
    ignoreChanges: isPrevious ? ["spec.selector", "spec.template"] : [],
  });
  return { deployment, selector };
}

/** What the newest release has to pass before it gets the traffic. */
function previewGate(
  name: string,
  pod: PodOptions,
  { smokeTest }: BlueGreenRelease,
  { deployment, selector }: Slot,
  parent: pulumi.Resource,
): pulumi.Resource[] {
  const { namespace, ports } = pod;
  const preview = new k8s.core.v1.Service(
    `${name}-preview`,
    {
      metadata: { namespace, labels: selector, annotations: awaitAnnotations("ClusterIP") },
      spec: serviceSpec({ type: "ClusterIP" }, ports, selector),
    },
    { parent },
  );
  if (smokeTest === undefined) {
    return [deployment];
  }
  // Not the replicas' name, or the services would send requests to the test.
  const labels = { ...selector, "app.kubernetes.io/name": `${name}-smoke-test` };
  const spec = smokeTestSpec(smokeTest, pod, serviceUrl(preview, ports[0]!.port!), labels);
  new k8s.networking.v1.NetworkPolicy(
    `${name}-smoke-test`,
    { metadata: { namespace, labels }, spec: oneOffNetworkPolicy(labels) },
    { parent },
  );
  const job = new k8s.batch.v1.Job(
    `${name}-smoke-test`,
    { metadata: { namespace, labels }, spec },
    { parent, dependsOn: deployment },
  );
  return [deployment, job];
}
