/** The resource `docker-build:index:Image`: what each step of its life does. */

import { existsSync } from "node:fs";

import {
  type Bag,
  type Call,
  type CheckRequest,
  type CheckResult,
  type CreateRequest,
  type DeleteRequest,
  type DiffRequest,
  type DiffResult,
  hasUnknown,
  isBag,
  type Path,
  type ReadRequest,
  type State,
  unknownValue,
  type UpdateRequest,
  type Value,
} from "../serve.ts";
import { build } from "./build.ts";
import { diffImage, hashOf, type OldImage } from "./diff.ts";
import { type ImageInputs, withDefaults } from "./inputs.ts";
import { isPushed } from "./outputs.ts";
import { parseReference, preferredReference } from "./reference.ts";
import { RegistryClient } from "./registry.ts";
import { validate } from "./validate.ts";

export async function checkImage({ news }: CheckRequest): Promise<CheckResult> {
  const located = !hasUnknown(news["context"]) && !hasUnknown(news["dockerfile"]);
  const inputs = withDefaults(inputsOf(news));
  // Without knowing where the context is, there is no default for where the Dockerfile is.
  const checked = located ? bagOf(inputs) : { buildOnPreview: true, network: "default", ...news };
  return {
    inputs: checked,
    secrets: secretsOf(checked),
    failures: validate(inputsOf(onlyKnown(checked)), !hasUnknown(news)),
  };
}

export async function diffOfImage({ oldOutputs, news }: DiffRequest): Promise<DiffResult> {
  if (hasUnknown(news["context"]) || hasUnknown(news["dockerfile"])) return { detailed: { contextHash: "update" } };
  // The outputs, unlike the old inputs, know what a refresh has found missing.
  const olds: OldImage = inputsOf(oldOutputs);
  const detailed = diffImage(olds, inputsOf(onlyKnown(news)), (path) => !existsSync(path));
  return { detailed, inputDiff: new Set(Object.keys(detailed).filter((path) => path !== "contextHash")) };
}

export async function createImage(request: CreateRequest, call: Call): Promise<State & { readonly id: string }> {
  const state = await buildImage(request, {}, call);
  const digest = state.outputs["digest"];
  return { ...state, id: typeof digest === "string" && digest !== "" ? digest : call.name };
}

export async function updateImage(request: UpdateRequest, call: Call): Promise<State> {
  return buildImage(request, request.oldOutputs, call);
}

async function buildImage({ inputs: bag, preview }: CreateRequest, old: Bag, call: Call): Promise<State> {
  const state = (outputs: Bag): State => ({ outputs: { ...bag, ...outputs }, secrets: secretsOf(bag) });
  const unknown = { contextHash: unknownValue, digest: unknownValue, ref: unknownValue };
  if (hasUnknown(bag)) {
    const inputs = inputsOf(onlyKnown(bag));
    if (inputs.buildOnPreview) call.log("warning", "Skipping preview build because some inputs are unknown.");
    return state(unknown);
  }
  const inputs = inputsOf(bag);
  const hash = hashOf(inputs);
  if (preview && !inputs.buildOnPreview) return state({ ...unknown, contextHash: hash });
  if (!inputs.push && !inputs.exports?.length) {
    const reason = "No exports were specified so the build will only remain in the local build cache.";
    call.log("warning", `${reason} Use \`push\` to upload the image to a registry, or a \`cacheonly\` export.`);
  }
  const digest = await build(inputs, preview, call);
  const outputs = { contextHash: hash, digest, ref: preferredReference(inputs.tags ?? [], digest) };
  // A preview may only promise what is there already: what it built was not pushed.
  const kept = outputs.digest === old["digest"] && outputs.ref === old["ref"];
  return state(preview && !kept ? { ...unknown, contextHash: hash } : outputs);
}

export async function readImage(
  { id, outputs, inputs }: ReadRequest,
  call: Call,
): Promise<(State & { readonly id: string; readonly inputs: Bag }) | undefined> {
  if (Object.keys(outputs).length === 0) {
    throw new Error(
      `an image cannot be imported, got "${id}": how it was built is not part of it; remove the import option and let the program build it`,
    );
  }
  const found = { id, inputs, outputs, secrets: secretsOf(outputs) };
  const image = inputsOf(outputs);
  const digest = outputs["digest"];
  if (!isPushed(image) || typeof digest !== "string" || digest === "") return found;
  const client = new RegistryClient(inputsOf(inputs).registries);
  const kept: string[] = [];
  for (const tag of image.tags ?? []) {
    const answer = await client.has(tag, digest, call.signal);
    if (answer !== "missing") kept.push(tag);
    // Not reaching a registry says nothing about the image in it.
    if (answer === "unreachable" || answer === "refused") {
      call.log(
        "warning",
        `the registry of ${tag} was ${answer === "refused" ? "asked in vain" : "not reached"}: its state is kept as it was`,
      );
    }
  }
  if (kept.length === 0 && image.tags?.length) return undefined;
  return { ...found, outputs: { ...outputs, tags: kept } };
}

/** Deletes the image from its registries as far as they let it: an image that stays is no reason to keep the stack. */
export async function deleteImage({ outputs, oldInputs }: DeleteRequest, call: Call): Promise<void> {
  const image = inputsOf(outputs);
  const digest = outputs["digest"];
  if (!isPushed(image) || typeof digest !== "string" || digest === "") return;
  const client = new RegistryClient(inputsOf(oldInputs).registries ?? image.registries);
  for (const tag of onePerRepository(image.tags ?? [])) {
    const answer = await client.delete(tag, digest, call.signal);
    if (answer === "missing") call.log("debug", `${tag} was not in its registry any more`);
    if (answer === "refused")
      call.log("warning", `the registry of ${tag} does not delete images: ${digest} stays there`);
    if (answer === "unreachable") call.log("warning", `the registry of ${tag} was not reached: ${digest} stays there`);
  }
}

function onePerRepository(tags: readonly string[]): readonly string[] {
  const repositories = new Map<string, string>();
  for (const tag of tags) {
    const reference = parseReference(tag);
    if (reference?.domain !== undefined) repositories.set(`${reference.domain}/${reference.path}`, tag);
  }
  return [...repositories.values()];
}

/** The SDK marks `secrets`, but nothing marks a password that a program has in plain text. */
function secretsOf(bag: Bag): readonly Path[] {
  const registries = bag["registries"];
  const hasPassword = Array.isArray(registries) && registries.some((item) => isBag(item) && "password" in item);
  return [...("secrets" in bag ? [["secrets"]] : []), ...(hasPassword ? [["registries"]] : [])];
}

/** Without what only the update will know. */
function onlyKnown(bag: Bag): Bag {
  const strip = (value: Value): Value => {
    if (Array.isArray(value)) return value.filter((item) => item !== unknownValue).map(strip);
    return isBag(value) ? onlyKnown(value) : value;
  };
  return Object.fromEntries(
    Object.entries(bag)
      .filter(([, value]) => value !== unknownValue)
      .map(([key, value]) => [key, strip(value)]),
  );
}

function inputsOf(bag: Bag): ImageInputs {
  return bag as unknown as ImageInputs;
}

function bagOf(inputs: ImageInputs): Bag {
  return inputs as unknown as Bag;
}
