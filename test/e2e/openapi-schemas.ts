/** JSON schemas for kubeconform, made of what the API server says about itself: nothing has to be downloaded. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { kubectl } from "./support.ts";

type Schema = Record<string, unknown>;
interface Document {
  readonly components?: { readonly schemas?: Record<string, Schema> };
}
interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** What kubeconform's -schema-location needs to find the files below `folder`. */
export const schemaLocation = (folder: string): string => join(folder, "{{.ResourceKind}}{{.KindSuffix}}.json");

/** Writes the schema of every kind of these API versions, such as `v1` and `apps/v1`, strict about unknown fields. */
export async function writeSchemas(folder: string, apiVersions: ReadonlySet<string>): Promise<void> {
  for (const apiVersion of apiVersions) {
    const path = apiVersion.includes("/") ? `apis/${apiVersion}` : `api/${apiVersion}`;
    const { components } = JSON.parse(await kubectl("get", "--raw", `/openapi/v3/${path}`)) as Document;
    const schemas = Object.fromEntries(
      Object.entries(components?.schemas ?? {}).map(([name, schema]) => [name, strict(schema) as Schema]),
    );
    for (const [name, schema] of Object.entries(schemas)) {
      const kinds = (schema["x-kubernetes-group-version-kind"] ?? []) as readonly GroupVersionKind[];
      for (const { group, version, kind } of kinds) {
        const text = JSON.stringify({ $ref: `#/components/schemas/${name}`, components: { schemas } });
        const words = [kind, ...(group === "" ? [] : [group.split(".", 1)[0]]), version];
        writeFileSync(join(folder, `${words.join("-").toLowerCase()}.json`), text);
      }
    }
  }
}

/** The schema without room for fields that it does not name. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) {
    return schema.map(strict);
  }
  if (typeof schema !== "object" || schema === null) {
    return schema;
  }
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strict(value)]));
  const isClosed =
    "properties" in schema && typeof schema.properties === "object" && !("additionalProperties" in schema);
  return isClosed ? { ...inner, additionalProperties: false } : inner;
}
