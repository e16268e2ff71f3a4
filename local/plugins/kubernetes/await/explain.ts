/** Why is it not ready? Finds the Pods of an object and says which container of which Pod is in trouble, and why. */
import { at, isBag, type Bag } from "../../serve.ts";
import { refOf, type Objects } from "../objects.ts";
import { groupKind } from "./rules.ts";
import { bags, condition, count, text } from "./verdict.ts";

/** So many Pods are described; the others most likely have the same trouble. */
const described = 3;
const logLines = 10;

/** One text for each Pod in trouble, with its last log lines if wished. Never throws: it is help, not the result. */
export async function explain(objects: Objects, live: Bag, withLogs: boolean): Promise<string[]> {
  try {
    const signal = AbortSignal.timeout(10_000);
    const pods = await podsOf(objects, live, signal);
    const found: string[] = [];
    for (const pod of pods) {
      const trouble = podTrouble(pod);
      if (trouble === undefined) continue;
      const event = trouble.needsEvent ? await lastWarning(objects, pod, signal) : "";
      const logs = withLogs && trouble.container ? await lastLines(objects, pod, trouble.container, signal) : "";
      found.push(`Pod ${text(pod, "metadata", "name")}: ${trouble.message}${event}${logs}`);
      if (found.length === described) break;
    }
    // Without Pods in trouble, it is those that are not there: a quota, an admission refusal, a missing service account.
    if (found.length === 0) found.push(...(await controllerTrouble(objects, live, signal)));
    return found;
  } catch {
    return [];
  }
}

async function podsOf(objects: Objects, live: Bag, signal: AbortSignal): Promise<Bag[]> {
  if (groupKind(live) === "/Pod") return [live];
  const namespace = text(live, "metadata", "namespace");
  const labelSelector = selectorOf(live);
  if (labelSelector === "") return [];
  const pods = await objects.list(
    { apiVersion: "v1", kind: "Pod", namespace },
    { labelSelector, limit: "500" },
    signal,
  );
  const alive = pods.filter((pod) => !at(pod, "metadata", "deletionTimestamp"));
  if (groupKind(live) !== "apps/Deployment") return alive;
  const newest = await newestReplicaSet(objects, live, signal);
  return newest === undefined ? alive : alive.filter((pod) => isOwnedBy(pod, text(newest, "metadata", "uid")));
}

/** The ReplicaSet that a Deployment rolls out to: the Pods of earlier ones are not the trouble. */
async function newestReplicaSet(objects: Objects, live: Bag, signal: AbortSignal): Promise<Bag | undefined> {
  const revision = "deployment.kubernetes.io/revision";
  const namespace = text(live, "metadata", "namespace");
  const kind = { apiVersion: "apps/v1", kind: "ReplicaSet", namespace };
  const sets = await objects.list(kind, { labelSelector: selectorOf(live) }, signal);
  return sets.find(
    (set) =>
      isOwnedBy(set, text(live, "metadata", "uid")) &&
      at(set, "metadata", "annotations", revision) === at(live, "metadata", "annotations", revision),
  );
}

function isOwnedBy(object: Bag, uid: string): boolean {
  return bags(object, "metadata", "ownerReferences").some((owner) => owner["uid"] === uid);
}

/** The label selector as the API takes it in a query. */
export function selectorOf(live: Bag): string {
  const selector = at(live, "spec", "selector");
  if (!isBag(selector)) return "";
  const isPlain = !("matchLabels" in selector) && !("matchExpressions" in selector);
  const labels = isPlain ? selector : selector["matchLabels"];
  const terms = Object.entries(isBag(labels) ? labels : {}).map(([key, value]) => `${key}=${String(value)}`);
  for (const { key, operator, values } of isPlain ? [] : bags(selector, "matchExpressions")) {
    const list = Array.isArray(values) ? `(${values.join(",")})` : "";
    const forms: Record<string, string> = {
      In: `${String(key)} in ${list}`,
      NotIn: `${String(key)} notin ${list}`,
      Exists: String(key),
      DoesNotExist: `!${String(key)}`,
    };
    terms.push(forms[String(operator)] ?? "");
  }
  return terms.filter(Boolean).join(",");
}

export interface Trouble {
  readonly message: string;
  /** Whose log may tell more. */
  readonly container?: string;
  /** The status does not say why: the latest warning may. */
  readonly needsEvent?: boolean;
}

