/** Which keys of a Compose file mean something on which target. */
import { isBag, show } from "../check.ts";
import type { Bag } from "../check.ts";
import type { Target } from "./model.ts";

type Keys = { readonly [key: string]: Keys | "any" | readonly Target[] };

const swarm: readonly Target[] = ["swarm"];
const quantity: Keys = { cpus: "any", memory: "any" };
const file: Keys = { source: "any", target: "any", uid: "any", gid: "any", mode: "any" };

/** `any` stands for all targets. What is not here is carried over to none. */
const service: Keys = {
  image: "any",
  build: { context: "any", dockerfile: "any", args: "any", target: "any" },
  command: "any",
  entrypoint: "any",
  environment: "any",
  env_file: "any",
  ports: { target: "any", published: "any", protocol: "any", host_ip: ["docker"], mode: ["docker", "swarm"] },
  expose: "any",
  volumes: { type: "any", source: "any", target: "any", read_only: "any", tmpfs: { size: "any" } },
  depends_on: { "*": { condition: "any", required: "any" } },
  links: "any",
  networks: { "*": { aliases: "any" } },
  healthcheck: {
    test: "any",
    interval: "any",
    timeout: "any",
    retries: "any",
    start_period: "any",
    disable: "any",
  },
  deploy: {
    mode: swarm,
    replicas: "any",
    resources: { limits: quantity, reservations: quantity },
    restart_policy: { condition: "any", delay: swarm, max_attempts: ["docker", "swarm"], window: swarm },
    update_config: {
      parallelism: ["kubernetes", "swarm"],
      order: ["kubernetes", "swarm"],
      delay: swarm,
      failure_action: swarm,
      monitor: swarm,
      max_failure_ratio: swarm,
    },
    rollback_config: swarm,
    placement: { constraints: swarm, preferences: swarm, max_replicas_per_node: swarm },
    endpoint_mode: swarm,
  },
  restart: "any",
  labels: "any",
  user: "any",
  working_dir: ["kubernetes", "docker"],
  hostname: "any",
  read_only: "any",
  init: ["docker"],
  cap_add: ["kubernetes", "docker"],
  cap_drop: "any",
  security_opt: ["kubernetes", "docker"],
  stop_signal: ["docker"],
  stop_grace_period: "any",
  tmpfs: "any",
  logging: { driver: ["docker", "swarm"], options: ["docker", "swarm"] },
  configs: file,
  secrets: file,
  ulimits: ["docker"],
  cpus: "any",
  mem_limit: "any",
  memswap_limit: ["docker"],
};

const document: Keys = {
  version: "any",
  name: "any",
  services: { "*": service },
  networks: { "*": { driver: "any" } },
  volumes: { "*": {} },
  configs: { "*": { file: "any", content: "any", environment: "any", name: "any" } },
  secrets: { "*": { file: "any", environment: "any", name: "any" } },
};

/** A sentence for each key of the file that `target` would have to leave out. */
export function notCarriedOver(content: Bag, target: Target): string[] {
  return walk(content, document, "", target);
}

function walk(value: unknown, keys: Keys, path: string, target: Target): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => (isBag(item) ? walk(item, keys, `${path}[${index}]`, target) : []));
  }
  if (!isBag(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    // Extensions are for others; a key without a value is as good as none.
    if (key.startsWith("x-") || item === null) return [];
    const known = keys[key] ?? keys["*"];
    const here = path === "" ? key : `${path}.${key}`;
    if (known === undefined || (Array.isArray(known) && !known.includes(target))) {
      return [`${here} is not carried over to ${target}, got ${show(item)}; leave it out`];
    }
    return known === "any" || Array.isArray(known) ? [] : walk(item, known as Keys, here, target);
  });
}
