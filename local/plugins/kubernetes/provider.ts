/** The Kubernetes provider: what the engine asks of it, resource by resource. */
import {
  at,
  hasUnknown,
  InitError,
  isBag,
  type Bag,
  type Call,
  type CheckRequest,
  type CheckResult,
  type CreateRequest,
  type DeleteRequest,
  type DiffRequest,
  type DiffResult,
  type Provider,
  type ReadRequest,
  type State,
  type UpdateRequest,
} from "../serve.ts";
import { groupKind } from "./await/rules.ts";
import { ruleOf, untilReady } from "./await/wait.ts";
import { job } from "./await/workloads.ts";
import { Client } from "./client.ts";
import { create, remove, update, withDashes, withUnderscores } from "./cluster.ts";
import { changes, detailed, forcesNew, immutablePatterns, isAbout, type Change } from "./diff.ts";
import { explained, immutableFields, isAlreadyExists, isNamespaceMissing, NoSuchKind, Unreachable } from "./errors.ts";
import { findTarget } from "./kubeconfig.ts";
import { asPreview, cleaned, importedInputs, refreshedInputs, secretsOf } from "./live.ts";
import {
  annotation,
  autonamed,
  fieldManager,
  idOf,
  isClusterScoped,
  kindOfToken,
  parseId,
  unsupported,
  withName,
} from "./names.ts";
import { Objects, refOf } from "./objects.ts";
import { comparable, label, refFor, saysNothing, state, withAdvice } from "./resource.ts";
import { diffSettings, readSettings, type Settings } from "./settings.ts";

const replaceUnready = "pulumi.com/replaceUnready";

export class KubernetesProvider implements Provider {
  readonly version: string;
  #settings: Settings = readSettings({});
  #objects: Objects | undefined;
  #warned = false;

  constructor(version: string) {
    this.version = version;
  }

  async diffConfig({ olds, news }: { olds: Bag; news: Bag }): Promise<DiffResult> {
    return diffSettings(olds, news);
  }

  async configure(config: Bag): Promise<void> {
    this.#settings = readSettings(config);
    this.#objects = undefined;
  }

  /** The cluster; throws {@link Unreachable} if the kubeconfig names none. */
  #cluster(): Objects {
    if (this.#objects) return this.#objects;
    this.#objects = new Objects(new Client(findTarget(this.#settings.selection)));
    return this.#objects;
  }

  async check(request: CheckRequest, call: Call): Promise<CheckResult> {
    const problem = unsupported(call.type);
    if (problem !== undefined) throw new Error(problem);
    if (this.#settings.skipUnreachable && !(await this.#isReachable(call))) {
      call.log("warning", "the cluster is unreachable and skipUpdateUnreachable is set: the resource is left as it is");
      return { inputs: request.olds };
    }
    const { apiVersion, kind } = kindOfToken(call.type);
    const given = withDashes(cleaned({ apiVersion, kind, ...request.news }));
    const inputs = await this.#withNamespace(withName(given, request, call.name), call);
    return { inputs, secrets: secretsOf(inputs) };
  }

