import type { Bag } from "../check.ts";
import type { Deploy, Quantity, Roll } from "./model.ts";
import type { Reader } from "./read.ts";

/** `deploy`, with what `restart`, `cpus` and `mem_limit` say where it says nothing. */
export function readDeploy(service: Bag, path: string, reader: Reader): Deploy {
  const here = `${path}.deploy`;
  const bag = reader.map(service["deploy"], here);
  const resources = reader.map(bag["resources"], `${here}.resources`);
  const placement = reader.map(bag["placement"], `${here}.placement`);
  const limits = readQuantity(resources["limits"], `${here}.resources.limits`, reader);
  const mode = reader.oneOf(bag["mode"], `${here}.mode`, ["replicated", "global"]);
  return {
    replicas: reader.number(bag["replicas"], `${here}.replicas`) ?? 1,
    isGlobal: mode === "global",
    limits: {
      cpus: limits.cpus ?? reader.number(service["cpus"], `${path}.cpus`),
      memory: limits.memory ?? reader.bytes(service["mem_limit"], `${path}.mem_limit`),
    },
    reservations: readQuantity(resources["reservations"], `${here}.resources.reservations`, reader),
    restart: readRestart(service, bag, path, reader),
    update: readRoll(bag["update_config"], `${here}.update_config`, reader),
    rollback: readRoll(bag["rollback_config"], `${here}.rollback_config`, reader),
    constraints: reader.texts(placement["constraints"], `${here}.placement.constraints`),
    spreadOver: reader.list(placement["preferences"], `${here}.placement.preferences`).map((item, index) => {
      const at = `${here}.placement.preferences[${index}]`;
      return reader.text(reader.map(item, at)["spread"], `${at}.spread`) ?? "";
    }),
    maxPerNode: reader.number(placement["max_replicas_per_node"], `${here}.placement.max_replicas_per_node`),
    endpointMode: reader.oneOf(bag["endpoint_mode"], `${here}.endpoint_mode`, ["vip", "dnsrr"]),
  };
}

function readQuantity(value: unknown, path: string, reader: Reader): Quantity {
  const bag = reader.map(value, path);
  return { cpus: reader.number(bag["cpus"], `${path}.cpus`), memory: reader.bytes(bag["memory"], `${path}.memory`) };
}

const conditions = { no: "none", always: "any", "unless-stopped": "any", "on-failure": "on-failure" } as const;

function readRestart(service: Bag, deploy: Bag, path: string, reader: Reader): Deploy["restart"] {
  const here = `${path}.deploy.restart_policy`;
  if (deploy["restart_policy"] === undefined) {
    if (service["restart"] === undefined) return {};
    const text = String(service["restart"]);
    const [, kind = text, attempts] = /^([^:]*)(?::(\d+))?$/.exec(text) ?? [];
    const names = Object.keys(conditions) as (keyof typeof conditions)[];
    const name = reader.oneOf(service["restart"] === false ? false : kind, `${path}.restart`, names);
    return { condition: conditions[name ?? "no"], maxAttempts: attempts === undefined ? undefined : Number(attempts) };
  }
  const bag = reader.map(deploy["restart_policy"], here);
  return {
    condition: reader.oneOf(bag["condition"], `${here}.condition`, ["none", "on-failure", "any"]) ?? "any",
    delaySeconds: reader.seconds(bag["delay"], `${here}.delay`),
    maxAttempts: reader.number(bag["max_attempts"], `${here}.max_attempts`),
    windowSeconds: reader.seconds(bag["window"], `${here}.window`),
  };
}

function readRoll(value: unknown, path: string, reader: Reader): Roll | undefined {
  if (value === undefined) return undefined;
  const bag = reader.map(value, path);
  return {
    parallelism: reader.number(bag["parallelism"], `${path}.parallelism`),
    delaySeconds: reader.seconds(bag["delay"], `${path}.delay`),
    order: reader.oneOf(bag["order"], `${path}.order`, ["start-first", "stop-first"]),
    failureAction: reader.oneOf(bag["failure_action"], `${path}.failure_action`, ["pause", "continue", "rollback"]),
    monitorSeconds: reader.seconds(bag["monitor"], `${path}.monitor`),
    maxFailureRatio: reader.number(bag["max_failure_ratio"], `${path}.max_failure_ratio`),
  };
}
