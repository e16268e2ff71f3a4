import type * as pulumi from "@pulumi/pulumi";
import type { types } from "@pulumi/kubernetes";

import { kubernetesResources, restrictedContainer, restrictedPod } from "./pod-spec.ts";
import type { PodOptions } from "./pod-spec.ts";
import type { SmokeTest } from "./release.ts";

/** The Job that tests a release at `previewUrl`; `labels` name the release, so that each gets a run of its own. */
export function smokeTestSpec(
  smokeTest: SmokeTest,
  pod: PodOptions,
  previewUrl: pulumi.Input<string>,
  labels: Readonly<Record<string, pulumi.Input<string>>>,
): types.input.batch.v1.JobSpec {
  return {
    backoffLimit: 2,
    activeDeadlineSeconds: smokeTest.timeoutSeconds ?? 60,
    template: {
      metadata: { labels },
      spec: {
        ...restrictedPod(pod.runAsUser),
        serviceAccountName: pod.serviceAccountName,
        imagePullSecrets: pod.imagePullSecrets.map((name) => ({ name })),
        restartPolicy: "Never",
        containers: [
          {
            ...restrictedContainer,
            name: "smoke-test",
            image: smokeTest.image ?? pod.image,
            imagePullPolicy: "IfNotPresent",
            command: [...smokeTest.command],
            env: [{ name: "PREVIEW_URL", value: previewUrl }],
            resources: kubernetesResources(pod.resources),
          },
        ],
      },
    },
  };
}
