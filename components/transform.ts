import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/** A function that is given the arguments of a child, as the component has made them, and gives those that are used. */
export type Change<Args> = (args: Args, name: string) => Args;

/**
 * Changes the children of a `WebService` in whatever Kubernetes has and this component has no argument for. Where there are
 * several of a kind, such as a Deployment for each blue/green release, their names tell them apart.
 *
 * @see https://www.pulumi.com/docs/iac/concepts/resources/options/transformations/
 */
export interface Transform {
  readonly deployment?: Change<k8s.apps.v1.DeploymentArgs>;
  readonly service?: Change<k8s.core.v1.ServiceArgs>;
  readonly serviceAccount?: Change<k8s.core.v1.ServiceAccountArgs>;
  readonly secret?: Change<k8s.core.v1.SecretArgs>;
  readonly job?: Change<k8s.batch.v1.JobArgs>;
  readonly podDisruptionBudget?: Change<k8s.policy.v1.PodDisruptionBudgetArgs>;
  readonly networkPolicy?: Change<k8s.networking.v1.NetworkPolicyArgs>;
  readonly horizontalPodAutoscaler?: Change<k8s.autoscaling.v2.HorizontalPodAutoscalerArgs>;
  readonly ingress?: Change<k8s.networking.v1.IngressArgs>;
  readonly httpRoute?: Change<k8s.apiextensions.CustomResourceArgs>;
}

/** The component's options with its user's transform, which comes after the component's work and before all others'. */
export function withTransform(
  opts: pulumi.ComponentResourceOptions = {},
  transform: Transform = {},
): pulumi.ComponentResourceOptions {
  const changes = new Map(Object.entries(transform) as [string, Change<pulumi.Inputs> | undefined][]);
  const transformation: pulumi.ResourceTransformation = ({ type, name, props, opts: childOpts }) => {
    const change = changes.get(keyOf(type));
    return change && { props: change(props as pulumi.Inputs, name), opts: childOpts };
  };
  return changes.size === 0 ? opts : { ...opts, transformations: [transformation, ...(opts.transformations ?? [])] };
}

/** `kubernetes:apps/v1:Deployment` becomes `deployment`, and `HTTPRoute` becomes `httpRoute`. */
function keyOf(type: string): string {
  const kind = type.split(":").at(-1)!;
  return kind.replace(/^([A-Z]+(?=[A-Z][a-z])|[A-Z])/, (start) => start.toLowerCase());
}