/** What is wrong with a Pod, as far as its status says; undefined if it is fine. */
export function podTrouble(pod: Bag): Trouble | undefined {
  const phase = text(pod, "status", "phase");
  if (phase === "Succeeded" || condition(pod, "Ready")?.status === "True") return undefined;
  const scheduled = condition(pod, "PodScheduled");
  if (scheduled?.status === "False")
    return { message: `it is not scheduled: ${scheduled.message || scheduled.reason}` };
  for (const list of ["initContainerStatuses", "containerStatuses"]) {
    for (const status of bags(pod, "status", list)) {
      const trouble = containerTrouble(status, list === "initContainerStatuses");
      if (trouble) return trouble;
    }
  }
  if (phase === "Failed") {
    const [reason, message] = [text(pod, "status", "reason"), text(pod, "status", "message")];
    return { message: `it has failed: ${[reason, message].filter(Boolean).join(": ") || "no reason is given"}` };
  }
  return { message: "its containers have not started", needsEvent: true };
}

function containerTrouble(status: Bag, isInit: boolean): Trouble | undefined {
  const container = text(status, "name");
  const name = `${isInit ? "init container" : "container"} "${container}"`;
  const waiting = at(status, "state", "waiting");
  const ended = at(status, "state", "terminated") ?? at(status, "lastState", "terminated");
  const exit = isBag(ended) ? exitOf(ended) : "";
  if (isBag(waiting)) {
    const [reason, message] = [text(waiting, "reason"), text(waiting, "message")];
    if (reason === "ContainerCreating" || reason === "PodInitializing") {
      return isInit || reason === "ContainerCreating"
        ? { message: `${name} is not created yet`, needsEvent: true }
        : undefined;
    }
    if (reason === "CrashLoopBackOff") {
      const restarts = count(status, "restartCount");
      return { message: `${name} keeps crashing (CrashLoopBackOff): ${exit}, restarted ${restarts} times`, container };
    }
    return { message: `${name} is waiting: ${[reason, message].filter(Boolean).join(": ")}` };
  }
  if (isBag(at(status, "state", "terminated"))) {
    if (count(status, "state", "terminated", "exitCode") === 0 && isInit) return undefined;
    return { message: `${name} ${exit}`, container };
  }
  if (isInit || status["ready"] === true) return undefined;
  const restarts = count(status, "restartCount");
  const history = restarts > 0 ? `, restarted ${restarts} times, ${exit}` : "";
  return { message: `${name} runs but is not ready${history}`, container, needsEvent: true };
}

function exitOf(terminated: Bag): string {
  const [reason, message] = [text(terminated, "reason"), text(terminated, "message").trim()];
  const details = [reason, message].filter(Boolean).join(": ");
  return `exited with code ${count(terminated, "exitCode")}${details ? ` (${details})` : ""}`;
}

/** The latest warning about an object, such as a failing probe or a volume that cannot be mounted. */
async function lastWarning(objects: Objects, object: Bag, signal: AbortSignal): Promise<string> {
  const namespace = text(object, "metadata", "namespace");
  const fieldSelector = `involvedObject.uid=${text(object, "metadata", "uid")},type=Warning`;
  const events = await objects.list({ apiVersion: "v1", kind: "Event", namespace }, { fieldSelector }, signal);
  const time = (event: Bag) =>
    text(event, "lastTimestamp") || text(event, "eventTime") || text(event, "metadata", "creationTimestamp");
  const last = events.sort((one, other) => time(one).localeCompare(time(other))).at(-1);
  return last === undefined ? "" : `: ${text(last, "reason")}: ${text(last, "message").trim()}`;
}

async function lastLines(objects: Objects, pod: Bag, container: string, signal: AbortSignal): Promise<string> {
  const path = `${await objects.path(refOf({ apiVersion: "v1", kind: "Pod", ...pod }))}/log`;
  for (const previous of ["false", "true"]) {
    const query = { container, tailLines: String(logLines), previous };
    const log = await objects.client.text("GET", path, { query, signal }).catch(() => "");
    const lines = log.trimEnd();
    if (lines !== "") return `; its last log lines:\n${lines.replace(/^/gm, "    ")}`;
  }
  return "";
}

async function controllerTrouble(objects: Objects, live: Bag, signal: AbortSignal): Promise<string[]> {
  const set = groupKind(live) === "apps/Deployment" ? await newestReplicaSet(objects, live, signal) : undefined;
  const owner = set ?? live;
  const warning = await lastWarning(objects, owner, signal);
  return warning === ""
    ? []
    : [`${String(set ? "ReplicaSet" : live["kind"])} ${text(owner, "metadata", "name")}${warning}`];
}
