/** When workloads are ready: the rules of the official plugin. */
import { at, type Bag } from "../../serve.ts";
import { bags, condition, count, hopeless, isBehind, ready, replicas, text, waiting, type Verdict } from "./verdict.ts";

export function deployment(live: Bag): Verdict {
  const wanted = replicas(live);
  const [updated, available] = [count(live, "status", "updatedReplicas"), count(live, "status", "availableReplicas")];
  if (isBehind(live)) return waiting("[1/2] Waiting for the Deployment controller to see the change");
  const progressing = condition(live, "Progressing");
  const isLate = progressing?.status === "False" && progressing.reason === "ProgressDeadlineExceeded";
  if (isLate && !isOutdated(live, "Progressing")) {
    return hopeless(`[${progressing.reason}] ${progressing.message}`);
  }
  // A paused Deployment is meant to stand still.
  if (live["spec"] && (live["spec"] as Bag)["paused"] === true) return ready("paused");
  const failure = condition(live, "ReplicaFailure");
  const why = failure?.status === "True" ? `: ${failure.message}` : "";
  const rolledOut = progressing?.status === "True" && progressing.reason === "NewReplicaSetAvailable";
  if (!rolledOut || updated < wanted || available < wanted) {
    const number = Math.min(updated, available);
    return waiting(`[1/2] Waiting for app ReplicaSet to be available (${number}/${wanted} Pods available)${why}`);
  }
  if (condition(live, "Available")?.status !== "True") {
    return waiting("[2/2] Waiting for the Deployment to be available");
  }
  return ready("Deployment initialization complete");
}

/** Whether a condition is from before the spec's latest change: back at an earlier release, it stays until all is well. */
function isOutdated(live: Bag, type: string): boolean {
  const said = bags(live, "status", "conditions").find((item) => item["type"] === type) ?? {};
  const time = text(said, "lastUpdateTime");
  const changes = bags(live, "metadata", "managedFields").filter((entry) => at(entry, "fieldsV1", "f:spec"));
  return time !== "" && changes.some((entry) => text(entry, "time") >= time);
}

export function statefulSet(live: Bag): Verdict {
  const wanted = replicas(live);
  if (isBehind(live)) return waiting("[1/3] Waiting for the StatefulSet controller to see the change");
  const readyNow = count(live, "status", "readyReplicas");
  const strategy = text(live, "spec", "updateStrategy", "type") || "RollingUpdate";
  const partition = count(live, "spec", "updateStrategy", "rollingUpdate", "partition");
  const updated = count(live, "status", "updatedReplicas");
  const toUpdate = strategy === "OnDelete" ? 0 : Math.max(0, wanted - partition);
  const sameRevision = text(live, "status", "currentRevision") === text(live, "status", "updateRevision");
  if (updated < toUpdate || (toUpdate === wanted && toUpdate > 0 && !sameRevision)) {
    return waiting(`[1/3] Waiting for StatefulSet update to roll out (${updated}/${toUpdate} Pods updated)`);
  }
  if (readyNow < wanted) {
    return waiting(`[2/3] Waiting for StatefulSet Pods to be ready (${readyNow}/${wanted} Pods ready)`);
  }
  if (count(live, "status", "replicas") > wanted) {
    return waiting(`[3/3] Waiting for surplus Pods to go (${count(live, "status", "replicas")} of ${wanted} left)`);
  }
  return ready("StatefulSet initialization complete");
}

export function daemonSet(live: Bag): Verdict {
  if (isBehind(live)) return waiting("[1/2] Waiting for the DaemonSet controller to see the change");
  const wanted = count(live, "status", "desiredNumberScheduled");
  const updated = count(live, "status", "updatedNumberScheduled");
  const available = count(live, "status", "numberAvailable");
  if (text(live, "spec", "updateStrategy", "type") !== "OnDelete" && updated < wanted) {
    return waiting(`[1/2] Waiting for DaemonSet update to roll out (${updated}/${wanted} Pods updated)`);
  }
  return available < wanted
    ? waiting(`[2/2] Waiting for DaemonSet Pods to be available (${available}/${wanted} Pods available)`)
    : ready("DaemonSet initialization complete");
}

export function replicaSet(live: Bag): Verdict {
  const [wanted, now] = [replicas(live), count(live, "status", "readyReplicas")];
  if (isBehind(live) || now < wanted) return waiting(`Waiting for Pods to be ready (${now}/${wanted} Pods ready)`);
  return ready();
}

export function pod(live: Bag): Verdict {
  const phase = text(live, "status", "phase");
  if (phase === "Succeeded" || condition(live, "Ready")?.status === "True") return ready("Pod initialization complete");
  if (phase === "Failed")
    return hopeless(`Pod failed: ${text(live, "status", "reason") || "a container ended in error"}`);
  const scheduled = condition(live, "PodScheduled");
  if (scheduled?.status !== "True") {
    return waiting(`[1/3] Waiting for Pod to be scheduled${scheduled?.message ? `: ${scheduled.message}` : ""}`);
  }
  const initialized = condition(live, "Initialized")?.status === "True";
  return waiting(initialized ? "[3/3] Waiting for containers to be ready" : "[2/3] Waiting for init containers to end");
}

export function job(live: Bag): Verdict {
  if (condition(live, "Complete")?.status === "True") return ready("Job completed");
  const failed = condition(live, "Failed");
  if (failed?.status === "True") return hopeless(`Job failed: [${failed.reason}] ${failed.message}`);
  if (condition(live, "Suspended")?.status === "True") return ready("suspended");
  const wanted = count(live, "spec", "completions") || 1;
  const [done, active, lost] = ["succeeded", "active", "failed"].map((key) => count(live, "status", key));
  if (!text(live, "status", "startTime")) return waiting("[1/2] Waiting for Job to start");
  return waiting(
    `[2/2] Waiting for Job to succeed (${done}/${wanted} Pods succeeded, ${active} active, ${lost} failed)`,
  );
}
