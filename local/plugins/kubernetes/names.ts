/** What a resource is called: in the program's type tokens, in the cluster, and in the state. */
import { createHash, randomBytes } from "node:crypto";
import { at, isBag, unknownValue, type Bag, type CheckRequest } from "../serve.ts";

export const autonamed = "pulumi.com/autonamed";

/** `kubernetes:apps/v1:Deployment` → `apps/v1`, `Deployment`; the group `core` is the one without a name. */
export function kindOfToken(token: string): { apiVersion: string; kind: string } {
  const [, module = "", kind = ""] = token.split(":");
  return { apiVersion: module.replace(/^core\//, ""), kind };
}

/** One sentence if this plugin cannot handle the type, otherwise undefined. */
export function unsupported(token: string): string | undefined {
  const { apiVersion, kind } = kindOfToken(token);
  const lacks = `the stand-in plugin of the local kit has no ${token}: use the official Kubernetes plugin for it`;
  if (/^(helm\.sh|yaml|kustomize)(\/|$)/.test(apiVersion)) return lacks;
  if (kind.endsWith("Patch") && apiVersion !== "") return lacks;
  if (kind.endsWith("List")) return `${token} exists for YAML manifests only: create the objects in it one by one`;
  if (apiVersion === "" || kind === "") return `${token} is not a Kubernetes resource type`;
  return undefined;
}

/** The resource's id in the state. */
export function idOf(object: Bag): string {
  const namespace = at(object, "metadata", "namespace");
  const name = String(at(object, "metadata", "name"));
  return typeof namespace === "string" && namespace !== "" ? `${namespace}/${name}` : name;
}

export function parseId(id: string): { namespace?: string; name: string } {
  const slash = id.indexOf("/");
  return slash < 0 ? { name: id } : { namespace: id.slice(0, slash), name: id.slice(slash + 1) };
}

/** Gives the inputs a name if they have none: that of the last update, what the stack's settings want, or a new one. */
export function withName(
  news: Bag,
  request: Pick<CheckRequest, "olds" | "autonaming" | "randomSeed">,
  name: string,
): Bag {
  const metadata = news["metadata"];
  if (metadata === unknownValue) return news;
  if (at(news, "metadata", "name")) return news;
  if (at(news, "metadata", "generateName")) {
    throw new Error("metadata.generateName is not supported with server-side apply: leave it out to get a name");
  }
  const old = at(request.olds, "metadata", "name");
  const hasOld = typeof old === "string" && annotation(request.olds, autonamed) === "true";
  if (!hasOld && request.autonaming?.mode === "disable") {
    throw new Error("metadata.name must be set, since pulumi:autonaming is disabled for this stack");
  }
  const proposed = request.autonaming?.proposedName || `${name}-${suffix(request.randomSeed)}`;
  const given = isBag(metadata) ? metadata : {};
  const annotations = isBag(given["annotations"]) ? given["annotations"] : {};
  return {
    ...news,
    metadata: { ...given, annotations: { ...annotations, [autonamed]: "true" }, name: hasOld ? old : proposed },
  };
}

/** Eight hexadecimal digits, which the seed makes the same in the preview and in the update. */
function suffix(seed: Buffer): string {
  return (seed.length > 0 ? createHash("sha256").update(seed).digest() : randomBytes(4)).toString("hex").slice(0, 8);
}

export function annotation(object: Bag, name: string): string | undefined {
  const value = at(object, "metadata", "annotations", name);
  return typeof value === "string" ? value : undefined;
}

/** Which server-side apply manager the resource writes as: the same for its whole life, so that it owns its fields. */
export function fieldManager(inputs: Bag, state: Bag, seed?: string): string {
  const given = annotation(inputs, "pulumi.com/patchFieldManager") ?? state["__fieldManager"];
  if (typeof given === "string" && given !== "") return given;
  return `pulumi-kubernetes-${suffix(Buffer.from(seed ?? ""))}`;
}

const clusterScoped = new Set(
  (
    "Namespace Node PersistentVolume ComponentStatus StorageClass CSIDriver CSINode VolumeAttachment PriorityClass " +
    "ClusterRole ClusterRoleBinding CustomResourceDefinition APIService IngressClass RuntimeClass " +
    "MutatingWebhookConfiguration ValidatingWebhookConfiguration ValidatingAdmissionPolicy " +
    "ValidatingAdmissionPolicyBinding CertificateSigningRequest FlowSchema PriorityLevelConfiguration " +
    "DeviceClass VolumeAttributesClass"
  ).split(" "),
);

/** Whether a kind of Kubernetes itself is outside of namespaces, for when there is no cluster to ask. */
export function isClusterScoped(kind: string): boolean {
  return clusterScoped.has(kind);
}
