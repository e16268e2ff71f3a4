/** The plugin's resources. Apart from main.ts, so that tests can call them without a server. */
import { randomBytes } from "node:crypto";
import { type Bag, hasUnknown, unknownValue } from "../bag.ts";
import type { Call, DiffKind, Provider } from "../provider.ts";
import { container } from "./container.ts";
import { type Engine, engineOf, explain } from "./engine.ts";
import type { Kind } from "./kind.ts";
import { service } from "./service.ts";
import { network, remoteImage, secret, serviceConfig, volume } from "./simple-kinds.ts";

const kinds: Readonly<Record<string, Kind>> = {
  Container: container,
  Network: network,
  RemoteImage: remoteImage,
  Secret: secret,
  Service: service,
  ServiceConfig: serviceConfig,
  Volume: volume,
};

function kindOf({ type }: Call): Kind {
  const name = type.slice(type.lastIndexOf(":") + 1);
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (kind) return kind;
  const known = Object.keys(kinds).join(", ");
  throw new Error(`${type} is not supported by the local kit's docker plugin, which has ${known}`);
}

/** A provider that has not found its engine yet. */
export function dockerPlugin(): Provider {
  let engine: Engine | undefined;

  /** Runs something on the engine; what goes wrong is told in the user's words. */
  async function on<T>(run: (engine: Engine) => Promise<T>): Promise<T> {
    engine ??= engineOf({});
    try {
      return await run(engine);
    } catch (error) {
      throw explain(error, engine.address);
    }
  }

  return {
    version: "5.2.0",

    async configure(config) {
      engine = engineOf(config);
      await on(({ docker }) => docker.ping());
    },

    async check({ olds, news, autonaming }, call) {
      const kind = kindOf(call);
      const failures = Object.keys(news)
        .filter((name) => !kind.inputs.includes(name) && news[name] !== null)
        .map((property) => ({
          property,
          reason: `${property} is not supported by the local kit's docker plugin for ${call.type}`,
        }));
      if (!kind.isNamed || news["name"] !== undefined) return { inputs: news, failures };
      const proposed = autonaming?.proposedName ?? `${call.name}-${randomBytes(4).toString("hex").slice(0, 7)}`;
      return { inputs: { ...news, name: olds["name"] ?? proposed }, failures };
    },

    async diff({ oldInputs, news }, call) {
      const kind = kindOf(call);
      const detailed: Record<string, DiffKind> = {};
      for (const name of kind.inputs) {
        const [before, after] = [oldInputs[name] ?? null, news[name] ?? null];
        if (JSON.stringify(sorted(before)) === JSON.stringify(sorted(after))) continue;
        const what = before === null ? "add" : after === null ? "delete" : "update";
        detailed[name] = kind.inPlace.includes(name) ? what : `${what}-replace`;
      }
      return { detailed };
    },

    async create({ inputs, preview }, call) {
      const kind = kindOf(call);
      if (preview) return { id: "", outputs: { ...inputs, ...unknowns(kind) } };
      const { id, results } = await on((connected) => kind.create(connected, inputs, call));
      return { id, outputs: { ...inputs, ...results } };
    },

    async update({ id, inputs, oldOutputs, preview }, call) {
      const kind = kindOf(call);
      const kept = Object.fromEntries(kind.results.map((name) => [name, oldOutputs[name] ?? null]));
      if (preview || hasUnknown(inputs)) return { outputs: { ...inputs, ...kept } };
      const results = await on(async (connected) => (await kind.update?.(connected, id, inputs, call)) ?? {});
      return { outputs: { ...inputs, ...kept, ...results } };
    },

    async read({ id, outputs, inputs }, call) {
      const kind = kindOf(call);
      if (Object.keys(outputs).length === 0) {
        throw new Error(`${call.type} cannot be imported by the local kit's docker plugin; the official one can`);
      }
      const results = await on((connected) => kind.read(connected, id, outputs));
      return results && { id, inputs, outputs: { ...outputs, ...results } };
    },

    async delete({ id, outputs }, call) {
      const kind = kindOf(call);
      await on((connected) => kind.delete(connected, id, outputs, call));
    },
  };
}

const unknowns = (kind: Kind): Bag => Object.fromEntries(kind.results.map((name) => [name, unknownValue]));

/** Keys in alphabetical order: theirs means nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
