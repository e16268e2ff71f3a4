import type * as pulumi from "@pulumi/pulumi";
import type { types } from "@pulumi/kubernetes";

import { oneOffSpec } from "./one-off.ts";
import type { PodOptions } from "./pod-spec.ts";
import type { SmokeTest } from "./release.ts";

/** The Job that tests a release at `previewUrl`; `labels` name the release, so that each gets a run of its own. */
export function smokeTestSpec(
  { image, command, timeoutSeconds = 60 }: SmokeTest,
  pod: PodOptions,
  previewUrl: pulumi.Input<string>,
  labels: Readonly<Record<string, pulumi.Input<string>>>,
): types.input.batch.v1.JobSpec {
  const env = [{ name: "PREVIEW_URL", value: previewUrl }];
  return oneOffSpec({ name: "smoke-test", image: image ?? pod.image, command, env, timeoutSeconds }, pod, labels);
}
