import type * as pulumi from "@pulumi/pulumi";

import type { ActiveRelease } from "./blue-green.ts";
import type { PodOptions } from "./pod-spec.ts";
import type { CanaryRelease } from "./release.ts";
import { canaryReplicas } from "./release.ts";
import { commonSelector, newDeployment, podTemplate, releaseLabel, versionedName } from "./workload.ts";

/** The new release and the stable one behind one Service, which spreads connections over the replicas of both. */
export function canary(
  name: string,
  pod: PodOptions,
  { stable, weight = 100 }: CanaryRelease,
  parent: pulumi.Resource,
): ActiveRelease {
  const selector = { ...commonSelector(name), [releaseLabel]: `${name}-canary` };
  const deploy = (of: PodOptions, opts: pulumi.CustomResourceOptions) => {
    const template = podTemplate(name, of);
    const version = { "app.kubernetes.io/version": of.version! };
    const own = { ...selector, ...version };
    return newDeployment(versionedName(name, of.version), name, of, template, own, { parent, ...opts });
  };
  const share = stable === undefined ? pod.replicas : canaryReplicas(weight, pod.replicas);
  const newest = deploy({ ...pod, replicas: share }, {});
  if (stable === undefined || share === pod.replicas) {
    return { deployment: newest, selector, gate: [newest] };
  }
  // The stable release makes room when the new replicas are ready, and stays as it was deployed.
  const startsAfter = [...(pod.startsAfter ?? []), newest];
  const others = deploy(
    { ...pod, ...stable, replicas: pod.replicas - share, startsAfter },
    { ignoreChanges: ["spec.template"] },
  );
  return { deployment: newest, selector, gate: [newest, others] };
}