  async #isReachable(call: Call): Promise<boolean> {
    try {
      await this.#cluster().client.request("GET", "/version", { signal: call.signal });
      return true;
    } catch (error) {
      return !(error instanceof Unreachable);
    }
  }

  async #withNamespace(inputs: Bag, call: Call): Promise<Bag> {
    const metadata = inputs["metadata"];
    if (!isBag(metadata) || metadata["namespace"]) return inputs;
    const { apiVersion, kind } = kindOfToken(call.type);
    try {
      const objects = this.#cluster();
      if (!(await objects.kind(apiVersion, kind)).namespaced) return inputs;
      return {
        ...inputs,
        metadata: { ...metadata, namespace: this.#settings.namespace ?? objects.client.target.namespace },
      };
    } catch (error) {
      if (!(error instanceof Unreachable) && !(error instanceof NoSuchKind)) throw explained(error, "check");
      // A custom resource whose definition is still to come is most likely namespaced, and corrected when created.
      const namespace = this.#settings.namespace ?? this.#objects?.client.target.namespace ?? "default";
      return isClusterScoped(kind) ? inputs : { ...inputs, metadata: { ...metadata, namespace } };
    }
  }

  async diff(request: DiffRequest, call: Call): Promise<DiffResult> {
    const { oldOutputs, ignoreChanges } = request;
    const { olds, news } = comparable(request);
    const all = changes(olds, news);
    const patterns = immutablePatterns(news, this.#settings);
    let replaced = all.filter((change) => forcesNew(change, news, patterns));
    if (all.length > 0 && replaced.length === 0) {
      replaced = await this.#refused(all, oldOutputs, news, ignoreChanges, call);
    }
    if (await this.#isStuck(news, oldOutputs, call)) {
      const change: Change = { path: ["metadata", "annotations", replaceUnready], kind: "update" };
      all.push(change);
      replaced.push(change);
    }
    const isFixed =
      annotation(news, autonamed) !== "true" &&
      ["name", "namespace"].every((key) => at(news, "metadata", key) === at(olds, "metadata", key));
    return {
      detailed: detailed(all, (change) => replaced.includes(change)),
      deleteBeforeReplace: replaced.length > 0 && isFixed,
    };
  }

  /** Whether it is a Job that wants to be made anew if it has not completed. */
  async #isStuck(news: Bag, outputs: Bag, call: Call): Promise<boolean> {
    if (annotation(news, replaceUnready) !== "true" || groupKind(news) !== "batch/Job") return false;
    const live = await this.#cluster()
      .find(refOf(outputs), call.signal)
      .catch(() => undefined);
    return live !== undefined && !job(live).ready;
  }

  /** The changes that the API server says it will never accept in an object that exists. */
  async #refused(
    all: Change[],
    outputs: Bag,
    news: Bag,
    ignoreChanges: readonly string[],
    call: Call,
  ): Promise<Change[]> {
    if (hasUnknown(news)) return [];
    try {
      await update(this.#cluster(), refOf(news), {
        inputs: news,
        fieldManager: fieldManager(news, outputs),
        ignoreChanges,
        dryRun: true,
        signal: call.signal,
      });
      return [];
    } catch (error) {
      // Other refusals are told by the preview of the update.
      const fields = immutableFields(error);
      return all.filter((change) => fields.some((field) => isAbout(change, field)));
    }
  }

  async create(request: CreateRequest, call: Call): Promise<State & { id: string }> {
    const { inputs, secrets } = request;
    const manager = fieldManager(inputs, {});
    const unknownResult = { id: "", outputs: withUnderscores(inputs), secrets: secretsOf(inputs) };
    if (request.preview) {
      if (hasUnknown(inputs)) return unknownResult;
      try {
        const made = await this.#cluster().dryRunCreate(inputs, manager, call.signal);
        return { id: "", ...state(asPreview(made, inputs, true), inputs, manager, secrets) };
      } catch (error) {
        // The namespace, the kind or the room for the object may come with this very update.
        if (isNamespaceMissing(error) || isAlreadyExists(error) || this.#cannotPreview(error, call))
          return unknownResult;
        throw explained(error, `${label(inputs)} cannot be created`);
      }
    }
    try {
      const objects = this.#cluster();
      const made = await create(
        objects,
        inputs,
        manager,
        { upsert: this.#settings.upsert, type: call.type, name: call.name },
        call,
      );
      return { id: idOf(made), ...(await this.#settled(objects, made, request, manager, call, {}, "created")) };
    } catch (error) {
      if (error instanceof InitError) throw error;
      throw explained(error, `${label(inputs)} was not created`);
    }
  }

  async update(request: UpdateRequest, call: Call): Promise<State> {
    const { inputs, secrets, oldOutputs, ignoreChanges, preview } = request;
    const manager = fieldManager(inputs, oldOutputs);
    const unknownResult = { outputs: withUnderscores(inputs), secrets: secretsOf(inputs) };
    if (preview && hasUnknown(inputs)) return unknownResult;
    try {
      const objects = this.#cluster();
      const wish = { inputs, fieldManager: manager, ignoreChanges, dryRun: preview, signal: call.signal };
      const made = await update(objects, { ...refOf(inputs), ...parseId(request.id) }, wish);
      if (preview) return state(asPreview(made, inputs, false), inputs, manager, secrets, oldOutputs);
      return await this.#settled(objects, made, request, manager, call, oldOutputs, "updated");
    } catch (error) {
      if (error instanceof InitError) throw error;
      if (preview && this.#cannotPreview(error, call)) return unknownResult;
      throw explained(error, `${label(inputs)} ${preview ? "cannot be" : "was not"} updated`);
    }
  }

  /** Waits until the object is ready and gives its state; throws {@link InitError} if it does not get ready. */
  async #settled(
    objects: Objects,
    made: Bag,
    { inputs, secrets, timeoutSeconds }: CreateRequest,
    manager: string,
    call: Call,
    olds: Bag,
    done: "created" | "updated",
  ): Promise<State> {
    if (made["kind"] === "CustomResourceDefinition") objects.forgetKinds();
    const wait = { objects, ref: refOf(made), inputs, timeoutSeconds, signal: call.signal, status: call.status };
    const { live = made, problems } = await untilReady(wait).catch((error: unknown) => ({
      live: made,
      problems: [(error as Error).message],
    }));
    const result = state(live, inputs, manager, secrets, olds);
    if (problems.length === 0) return result;
    const [why = "", ...details] = problems;
    const message = `${label(made)} was ${done} but is not ready: ${why}`;
    throw new InitError(message, idOf(made), result, [message, ...details]);
  }

  /** Whether a dry run failed for reasons that say nothing about the update; without a cluster there is a warning. */
  #cannotPreview(error: unknown, call: Call): boolean {
    if (!(error instanceof Unreachable)) return saysNothing(error);
    if (!this.#warned) call.log("warning", `${error.message}; the preview does not know what the cluster will say`);
    this.#warned = true;
    return true;
  }

  async read(request: ReadRequest, call: Call): Promise<(State & { id: string; inputs: Bag }) | undefined> {
    const { outputs, inputs } = request;
    const ref = refFor(inputs["kind"] ? inputs : outputs, call.type, request.id);
    const isImport = Object.keys(inputs).length === 0;
    const manager = fieldManager(inputs, outputs, call.urn);
    try {
      const objects = this.#cluster();
      const live = await objects.find(ref, call.signal);
      if (live === undefined) return undefined;
      const now = isImport ? importedInputs(live) : refreshedInputs(inputs, live);
      const found = { id: request.id, inputs: now, ...state(live, now, manager, request.secrets, outputs) };
      const rule = isImport ? undefined : ruleOf(inputs);
      const verdict = await rule?.(live, objects, call.signal);
      if (verdict && !verdict.ready)
        throw new InitError(`${label(live)} is not ready: ${verdict.status}`, request.id, found);
      return { ...found, secrets: [...(found.secrets ?? []), ...secretsOf(now)] };
    } catch (error) {
      if (error instanceof InitError) throw error;
      if (error instanceof Unreachable && this.#settings.deleteUnreachable) {
        call.log("warning", `${error.message}; deleteUnreachable is set: the resource is taken out of the state`);
        return undefined;
      }
      if (error instanceof Unreachable && this.#settings.skipUnreachable) {
        call.log("warning", `${error.message}; skipUpdateUnreachable is set: the state may be out of date`);
        return { id: request.id, outputs, inputs };
      }
      throw explained(
        error instanceof Unreachable ? withAdvice(error) : error,
        `${ref.kind} ${request.id} cannot be read`,
      );
    }
  }

  async delete(request: DeleteRequest, call: Call): Promise<void> {
    const { outputs, oldInputs, id, timeoutSeconds } = request;
    const ref = refFor(outputs, call.type, id);
    const inputs = Object.keys(oldInputs).length > 0 ? oldInputs : outputs;
    try {
      await remove(this.#cluster(), ref, inputs, timeoutSeconds, call);
    } catch (error) {
      if (error instanceof Unreachable && this.#settings.deleteUnreachable) {
        call.log("warning", `${error.message}; deleteUnreachable is set: the resource is taken out of the state`);
        return;
      }
      throw explained(error instanceof Unreachable ? withAdvice(error) : error, `${ref.kind} ${id} was not deleted`);
    }
  }
}
