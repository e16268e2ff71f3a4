/**
 * What a killed `pulumi` leaves behind in the stack: a lock whose holder is gone, and operations of which the state does
 * not know whether they took place. Pulumi itself asks about each; here the cluster is asked instead.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { kubectl } from "./control-plane.ts";
import { CommandError } from "./exec.ts";
import { say } from "./progress.ts";

interface Resource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly delete?: boolean;
  readonly initErrors?: readonly string[];
  readonly outputs?: unknown;
  readonly inputs?: {
    readonly apiVersion?: string;
    readonly kind?: string;
    readonly metadata?: { readonly name?: string; readonly namespace?: string };
  };
}
interface Operation {
  readonly resource: Resource;
  readonly type: "creating" | "updating" | "deleting" | "reading" | "importing";
}
export interface Deployment {
  readonly resources?: readonly Resource[];
  readonly pending_operations?: readonly Operation[] | null;
}

/** The id of a Kubernetes object that was being created; undefined for resources of other providers. */
function objectId({ type, inputs }: Resource): string | undefined {
  const { name, namespace } = inputs?.metadata ?? {};
  if (!type.startsWith("kubernetes:") || name === undefined) return undefined;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/**
 * The state without its pending operations. An interrupted update is simply done again by the next one. An object that
 * was being deleted and is gone leaves the state. One that was being created and exists is taken over, and awaited again;
 * where it was to replace another one that is still in use, it is deleted instead, and created anew.
 */
export async function recovered<D extends Deployment>(
  state: D,
  find: (resource: Resource) => Promise<Live | undefined>,
): Promise<D> {
  let resources = [...(state.resources ?? [])];
  for (const { type, resource } of state.pending_operations ?? []) {
    const id = objectId(resource);
    if (id === undefined || (type !== "creating" && type !== "deleting")) continue;
    const live = await find(resource);
    if (type === "deleting" && live === undefined) {
      resources = resources.filter((other) => other.urn !== resource.urn || other.id !== resource.id);
    }
    if (type === "creating" && live !== undefined) {
      const outputs = { ...resource.inputs, ...live };
      const replaces = resources.some((other) => other.urn === resource.urn && other.delete !== true);
      const fate = replaces ? { delete: true } : { initErrors: ["the update that created it was interrupted"] };
      resources.push({ ...resource, id, outputs, ...fate });
    }
  }
  return { ...state, resources, pending_operations: [] };
}

interface ManagedField {
  readonly manager: string;
  readonly operation: string;
}

/** What the provider keeps of an object that it has made: without its field manager, it could not change the object. */
interface Live {
  readonly __initialApiVersion?: string;
  readonly __fieldManager?: string;
}

/** Finds an object; one that is being deleted is waited for, and does not count. */
async function findInCluster({ inputs }: Resource): Promise<Live | undefined> {
  const { apiVersion = "", kind = "", metadata } = inputs ?? {};
  const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
  const kindName = group === "" ? kind : `${kind}.${version}.${group}`;
  const namespace = metadata?.namespace === undefined ? [] : ["--namespace", metadata.namespace];
  const object = [kindName, metadata?.name ?? "", ...namespace];
  const found = await kubectl(["get", ...object, "--ignore-not-found", "--show-managed-fields", "-o", "json"]);
  if (found.trim() === "") return undefined;
  const live = JSON.parse(found) as { metadata: { deletionTimestamp?: string; managedFields?: ManagedField[] } };
  if (live.metadata.deletionTimestamp !== undefined) {
    await kubectl(["wait", "--for=delete", ...object, "--timeout=120s"]);
    return undefined;
  }
  const ours = live.metadata.managedFields?.find(
    ({ manager, operation }) => operation === "Apply" && manager.startsWith("pulumi-kubernetes-"),
  );
  return { __initialApiVersion: apiVersion, ...(ours && { __fieldManager: ours.manager }) };
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

/** Frees and mends the stack, if an earlier `pulumi` was killed. `pulumi` runs the CLI and returns its output. */
export async function recoverStack(
  backend: string,
  stack: string,
  pulumi: (args: readonly string[], input?: string) => Promise<string>,
): Promise<void> {
  const locks = join(backend, ".pulumi", "locks", "organization", "meridian", stack);
  const held = existsSync(locks) ? readdirSync(locks) : [];
  if (held.length > 0) {
    const holders = held.map((file) => JSON.parse(readFileSync(join(locks, file), "utf8")) as { pid: number });
    // Somebody is at work on it: Pulumi says so better than we can.
    if (holders.some(({ pid }) => isRunning(pid))) return;
    await pulumi(["cancel", "--yes", "--stack", stack]);
  }
  const file = join(backend, ".pulumi", "stacks", "meridian", `${stack}.json`);
  if (!existsSync(file) || !/"pending_operations":\s*\[\s*\{/.test(readFileSync(file, "utf8"))) return;
  const exported = JSON.parse(await pulumi(["stack", "export", "--stack", stack])) as { deployment: Deployment };
  const names = (exported.deployment.pending_operations ?? []).map(
    ({ type, resource }) => `${type} ${resource.urn.split("::").slice(2).join(" ")}`,
  );
  say(`! an earlier update was interrupted (${names.join(", ")}); mending the stack`);
  let deployment: Deployment;
  try {
    deployment = await recovered(exported.deployment, findInCluster);
  } catch (error) {
    // Without an answer from the cluster nothing is decided: the next command asks again.
    if (error instanceof CommandError)
      return say(`! the cluster does not answer, so the stack stays as it is: ${error.message}`);
    throw error;
  }
  await pulumi(["stack", "import", "--stack", stack], JSON.stringify({ ...exported, deployment }));
}
