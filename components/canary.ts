import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import type { ActiveRelease } from "./blue-green.ts";
import type { PodOptions } from "./pod-spec.ts";
import type { CanaryRelease } from "./release.ts";
import { canaryReplicas, weightedReplicas } from "./release.ts";
import { awaitAnnotations, serviceSpec } from "./service.ts";
import { commonSelector, newDeployment, podTemplate, releaseLabel, versionedName } from "./workload.ts";
import type { Labels } from "./workload.ts";

/**
 * The new release and the stable one behind one Service, which spreads connections over the replicas of both. A route sends
 * each of them its share of the requests, whatever their replicas: each release has a Service of its own for it.
 */
export function canary(
  name: string,
  pod: PodOptions,
  { stable, weight = 100 }: CanaryRelease,
  parent: pulumi.Resource,
): ActiveRelease {
  const selector = { ...commonSelector(name), [releaseLabel]: `${name}-canary` };
  const selectorOf = ({ version }: PodOptions) => ({ ...selector, "app.kubernetes.io/version": version! });
  const deploy = (of: PodOptions, opts: pulumi.CustomResourceOptions) =>
    newDeployment(versionedName(name, of.version), name, of, podTemplate(name, of), selectorOf(of), {
      parent,
      ...opts,
    });
  const backend = (of: PodOptions, share: number) => ({
    name: versionService(versionedName(name, of.version), of, selectorOf(of), parent).metadata.name,
    weight: share,
  });
  const asBefore = { ignoreChanges: ["spec.template"] };

  if (pod.route !== undefined) {
    const share = stable === undefined ? 100 : weight;
    const newest = deploy({ ...pod, replicas: weightedReplicas(share, pod.replicas) }, {});
    const active = { deployment: newest, selector };
    if (stable === undefined || share === 100) return { ...active, gate: [newest], backends: [backend(pod, 100)] };
    // The stable release keeps all its replicas, so that it can take everything back at once.
    const others = deploy({ ...pod, ...stable }, asBefore);
    const backends = [backend(pod, share), backend({ ...pod, ...stable }, 100 - share)];
    return { ...active, gate: [newest, others], backends };
  }

  const share = stable === undefined ? pod.replicas : canaryReplicas(weight, pod.replicas);
  const newest = deploy({ ...pod, replicas: share }, {});
  if (stable === undefined || share === pod.replicas) {
    return { deployment: newest, selector, gate: [newest] };
  }
  // The stable release makes room when the new replicas are ready, and stays as it was deployed.
  const startsAfter = [...(pod.startsAfter ?? []), newest];
  const others = deploy({ ...pod, ...stable, replicas: pod.replicas - share, startsAfter }, asBefore);
  return { deployment: newest, selector, gate: [newest, others] };
}

/** The replicas of one version by themselves, for a route to lead to. */
function versionService(
  resourceName: string,
  { namespace, ports }: PodOptions,
  selector: Labels,
  parent: pulumi.Resource,
): k8s.core.v1.Service {
  const metadata = { namespace, labels: selector, annotations: awaitAnnotations("ClusterIP") };
  const spec = serviceSpec({ type: "ClusterIP" }, ports, selector);
  return new k8s.core.v1.Service(resourceName, { metadata, spec }, { parent });
}
