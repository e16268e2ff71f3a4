/** Turns `exports`, `cacheFrom` and `cacheTo` into the comma-separated form that the builder reads. */

import type { Entry, ImageInputs, Options, OptionValue } from "./inputs.ts";
import { isLoopback, parseReference } from "./reference.ts";

/** The attributes of one `--output`, `--import-cache` or `--export-cache`, `type` among them. */
export type Attributes = Readonly<Record<string, string>>;

/** Names that differ between the SDK and the builder; all others are the same. */
const builderNames: Readonly<Record<string, string>> = {
  accountUrl: "account_url",
  blobsPrefix: "blobs_prefix",
  compressionLevel: "compression-level",
  danglingNamePrefix: "dangling-name-prefix",
  endpointUrl: "endpoint_url",
  forceCompression: "force-compression",
  ignoreError: "ignore-error",
  imageManifest: "image-manifest",
  insecure: "registry.insecure",
  manifestsPrefix: "manifests_prefix",
  nameCanonical: "name-canonical",
  names: "name",
  ociMediaTypes: "oci-mediatypes",
  pushByDigest: "push-by-digest",
  usePathStyle: "use_path_style",
};

/** Every kind that is set in an entry; more than one is a mistake that `validate` reports. */
export function kindsOf(entry: Entry): readonly string[] {
  return Object.keys(entry).filter((key) => key !== "disabled" && entry[key] !== undefined && entry[key] !== "");
}

/** The attributes of an entry, or `undefined` for one that is switched off. */
export function attributesOf(entry: Entry): Attributes | undefined {
  const [kind] = kindsOf(entry);
  if (entry.disabled === true || kind === undefined) return undefined;
  if (kind === "raw") return parseFields(entry.raw ?? "");
  const attributes: Record<string, string> = { type: kind };
  for (const [name, value] of Object.entries((entry[kind] ?? {}) as Options)) {
    Object.assign(attributes, optionAttributes(name, value));
  }
  return attributes;
}

function optionAttributes(name: string, value: OptionValue | undefined): Record<string, string> {
  if (value === undefined || value === "") return {};
  // The SDK's defaults are the builder's, but an explicit level 0 would switch compression off.
  if ((name === "compressionLevel" && value === 0) || (name === "compression" && value === "gzip")) return {};
  if (name === "annotations") {
    return Object.fromEntries(Object.entries(value).map(([key, text]) => [`annotation.${key}`, String(text)]));
  }
  return { [builderNames[name] ?? name]: Array.isArray(value) ? value.join(",") : String(value) };
}

/** Whether an image goes to a registry: the kind "registry" pushes unless told not to, "image" only if told to. */
export function pushes({ type, push }: Attributes): boolean {
  return type === "registry" ? push !== "false" : type === "image" && push === "true";
}

/** All outputs of a build. A preview pushes nothing; everything else is written, as the official provider does. */
export function buildOutputs(inputs: ImageInputs, preview: boolean): readonly Attributes[] {
  const entries: Entry[] = [...(inputs.exports ?? [])];
  if (inputs.push) entries.push({ raw: "type=registry" });
  return entries.flatMap((entry) => {
    const attributes = attributesOf(entry);
    return attributes === undefined || attributes["type"] === "cacheonly" ? [] : toOutputs(attributes, inputs, preview);
  });
}

function toOutputs(attributes: Attributes, inputs: ImageInputs, preview: boolean): Attributes[] {
  const { type = "", name, ...rest } = attributes;
  const names = inputs.tags?.length ? inputs.tags : (name ?? "").split(",").filter((item) => item !== "");
  const isImage = type === "image" || type === "registry";
  if (!isImage && type !== "oci" && type !== "docker") return [attributes];
  const named = names.length > 0 ? { name: names.join(",") } : {};
  // Layers get the timestamp of SOURCE_DATE_EPOCH, so that the same source is the same digest on every machine.
  // A builder that unpacks the image refuses this.
  const dated = rest["unpack"] === "true" ? {} : { "rewrite-timestamp": "true" };
  if (!isImage) return [{ type, ...named, ...dated, ...rest }];
  const push = String(!preview && pushes(attributes));
  if (push === "false") return [{ type: "image", ...named, ...dated, ...rest, push }];
  const onLoopback = names.filter((item) => isLoopback(parseReference(item)?.domain ?? ""));
  const elsewhere = names.filter((item) => !onLoopback.includes(item));
  // A registry on this machine has no certificate; others must not lose the check of theirs by being pushed with it.
  return [
    ...(onLoopback.length > 0 ? [{ names: onLoopback, insecure: { "registry.insecure": "true" } }] : []),
    ...(elsewhere.length > 0 ? [{ names: elsewhere, insecure: {} }] : []),
  ].map((group) => ({ type: "image", name: group.names.join(","), ...dated, ...group.insecure, ...rest, push }));
}

/** Whether anything leaves this machine for a registry: then there is something to look for, and to delete. */
export function isPushed(inputs: ImageInputs): boolean {
  return buildOutputs(inputs, false).some((output) => output["type"] === "image" && output["push"] === "true");
}

/** The caches to read from or write to. */
export function caches(entries: readonly Entry[] | undefined): readonly Attributes[] {
  return (entries ?? []).flatMap((entry) => {
    const attributes = attributesOf(entry);
    if (attributes === undefined) return [];
    const registry = parseReference(attributes["ref"] ?? "")?.domain ?? "";
    const insecure = attributes["type"] === "registry" && isLoopback(registry) ? { "registry.insecure": "true" } : {};
    return [{ ...insecure, ...attributes }];
  });
}

/** One CSV record: a comma inside of a field needs quotes around it, a quote needs doubling. */
export function formatFields(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([key, value]) => `${key}=${value}`)
    .map((field) => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(",");
}

/** Reads what {@link formatFields} writes and what users give as `raw`; a text without `type=` is a folder. */
export function parseFields(text: string): Attributes {
  if (!text.startsWith("type=") && !text.includes(",type=")) return { type: "local", dest: text };
  const attributes: Record<string, string> = {};
  for (const field of text.match(/"(?:[^"]|"")*"|[^,]+/g) ?? []) {
    const plain = field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field;
    const [key = "", ...value] = plain.split("=");
    attributes[key.trim().toLowerCase()] = value.join("=");
  }
  return attributes;
}
