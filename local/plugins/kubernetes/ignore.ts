/**
 * The option `ignoreChanges` under server-side apply: what is ignored must not be set back.
 *
 * The engine has put the value of the last update into the inputs. Applied as it is, it would undo what an autoscaler
 * did since; left out, it would be removed from the object. So a field that others own alone is left out, and one that
 * is also this resource's own is applied with the value that it has now.
 */
import { at, isBag, type Bag, type Path, type Value } from "../serve.ts";

export function withoutIgnored(inputs: Bag, live: Bag, ignored: readonly string[], manager: string): Bag {
  return ignored.map(parsePath).reduce((result, path) => {
    if (path.length === 0 || path.includes("*")) return result;
    const owners = ownersOf(live, path);
    if (owners.length > 0 && !owners.includes(manager)) return changed(result, path, undefined) as Bag;
    const now = at(live, ...path);
    return now === undefined ? result : (changed(result, path, now) as Bag);
  }, inputs);
}

/** `spec.replicas`, `metadata.annotations["a.b/c"]`, `spec.containers[0].image`. */
export function parsePath(text: string): Path {
  return [...text.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.[\]]+)/g)].map(([, quoted, index, plain]) => {
    if (quoted !== undefined) return quoted.replace(/\\(.)/g, "$1");
    if (index !== undefined) return index === "*" ? "*" : Number(index);
    return plain ?? "";
  });
}

/** Managers of the field itself or of anything in it. Items of lists have keys of their own and are not looked up. */
function ownersOf(live: Bag, path: Path): string[] {
  if (path.some((step) => typeof step === "number")) return [];
  const list = at(live, "metadata", "managedFields");
  return (Array.isArray(list) ? list : [])
    .filter(isBag)
    .filter((entry) => at(entry, "fieldsV1", ...path.map((step) => `f:${step}`)) !== undefined)
    .map((entry) => String(entry["manager"]));
}

function changed(value: Value | undefined, [step, ...rest]: Path, to: Value | undefined): Value | undefined {
  if (step === undefined) return to;
  if (Array.isArray(value) && typeof step === "number") {
    return value.map((item, index) => (index === step ? (changed(item, rest, to) ?? item) : item));
  }
  if (!isBag(value)) return value;
  const inner = changed(value[step], rest, to);
  const others = Object.fromEntries(Object.entries(value).filter(([key]) => key !== String(step)));
  return inner === undefined ? others : { ...others, [step]: inner };
}
