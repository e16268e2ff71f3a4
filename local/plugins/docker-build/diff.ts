/** What makes an image different from the one that was built last. */

import type { DiffKind } from "../provider.ts";
import { contextHash } from "./context-hash.ts";
import { contextOf, type ImageInputs, isRemote, namedContexts } from "./inputs.ts";
import { isPushed } from "./outputs.ts";

/** The inputs of the last build, and what its files hashed to. */
export type OldImage = ImageInputs & { readonly contextHash?: string };

/** Inputs that are compared as they are. Paths are not among them: files count, wherever the checkout is. */
const compared = [
  "addHosts",
  "buildArgs",
  "buildOnPreview",
  "builder",
  "cacheFrom",
  "cacheTo",
  "exports",
  "labels",
  "load",
  "network",
  "noCache",
  "platforms",
  "pull",
  "push",
  "ssh",
  "tags",
  "target",
] as const satisfies readonly (keyof ImageInputs)[];

/** @param isMissing whether a file or folder that an export has written is gone. */
export function diffImage(
  olds: OldImage,
  news: ImageInputs,
  isMissing: (path: string) => boolean,
): Record<string, DiffKind> {
  const changed: Record<string, DiffKind> = {};
  for (const name of compared) {
    if (normalize(olds[name]) === normalize(news[name])) continue;
    changed[name] = olds[name] === undefined ? "add" : news[name] === undefined ? "delete" : "update";
  }
  for (const [index, entry] of (news.exports ?? []).entries()) {
    const written = [entry["local"], entry["tar"]].find((options) => typeof options === "object");
    if (typeof written === "object" && isMissing(String(written["dest"]))) changed[`exports[${index}]`] = "update";
  }
  if (normalize(watchedSecrets(olds, news)) !== normalize(watchedSecrets(news, olds))) changed["secrets"] = "update";
  if (normalize(logins(olds)) !== normalize(logins(news))) changed["registries"] = "update";
  if (place(contextOf(olds)) !== place(contextOf(news))) changed["context.location"] = "update";
  if (normalize(namedPlaces(olds)) !== normalize(namedPlaces(news))) changed["context.named"] = "update";
  if ((olds.dockerfile?.inline ?? "") !== (news.dockerfile?.inline ?? "")) changed["dockerfile"] = "update";
  if (isRemote(contextOf(news)) && olds.dockerfile?.location !== news.dockerfile?.location) {
    changed["dockerfile"] = "update";
  }
  // "pull" asks for the newest base image, which only a build can find out.
  const rebuilds = news.pull === true && (isPushed(news) || (news.exports ?? []).length > 0);
  if (rebuilds || hashOf(news) !== olds.contextHash) changed["contextHash"] = "update";
  return changed;
}

export function hashOf(inputs: ImageInputs): string {
  const dockerfile = inputs.dockerfile?.location;
  return contextHash({
    context: contextOf(inputs),
    named: namedContexts(inputs),
    ...(dockerfile ? { dockerfile } : {}),
  });
}

/** Secrets that change with every run may be left out, as long as they are there before and after. */
function watchedSecrets(inputs: ImageInputs, others: ImageInputs): Record<string, string> {
  const ignored = [
    ...(inputs.ignoreSecretsInDiffCalculation ?? []),
    ...(others.ignoreSecretsInDiffCalculation ?? []),
  ].filter((name) => name in (others.secrets ?? {}));
  return Object.fromEntries(Object.entries(inputs.secrets ?? {}).filter(([name]) => !ignored.includes(name)));
}

/** A new password is no reason to build again: they are often short-lived. */
function logins(inputs: ImageInputs): readonly string[] {
  return (inputs.registries ?? []).map(({ address, username = "" }) => `${username}@${address}`);
}

/** Where a local folder is does not matter, since its files are hashed. */
function place(location: string): string {
  return isRemote(location) ? location : "";
}

function namedPlaces(inputs: ImageInputs): Record<string, string> {
  return Object.fromEntries(namedContexts(inputs).map(([name, location]) => [name, place(location)]));
}

/** A text that is the same for equal values: without the order of keys, and with nothing for what means nothing. */
function normalize(value: unknown): string | undefined {
  const sorted = (item: unknown): unknown => {
    if (Array.isArray(item)) return item.map(sorted);
    if (typeof item !== "object" || item === null) return item;
    return Object.fromEntries(
      Object.entries(item)
        .filter(([, child]) => child !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, child]) => [key, sorted(child)]),
    );
  };
  const text = JSON.stringify(sorted(value));
  return text === undefined || ["[]", "{}", "false", '""', "null"].includes(text) ? undefined : text;
}
