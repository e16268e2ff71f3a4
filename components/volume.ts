import type * as pulumi from "@pulumi/pulumi";
import type { types } from "@pulumi/kubernetes";

import { checkPattern, checkUnique } from "./check.ts";
import { checkQuantity } from "./resources.ts";
import type { Bytes } from "./resources.ts";

/**
 * A directory of the container that is not part of its image: scratch space of a fixed size, the keys of a ConfigMap or
 * Secret as files, or a PersistentVolumeClaim. ConfigMaps, Secrets and claims live in the service's namespace; one whose
 * name Pulumi chooses gets a new name when its data change, which rolls the replicas.
 *
 * @see https://kubernetes.io/docs/concepts/storage/volumes/
 */
export type Volume = {
  /** Names the volume in the pod: 1 to 40 lower-case letters, digits and `-`. */
  readonly name: string;
  /** Where the container sees it, an absolute path. */
  readonly mountPath: string;
} & (
  | { readonly kind: "emptyDir"; readonly sizeLimit: Bytes; readonly medium?: "Memory" }
  | { readonly kind: "configMap"; readonly configMapName: pulumi.Input<string> }
  | { readonly kind: "secret"; readonly secretName: pulumi.Input<string> }
  | {
      readonly kind: "persistentVolumeClaim";
      readonly claimName: pulumi.Input<string>;
      /** @default false */
      readonly readOnly?: boolean;
    }
);

/** Sentences on malformed volumes and on those that are mounted twice. */
export function checkVolumes(volumes: readonly Volume[]): string[] {
  return [
    ...volumes.flatMap((volume, index) => [
      ...checkPattern(
        `volumes[${index}].name`,
        volume.name,
        /^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/,
        `1 to 40 lower-case letters, digits and "-"`,
      ),
      ...checkPattern(
        `volumes[${index}].mountPath`,
        volume.mountPath,
        /^(\/[^/:]+)+$/,
        `an absolute path without ":" or a "/" at its end`,
      ),
      ...(volume.kind === "emptyDir" ? checkQuantity(`volumes[${index}].sizeLimit`, volume.sizeLimit, "memory") : []),
    ]),
    ...checkUnique(
      "volume names",
      volumes.map(({ name }) => name),
    ),
    ...checkUnique(
      "mount paths of volumes",
      volumes.map(({ mountPath }) => mountPath),
    ),
  ];
}

/** The volume as the pod declares it. */
export function podVolume(volume: Volume): types.input.core.v1.Volume {
  switch (volume.kind) {
    case "emptyDir":
      return { name: volume.name, emptyDir: { sizeLimit: volume.sizeLimit, medium: volume.medium } };
    case "configMap":
      return { name: volume.name, configMap: { name: volume.configMapName } };
    case "secret":
      return { name: volume.name, secret: { secretName: volume.secretName } };
    case "persistentVolumeClaim":
      return { name: volume.name, persistentVolumeClaim: { claimName: volume.claimName, readOnly: volume.readOnly } };
  }
}

/** The volume as the container mounts it. */
export function volumeMount(volume: Volume): types.input.core.v1.VolumeMount {
  return { name: volume.name, mountPath: volume.mountPath };
}
