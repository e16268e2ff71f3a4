/** Reads and writes objects of any kind: where a kind lives is asked from the API server once per group and version. */
import { at, isBag, type Bag, type Value } from "../serve.ts";
import type { Client } from "./client.ts";
import { isNotFound, NoSuchKind } from "./errors.ts";

/** Where the objects of a kind are. */
export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

export interface Ref {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface WriteOptions {
  readonly fieldManager: string;
  readonly dryRun: boolean;
  readonly force?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export class Objects {
  readonly client: Client;
  readonly #groups = new Map<string, Promise<Kind[]>>();

  constructor(client: Client) {
    this.client = client;
  }

  /** Forgets which kinds there are: a new CustomResourceDefinition adds one. */
  forgetKinds(): void {
    this.#groups.clear();
  }

  /** Throws {@link NoSuchKind} if the cluster has none. */
  async kind(apiVersion: string, kind: string): Promise<Kind> {
    let group = this.#groups.get(apiVersion);
    if (group === undefined) {
      group = this.#discover(apiVersion);
      this.#groups.set(apiVersion, group);
      // A failure may be gone next time, and so may be a missing kind.
      group.catch(() => this.#groups.delete(apiVersion));
    }
    const found = (await group).find((candidate) => candidate.kind === kind);
    if (found) return found;
    this.#groups.delete(apiVersion);
    throw new NoSuchKind(apiVersion, kind);
  }

  async #discover(apiVersion: string): Promise<Kind[]> {
    try {
      const list = await this.client.request("GET", groupPath(apiVersion));
      const resources = list["resources"];
      return (Array.isArray(resources) ? resources : [])
        .filter(isBag)
        .filter(({ name }) => typeof name === "string" && !name.includes("/"))
        .map(({ name, kind, namespaced }) => ({
          apiVersion,
          kind: String(kind),
          plural: String(name),
          namespaced: namespaced === true,
        }));
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  }

  /** The path of one object, or of all if there is no name. */
  async path({ apiVersion, kind, namespace, name }: Omit<Ref, "name"> & { name?: string }): Promise<string> {
    const { plural, namespaced } = await this.kind(apiVersion, kind);
    const folder = namespaced ? `/namespaces/${encodeURIComponent(namespace || "default")}` : "";
    return `${groupPath(apiVersion)}${folder}/${plural}${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
  }

  async get(ref: Ref, signal?: AbortSignal): Promise<Bag> {
    return this.client.request("GET", await this.path(ref), { signal });
  }

  /** Undefined if it does not exist. */
  async find(ref: Ref, signal?: AbortSignal): Promise<Bag | undefined> {
    return this.get(ref, signal).catch((error: unknown) => {
      if (isNotFound(error) || error instanceof NoSuchKind) return undefined;
      throw error;
    });
  }

  async list(kind: Omit<Ref, "name">, query: Record<string, string>, signal?: AbortSignal): Promise<Bag[]> {
    const list = await this.client.request("GET", await this.path(kind), { query, signal });
    const items: Value = list["items"] ?? [];
    return (Array.isArray(items) ? items : []).filter(isBag);
  }

  /** What the object would be if it were created now. Unlike applying, it fails if the object exists. */
  async dryRunCreate(object: Bag, fieldManager: string, signal?: AbortSignal): Promise<Bag> {
    const { apiVersion, kind, namespace } = refOf(object);
    return this.client.request("POST", await this.path({ apiVersion, kind, namespace }), {
      body: object,
      // Applying refuses unknown fields, and so must this.
      query: { fieldManager, fieldValidation: "Strict", dryRun: "All" },
      signal,
    });
  }

  /** Server-side apply. */
  async apply(object: Bag, options: WriteOptions): Promise<Bag> {
    return this.client.request("PATCH", await this.path(refOf(object)), {
      body: object,
      contentType: "application/apply-patch+yaml",
      query: {
        fieldManager: options.fieldManager,
        force: String(options.force ?? false),
        ...dryRun(options),
      },
      signal: options.signal,
    });
  }

  async replace(object: Bag, options: WriteOptions): Promise<Bag> {
    return this.client.request("PUT", await this.path(refOf(object)), {
      body: object,
      query: { fieldManager: options.fieldManager, ...dryRun(options) },
      signal: options.signal,
    });
  }

  async patch(ref: Ref, operations: Bag[], signal?: AbortSignal): Promise<Bag> {
    const options = { body: operations, contentType: "application/json-patch+json", signal };
    return this.client.request("PATCH", await this.path(ref), options);
  }

  async delete(ref: Ref, propagationPolicy: string, signal?: AbortSignal): Promise<void> {
    const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy };
    await this.client.request("DELETE", await this.path(ref), { body, signal });
  }
}

/** Names the object that a manifest describes. */
export function refOf(object: Bag): Ref {
  const namespace = at(object, "metadata", "namespace");
  return {
    apiVersion: String(object["apiVersion"]),
    kind: String(object["kind"]),
    name: String(at(object, "metadata", "name")),
    ...(typeof namespace === "string" ? { namespace } : {}),
  };
}

function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

function dryRun({ dryRun }: WriteOptions): { dryRun?: string } {
  return dryRun ? { dryRun: "All" } : {};
}
