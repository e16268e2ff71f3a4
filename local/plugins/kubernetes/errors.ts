/** Answers of the API server that are errors, and what they mean to the user, in one sentence each. */
import { at, isBag, type Bag, type Value } from "../serve.ts";

/** One field that the API server found fault with. */
export interface Cause {
  readonly field: string;
  readonly message: string;
  readonly reason: string;
}

/** The API server has refused a request. */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly causes: readonly Cause[];

  constructor(status: number, body: Value) {
    const given = at(body, "message");
    const text = typeof body === "string" ? body.trim() : "";
    super(typeof given === "string" && given !== "" ? given : text || `the API server answered ${status}`);
    this.name = "ApiError";
    this.status = status;
    const reason = at(body, "reason");
    this.reason = typeof reason === "string" ? reason : "";
    const causes = at(body, "details", "causes");
    this.causes = (Array.isArray(causes) ? causes : []).filter(isBag).map((cause) => ({
      field: stringOf(cause, "field"),
      message: stringOf(cause, "message"),
      reason: stringOf(cause, "reason"),
    }));
  }
}

/** There is no answer from the API server: no route, a wrong certificate, bad credentials, no kubeconfig. */
export class Unreachable extends Error {
  constructor(server: string, why: string) {
    super(
      `configured Kubernetes cluster is unreachable: ${server === "" ? why : `no answer from ${server} (${why})`}; check the kubeconfig and its context`,
    );
    this.name = "Unreachable";
  }
}

/** The API server knows no such kind. */
export class NoSuchKind extends Error {
  constructor(apiVersion: string, kind: string) {
    super(`the cluster has no ${kind} in ${apiVersion}: if it is a custom resource, create its definition first`);
    this.name = "NoSuchKind";
  }
}

function stringOf(bag: Bag, key: string): string {
  const value = bag[key];
  return typeof value === "string" ? value : "";
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** The namespace that the object is to be in does not exist (yet). */
export function isNamespaceMissing(error: unknown): boolean {
  return isNotFound(error) && /namespaces? ".*" not found/.test((error as Error).message);
}

export function isAlreadyExists(error: unknown): boolean {
  return error instanceof ApiError && error.reason === "AlreadyExists";
}

/** Somebody else has written the object in the meantime. */
export function isStale(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409 && !isFieldConflict(error);
}

export function isFieldConflict(error: unknown): error is ApiError {
  return (
    error instanceof ApiError &&
    error.status === 409 &&
    (error.causes.some(({ reason }) => reason === "FieldManagerConflict") || /conflicts? with/.test(error.message))
  );
}

// Validation says "Forbidden" of many things that another value would cure: only these words mean that no value will.
const never =
  /immutable|updates to .*forbidden|(may not|must not|cannot|can not|can't) (be )?(change|update|modif)|is not allowed to change/i;

/** Fields that the API server would only accept in a new object; empty if that is not what the error is about. */
export function immutableFields(error: unknown): string[] {
  if (!(error instanceof ApiError) || error.status !== 422) return [];
  return error.causes.filter(({ message }) => never.test(message)).map(({ field }) => field);
}

/** Turns what the client throws into the sentence for the user. */
export function explained(error: unknown, what: string): Error {
  if (isFieldConflict(error)) {
    const fields = error.causes.map(({ field, message }) => `${field.replace(/^\./, "")} (${message})`);
    return new Error(
      `${what}: another field manager owns ${fields.join(", ") || error.message}; ` +
        `take the field out of the program or list it in ignoreChanges to leave it to that manager, ` +
        `or set the annotation pulumi.com/patchForce: "true" to take it over`,
    );
  }
  if (error instanceof ApiError) return new Error(`${what}: ${error.message}`);
  return error instanceof Error ? error : new Error(String(error));
}
