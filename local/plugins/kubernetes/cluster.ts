/** Writes objects to the cluster as the official plugin does: create, server-side apply, delete, each also as a dry run. */
import { setTimeout as sleep } from "node:timers/promises";
import { at, omit, type Bag, type Call } from "../serve.ts";
import { untilGone } from "./await/wait.ts";
import { groupKind } from "./await/rules.ts";
import { ApiError, immutableFields, isNamespaceMissing, isNotFound, isStale, NoSuchKind } from "./errors.ts";
import { withoutIgnored } from "./ignore.ts";
import { adoption, needsAdoption } from "./managers.ts";
import { annotation, idOf } from "./names.ts";
import { refOf, type Objects, type Ref } from "./objects.ts";

type Progress = Pick<Call, "signal" | "status">;

/** Pauses before creating is tried again, in seconds. */
const retries = [1, 2, 4, 8, 16];

/**
 * Creates an object, unless it exists. If its namespace or its kind does not exist yet, it may be on its way: this is
 * tried again for half a minute.
 *
 * The official plugin creates with a plain request since 4.29, and turns that into an applied configuration at the first
 * update. Until then a dry run cannot show what is taken out of the object; applying from the start can.
 */
export async function create(
  objects: Objects,
  inputs: Bag,
  fieldManager: string,
  { upsert, type, name }: { upsert: boolean; type: string; name: string },
  { signal, status }: Progress,
): Promise<Bag> {
  for (let attempt = 0; ; attempt++) {
    try {
      if (!upsert && (await objects.find(refOf(inputs), signal)) !== undefined) {
        throw new Error(
          `${String(inputs["kind"])} ${idOf(inputs)} exists already: take it over with ` +
            `"pulumi import ${type} ${name} ${idOf(inputs)}", or give this one another metadata.name`,
        );
      }
      return await objects.apply(inputs, { fieldManager, dryRun: false, signal, force: isForced(inputs) });
    } catch (error) {
      const pause = retries[attempt];
      const isEarly = isNamespaceMissing(error) || error instanceof NoSuchKind || isNotFound(error);
      if (pause === undefined || !isEarly) throw error;
      status(`Retry #${attempt + 1} in ${pause} s; creation failed: ${(error as Error).message}`);
      await sleep(pause * 1000, undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
}

export interface Update {
  readonly inputs: Bag;
  readonly fieldManager: string;
  readonly ignoreChanges: readonly string[];
  readonly dryRun: boolean;
  readonly signal?: AbortSignal;
}

/** Changes an object to what the inputs say, and leaves alone what they do not mention. */
export async function update(objects: Objects, ref: Ref, request: Update): Promise<Bag> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await tryUpdate(objects, ref, request);
    } catch (error) {
      if (!isStale(error) || attempt >= 5) throw error;
    }
  }
}

async function tryUpdate(objects: Objects, ref: Ref, request: Update): Promise<Bag> {
  const { inputs, fieldManager, dryRun, signal } = request;
  let live = await objects.get(ref, signal).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    throw new Error(`${ref.kind} ${idOf(inputs)} is gone from the cluster: run "pulumi refresh", then update again`);
  });
  if (groupKind(inputs) === "apiextensions.k8s.io/CustomResourceDefinition") {
    // A definition is replaced as a whole: applying would merge versions that were meant to go.
    const resourceVersion = at(live, "metadata", "resourceVersion") ?? "";
    const metadata = { ...(inputs["metadata"] as Bag), resourceVersion };
    return objects.replace({ ...inputs, metadata }, { fieldManager, dryRun, signal });
  }
  const adopts = needsAdoption(live);
  const patch = dryRun ? undefined : adoption(live, fieldManager);
  if (patch) live = await objects.patch(ref, patch, signal);
  const body = withoutIgnored(inputs, live, request.ignoreChanges, fieldManager);
  // A dry run cannot take over fields first. Forcing comes near, but what is taken out stays in its result, and if that
  // is not valid, it says nothing of the update.
  const force = isForced(inputs) || (dryRun && adopts);
  return objects.apply(body, { fieldManager, dryRun, signal, force }).catch((error: unknown) => {
    const isGuess = dryRun && adopts && error instanceof ApiError && error.status === 422;
    if (isGuess && immutableFields(error).length === 0) return body;
    throw error;
  });
}

function isForced(inputs: Bag): boolean {
  return (
    annotation(inputs, "pulumi.com/patchForce") === "true" || process.env["PULUMI_K8S_ENABLE_PATCH_FORCE"] === "true"
  );
}

// The official plugin does not wait for these to be gone if they are not waited for to be ready.
const skipsGone = new Set([
  "/Namespace",
  "/Pod",
  "/ReplicationController",
  "apps/DaemonSet",
  "apps/Deployment",
  "apps/StatefulSet",
  "batch/Job",
]);

/** Deletes an object and waits until it is gone, with all that belongs to it. */
export async function remove(objects: Objects, ref: Ref, inputs: Bag, timeoutSeconds: number, progress: Progress) {
  const live = await objects.find(ref, progress.signal);
  if (live === undefined) return;
  const wish = annotation(inputs, "pulumi.com/deletionPropagationPolicy")?.toLowerCase();
  const policy = wish === "orphan" ? "Orphan" : wish === "background" ? "Background" : "Foreground";
  try {
    await objects.delete(ref, policy, progress.signal);
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
  if (annotation(inputs, "pulumi.com/skipAwait") === "true" && skipsGone.has(groupKind(live))) return;
  const uid = String(at(live, "metadata", "uid") ?? "");
  const problem = await untilGone({ objects, ref, inputs, timeoutSeconds, ...progress }, uid);
  if (problem !== undefined) throw new Error(problem);
}

const dashed = /^x_kubernetes_/;

/** The SDKs write `x-kubernetes-*` of custom resource definitions with underscores. */
export function withDashes(value: Bag): Bag {
  return renamed(value, (key) => (dashed.test(key) ? key.replaceAll("_", "-") : key));
}

export function withUnderscores(value: Bag): Bag {
  return renamed(value, (key) => (key.startsWith("x-kubernetes-") ? key.replaceAll("-", "_") : key));
}

function renamed(value: Bag, name: (key: string) => string): Bag {
  if (value["kind"] !== "CustomResourceDefinition") return value;
  const walk = (item: Bag[string]): Bag[string] => {
    if (Array.isArray(item)) return item.map(walk);
    if (typeof item !== "object" || item === null) return item;
    return Object.fromEntries(Object.entries(item).map(([key, inner]) => [name(key), walk(inner)]));
  };
  return { ...value, ...(walk(omit(value, "metadata")) as Bag) };
}
