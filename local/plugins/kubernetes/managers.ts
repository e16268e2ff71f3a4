/**
 * Who owns which field of an object.
 *
 * The API server keeps a list of managers. What was created with a plain request belongs to its manager as an "Update":
 * that of the official plugin, or `kubectl`. Before the first server-side apply it must become the "Apply" of this
 * resource, or applying would conflict and could never remove a field.
 */
import { at, isBag, type Bag, type Value } from "../serve.ts";

// Prefixes: kubectl-edit, kubectl-client-side-apply, pulumi-kubernetes-1a2b3c4d …
const adoptable = [
  ["kubectl", "Apply"],
  ["kubectl", "Update"],
  ["before-first-apply", "Update"],
  ["pulumi-kubernetes", "Update"],
  ["pulumi-resource-kubernetes", "Update"],
] as const;

function isAdoptable(entry: Bag): boolean {
  const manager = String(entry["manager"]);
  return (
    !entry["subresource"] &&
    adoptable.some(([prefix, operation]) => manager.startsWith(prefix) && entry["operation"] === operation)
  );
}

function entries(live: Bag): Bag[] {
  const list = at(live, "metadata", "managedFields");
  return (Array.isArray(list) ? list : []).filter(isBag);
}

/** Whether {@link adoption} has anything to do. */
export function needsAdoption(live: Bag): boolean {
  return entries(live).some(isAdoptable);
}

/** The JSON patch that makes the manager the applier of all fields that it may adopt; undefined if there are none. */
export function adoption(live: Bag, manager: string): Bag[] | undefined {
  const all = entries(live);
  const adopted = all.filter(isAdoptable);
  if (adopted.length === 0) return undefined;
  const isOwn = (entry: Bag) => entry["manager"] === manager && entry["operation"] === "Apply" && !entry["subresource"];
  const own = all.find(isOwn);
  const base = own ?? { ...adopted[0], manager, operation: "Apply" };
  const fieldsV1 = [...(own ? [own] : []), ...adopted].map((entry) => entry["fieldsV1"]).reduce(union, {});
  const rest = all.filter((entry) => !isAdoptable(entry) && !isOwn(entry));
  return [
    { op: "replace", path: "/metadata/managedFields", value: [...rest, { ...base, fieldsV1: fieldsV1 ?? {} }] },
    // The list is only right for the version of the object that was read.
    { op: "replace", path: "/metadata/resourceVersion", value: at(live, "metadata", "resourceVersion") ?? "" },
  ];
}

function union(one: Value | undefined, other: Value | undefined): Value {
  if (!isBag(one) || !isBag(other)) return one ?? other ?? {};
  const result: Bag = { ...one };
  for (const [key, value] of Object.entries(other)) result[key] = key in one ? union(one[key], value) : value;
  return result;
}
