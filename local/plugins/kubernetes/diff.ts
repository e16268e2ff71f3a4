/** What changes between two sets of inputs, field by field, and which changes need a new object. */
import { at, formatPath, isBag, type Bag, type DiffKind, type Path, type Value } from "../serve.ts";

export interface Change {
  readonly path: Path;
  readonly kind: "add" | "delete" | "update";
}

/** Compares two values; an absent field and `null` are the same. */
export function changes(olds: Value | undefined, news: Value | undefined, path: Path = []): Change[] {
  const was = olds ?? null;
  const is = news ?? null;
  if (was === null && is === null) return [];
  if (was === null) return [{ path, kind: "add" }];
  if (is === null) return [{ path, kind: "delete" }];
  if (isBag(was) && isBag(is)) {
    const keys = [...new Set([...Object.keys(was), ...Object.keys(is)])];
    return keys.flatMap((key) => changes(was[key], is[key], [...path, key]));
  }
  if (Array.isArray(was) && Array.isArray(is)) {
    return Array.from({ length: Math.max(was.length, is.length) }, (_, index) =>
      changes(was[index], is[index], [...path, index]),
    ).flat();
  }
  return was === is ? [] : [{ path, kind: "update" }];
}

/** Writes changes as the engine wants them. */
export function detailed(all: readonly Change[], replace: (change: Change) => boolean): Record<string, DiffKind> {
  return Object.fromEntries(
    all.map((change) => [formatPath(change.path), replace(change) ? (`${change.kind}-replace` as const) : change.kind]),
  );
}

/**
 * Whether the official plugin would replace the object for this change.
 *
 * @param patterns fields such as `spec.selector` or `spec.containers[].image`; all that is in them counts too.
 */
export function forcesNew(change: Change, news: Bag, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const steps = pattern.replaceAll("[]", ".[]").split(".");
    const common = Math.min(steps.length, change.path.length);
    for (let index = 0; index < common; index++) {
      const [step, given] = [steps[index], change.path[index]];
      if (step === "[]" ? typeof given !== "number" : step !== given) return false;
    }
    if (change.path.length >= steps.length) return true;
    // A whole subtree was added or changed: what counts is whether the field is in it.
    return change.kind !== "delete" && holds(at(news, ...change.path), steps.slice(change.path.length));
  });
}

function holds(value: Value | undefined, [step, ...rest]: readonly string[]): boolean {
  if (step === undefined) return value !== undefined && value !== null;
  if (step === "[]") return Array.isArray(value) && value.some((item) => holds(item, rest));
  return isBag(value) && holds(value[step], rest);
}

/** The fields whose change replaces an object of that kind. */
export function immutablePatterns(
  inputs: Bag,
  mutable: { readonly configMapMutable: boolean; readonly secretMutable: boolean },
): readonly string[] {
  // Another version of the same kind is the same object; the engine makes another kind another resource by itself.
  const identity = ["kind", "metadata.name", "metadata.namespace"];
  const group = String(inputs["apiVersion"]).split("/").slice(0, -1).join("/");
  const kind = `${group}/${String(inputs["kind"])}`;
  const frozen = inputs["immutable"] === true;
  if (kind === "/Secret")
    return [...identity, "type", ...(mutable.secretMutable && !frozen ? [] : ["stringData", "data"])];
  if (kind === "/ConfigMap")
    return [...identity, ...(mutable.configMapMutable && !frozen ? [] : ["binaryData", "data"])];
  return [...identity, ...(byKind[kind] ?? [])];
}

const within = (prefix: string, fields: string) => fields.split(" ").map((field) => `${prefix}.${field}`);

const container =
  "args command env image imagePullPolicy lifecycle livenessProbe ports readinessProbe resources securityContext stdin " +
  "stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir";

const byKind: Readonly<Record<string, readonly string[]>> = {
  "apps/DaemonSet": ["spec.selector"],
  "apps/Deployment": ["spec.selector"],
  "apps/StatefulSet": within(
    "spec",
    "podManagementPolicy revisionHistoryLimit selector serviceName volumeClaimTemplates",
  ),
  "batch/Job": within("spec", "completions parallelism selector template"),
  "rbac.authorization.k8s.io/ClusterRoleBinding": ["roleRef"],
  "rbac.authorization.k8s.io/RoleBinding": ["roleRef"],
  "storage.k8s.io/StorageClass": ["parameters", "provisioner"],
  "/PersistentVolume": within(
    "spec",
    "awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk glusterfs " +
      "hostPath iscsi local nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume",
  ),
  "/PersistentVolumeClaim": within("spec", "accessModes selector storageClassName volumeName"),
  "/ResourceQuota": ["spec.scopes"],
  "/Service": ["spec.clusterIP"],
  "/Pod": [
    ...within(
      "spec",
      "affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC hostNetwork " +
        "hostPID hostname imagePullSecrets nodeName nodeSelector overhead preemptionPolicy priority priorityClassName " +
        "readinessGates restartPolicy runtimeClassName schedulerName securityContext serviceAccount " +
        "serviceAccountName shareProcessNamespace subdomain terminationGracePeriodSeconds volumes",
    ),
    ...within("spec.containers[]", container),
    ...within("spec.initContainers[]", container),
  ],
};

/** Whether the API server's complaint about a field (`spec.template`, `spec.ports[0].port`) is about this change. */
export function isAbout(change: Change, field: string): boolean {
  const path = formatPath(change.path);
  const touches = (outer: string, inner: string) =>
    inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`);
  return touches(field, path) || touches(path, field);
}
