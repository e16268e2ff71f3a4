/** Small things that the provider's methods have in common. */
import { isBag, type Bag, type Path, type State } from "../serve.ts";
import { withUnderscores } from "./cluster.ts";
import { ApiError, NoSuchKind, type Unreachable } from "./errors.ts";
import { stateOf } from "./live.ts";
import { idOf, isClusterScoped, kindOfToken, parseId } from "./names.ts";
import type { Ref } from "./objects.ts";

/** The state of a live object, with names as the SDKs have them. */
export function state(live: Bag, inputs: Bag, manager: string, secrets: readonly Path[], olds: Bag = {}): State {
  return stateOf(withUnderscores(live), withUnderscores(inputs), manager, secrets, olds);
}

/** Something outside of namespaces may be given one by mistake; the cluster ignores it, and so must the diff. */
export function withClusterScope(news: Bag, identity: Bag): Bag {
  if (!isClusterScoped(String(news["kind"])) || !isBag(news["metadata"])) return news;
  return { ...news, metadata: { ...news["metadata"], namespace: identity["namespace"] ?? null } };
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
