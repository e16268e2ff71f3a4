/** Which rule of readiness goes with which kind; kinds without one are ready when they exist. */
import { at, isBag, type Bag } from "../../serve.ts";
import type { Objects } from "../objects.ts";
import { bags, condition, hopeless, ready, text, waiting, type Rule, type Verdict } from "./verdict.ts";
import { daemonSet, deployment, job, pod, replicaSet, statefulSet } from "./workloads.ts";

const rules: Readonly<Record<string, Rule>> = {
  "apps/Deployment": deployment,
  "apps/StatefulSet": statefulSet,
  "apps/DaemonSet": daemonSet,
  "batch/Job": job,
  "/Pod": pod,
  "/ReplicationController": replicaSet,
  "/Service": service,
  "/PersistentVolumeClaim": persistentVolumeClaim,
  "/PersistentVolume": persistentVolume,
  "/Namespace": (live) =>
    text(live, "status", "phase") === "Active" ? ready() : waiting("Waiting for Namespace to be active"),
  "/ResourceQuota": (live) =>
    at(live, "status", "hard") ? ready() : waiting("Waiting for ResourceQuota to be counted"),
  "networking.k8s.io/Ingress": ingress,
  "apiextensions.k8s.io/CustomResourceDefinition": (live) =>
    condition(live, "Established")?.status === "True" ? ready() : waiting("Waiting for the definition to be served"),
};

/** `apps/Deployment`, `/Pod`: the kind without its version. */
export function groupKind(object: Bag): string {
  const [group, version] = String(object["apiVersion"]).split("/");
  return `${version === undefined ? "" : group}/${String(object["kind"])}`;
}

export function ruleFor(object: Bag): Rule | undefined {
  return rules[groupKind(object)];
}

/** What must be watched besides the object itself. */
export function watchedToo(object: Bag): { apiVersion: string; kind: string; selector: string }[] {
  if (groupKind(object) !== "/Service") return [];
  return [{ ...slices, selector: `kubernetes.io/service-name=${text(object, "metadata", "name")}` }];
}

/** Default of the time to wait, in seconds. */
export function defaultTimeout(object: Bag): number {
  return groupKind(object).startsWith("/PersistentVolume") ? 300 : 600;
}

const slices = { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice" } as const;

interface Endpoints {
  readonly exist: boolean;
  readonly ready: number;
  readonly notReady: number;
}

async function endpointsOf(objects: Objects, namespace: string, name: string, signal: AbortSignal): Promise<Endpoints> {
  const labelSelector = `kubernetes.io/service-name=${name}`;
  const list = await objects.list({ ...slices, namespace }, { labelSelector }, signal);
  const all = list
    .flatMap((slice) => bags(slice, "endpoints"))
    .filter((endpoint) => at(endpoint, "conditions", "terminating") !== true)
    .map((endpoint) => at(endpoint, "conditions", "ready") !== false);
  const readyNow = all.filter(Boolean).length;
  return { exist: list.length > 0, ready: readyNow, notReady: all.length - readyNow };
}

/**
 * All Pods that the Service selects must be ready, however many; a load balancer must have its address.
 *
 * The official plugin looks only at endpoints, and waits ten seconds for them to settle. Here the Pods are asked for too,
 * which tells whether endpoints are still to come.
 */
async function service(live: Bag, objects: Objects, signal: AbortSignal): Promise<Verdict> {
  const selector = at(live, "spec", "selector");
  const type = text(live, "spec", "type");
  const selects = isBag(selector) && Object.keys(selector).length > 0;
  if (type !== "ExternalName" && text(live, "spec", "clusterIP") !== "None" && selects) {
    const namespace = text(live, "metadata", "namespace");
    const labelSelector = Object.entries(selector)
      .map(([key, value]) => `${key}=${String(value)}`)
      .join(",");
    const [endpoints, pods] = await Promise.all([
      endpointsOf(objects, namespace, text(live, "metadata", "name"), signal),
      objects.list({ apiVersion: "v1", kind: "Pod", namespace }, { labelSelector }, signal),
    ]);
    const alive = pods.filter(
      (item) => !at(item, "metadata", "deletionTimestamp") && !/Succeeded|Failed/.test(text(item, "status", "phase")),
    ).length;
    if (!endpoints.exist || endpoints.notReady > 0 || endpoints.ready < alive) {
      return waiting(`[1/3] Finding Pods to direct traffic to (${endpoints.ready} of ${alive} selected Pods ready)`);
    }
  }
  if (type === "LoadBalancer" && bags(live, "status", "loadBalancer", "ingress").length === 0) {
    return waiting("[2/3] Attempting to allocate IP address to Service");
  }
  return ready("Service initialization complete");
}

async function ingress(live: Bag, objects: Objects, signal: AbortSignal): Promise<Verdict> {
  const namespace = text(live, "metadata", "namespace");
  const backends = [
    at(live, "spec", "defaultBackend"),
    ...bags(live, "spec", "rules").flatMap((rule) => bags(rule, "http", "paths").map((path) => path["backend"])),
  ];
  const names = new Set(backends.map((backend) => at(backend, "service", "name")).filter((name) => name !== undefined));
  for (const name of names) {
    const target = await objects.find({ apiVersion: "v1", kind: "Service", namespace, name: String(name) }, signal);
    if (target === undefined)
      return waiting(`[1/3] Finding a matching Service for each path (no Service ${String(name)})`);
    if (text(target, "spec", "type") === "ExternalName") continue;
    const endpoints = await endpointsOf(objects, namespace, String(name), signal);
    if (endpoints.ready === 0) {
      return waiting(`[1/3] Finding a matching Service for each path (Service ${String(name)} has no ready Pods)`);
    }
  }
  return bags(live, "status", "loadBalancer", "ingress").length === 0
    ? waiting("[2/3] Waiting for update of .status.loadBalancer with hostname/IP (is an ingress controller running?)")
    : ready("Ingress initialization complete");
}

async function persistentVolumeClaim(live: Bag, objects: Objects, signal: AbortSignal): Promise<Verdict> {
  const phase = text(live, "status", "phase");
  if (phase === "Bound") return ready();
  if (phase === "Lost") return hopeless("the PersistentVolume that the claim was bound to is gone");
  const name = text(live, "spec", "storageClassName");
  const storageClass =
    name === ""
      ? undefined
      : await objects.find({ apiVersion: "storage.k8s.io/v1", kind: "StorageClass", name }, signal);
  if (text(storageClass ?? {}, "volumeBindingMode") === "WaitForFirstConsumer") {
    return ready("the volume is made when the first Pod uses it");
  }
  const why = name !== "" && storageClass === undefined ? ` (there is no StorageClass ${name})` : "";
  return waiting(`Waiting for PersistentVolumeClaim to be bound, it is ${phase || "new"}${why}`);
}

function persistentVolume(live: Bag): Verdict {
  const phase = text(live, "status", "phase");
  if (phase === "Available" || phase === "Bound") return ready();
  if (phase === "Failed") return hopeless(text(live, "status", "message") || "the volume has failed");
  return waiting(`Waiting for PersistentVolume to be available, it is ${phase || "new"}`);
}
