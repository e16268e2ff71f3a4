/** Small things that the provider's methods have in common. */
import { at, isBag, omit, type Bag, type DiffRequest, type Path, type State } from "../serve.ts";
import { withUnderscores } from "./cluster.ts";
import { ApiError, NoSuchKind, type Unreachable } from "./errors.ts";
import { cleaned, stateOf } from "./live.ts";
import { idOf, kindOfToken, parseId } from "./names.ts";
import type { Ref } from "./objects.ts";

/** The state of a live object, with names as the SDKs have them. */
export function state(live: Bag, inputs: Bag, manager: string, secrets: readonly Path[], olds: Bag = {}): State {
  return stateOf(withUnderscores(live), withUnderscores(inputs), manager, secrets, olds);
}

/** Old and new inputs with the same notion of what the object is called, so that only real changes are left. */
export function comparable({ oldInputs, oldOutputs, news }: Pick<DiffRequest, "oldInputs" | "oldOutputs" | "news">) {
  const recorded = oldOutputs["__inputs"];
  const olds = cleaned(Object.keys(oldInputs).length > 0 ? oldInputs : isBag(recorded) ? recorded : {});
  const metadata = isBag(olds["metadata"]) ? { ...olds["metadata"] } : {};
  // Inputs that another plugin or an import has left may lack the name.
  metadata["name"] ??= at(oldOutputs, "metadata", "name") ?? null;
  const namespace = at(oldOutputs, "metadata", "namespace");
  if (namespace !== undefined) {
    metadata["namespace"] ??= namespace;
    return { olds: { ...olds, metadata }, news };
  }
  // An object outside of namespaces may have been given one by mistake, or before its definition was known.
  const given = news["metadata"];
  return {
    olds: { ...olds, metadata: omit(metadata, "namespace") },
    news: isBag(given) ? { ...news, metadata: omit(given, "namespace") } : news,
  };
}

export function withAdvice(error: Unreachable): Error {
  return new Error(
    `${error.message}. If the cluster was deleted, set PULUMI_K8S_DELETE_UNREACHABLE=true to take its resources out of the state`,
  );
}

export function label(object: Bag): string {
  return `${String(object["kind"])} ${idOf(object)}`;
}

/** Whether a refused dry run says nothing about the update: who may only look can still preview. */
export function saysNothing(error: unknown): boolean {
  if (error instanceof NoSuchKind) return true;
  if (!(error instanceof ApiError)) return false;
  // A refusal by admission is a 403 too, but it is told.
  return (
    (error.status === 403 && /cannot (create|patch|get|update) resource/.test(error.message)) ||
    /does not support dry run/.test(error.message)
  );
}

/** Names the object that an id in the state stands for. */
export function refFor(known: Bag, token: string, id: string): Ref {
  const { apiVersion, kind } = known["kind"] ? known : kindOfToken(token);
  return { apiVersion: String(apiVersion), kind: String(kind), ...parseId(id) };
}
