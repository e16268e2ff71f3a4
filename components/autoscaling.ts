import type * as pulumi from "@pulumi/pulumi";
import type { types } from "@pulumi/kubernetes";

import { checkInteger } from "./check.ts";

/**
 * Lets the cluster choose the number of replicas, from `replicas` on upwards. It needs the metrics of a metrics-server.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/
 */
export interface Autoscaling {
  /** The largest number of replicas, at least `replicas`. */
  readonly maxReplicas: number;
  /**
   * Mean CPU time of the replicas, in percent of what they request, that is aimed at.
   *
   * @default 70
   */
  readonly cpuUtilizationPercent?: number;
  /**
   * Mean memory of the replicas, in percent of what they request, that is aimed at.
   *
   * @default - memory does not count
   */
  readonly memoryUtilizationPercent?: number;
}

/** The HorizontalPodAutoscaler's specification, for the Deployment of this name. */
export function autoscalerSpec(
  { maxReplicas, cpuUtilizationPercent = 70, memoryUtilizationPercent }: Autoscaling,
  minReplicas: number,
  deploymentName: pulumi.Input<string>,
): types.input.autoscaling.v2.HorizontalPodAutoscalerSpec {
  const metric = (name: string, averageUtilization: number) => ({
    type: "Resource",
    resource: { name, target: { type: "Utilization", averageUtilization } },
  });
  return {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: deploymentName },
    minReplicas,
    maxReplicas,
    metrics: [
      metric("cpu", cpuUtilizationPercent),
      ...(memoryUtilizationPercent === undefined ? [] : [metric("memory", memoryUtilizationPercent)]),
    ],
  };
}

/** Sentences on bounds and aims out of range. */
export function checkAutoscaling(autoscaling: Autoscaling, replicas: number): string[] {
  const { maxReplicas, cpuUtilizationPercent = 70, memoryUtilizationPercent } = autoscaling;
  const range = checkInteger("autoscaling.maxReplicas", maxReplicas, 1, 1000);
  return [
    ...range,
    ...(range.length > 0 || maxReplicas >= replicas
      ? []
      : [`autoscaling.maxReplicas must be at least replicas, which is ${replicas}, got ${maxReplicas}`]),
    ...checkInteger("autoscaling.cpuUtilizationPercent", cpuUtilizationPercent, 1, 1000),
    ...(memoryUtilizationPercent === undefined
      ? []
      : checkInteger("autoscaling.memoryUtilizationPercent", memoryUtilizationPercent, 1, 1000)),
  ];
}
