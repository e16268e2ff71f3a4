import { posix } from "node:path";
import { parseEnv } from "node:util";

import type { Bag } from "../check.ts";
import { readDeploy } from "./deploy.ts";
import type { Variables } from "./interpolate.ts";
import type { Build, ComposeService, Dependency, Healthcheck } from "./model.ts";
import { readFiles, readMount, readPort, tmpfsOf } from "./mounts.ts";
import type { Surroundings } from "./parse.ts";
import type { Reader } from "./read.ts";

/** One of the file's services in one form. */
export function readService(
  name: string,
  value: unknown,
  content: Bag,
  reader: Reader,
  around: Surroundings,
): ComposeService {
  const path = `services.${name}`;
  const bag = reader.map(value, path);
  const at = (key: string): [unknown, string] => [bag[key], `${path}.${key}`];
  const links = reader.texts(...at("links")).map((link) => link.split(":")[0]!);
  const build = readBuild(bag["build"], `${path}.build`, reader, around);
  if (bag["image"] === undefined && build === undefined) reader.problems.push(`${path} must have image or build`);
  const logging = reader.map(...at("logging"));
  const files = (["configs", "secrets"] as const).flatMap((kind) =>
    readFiles(kind, bag, path, content, reader, around),
  );
  return {
    name,
    image: reader.text(...at("image")),
    build,
    entrypoint: reader.words(...at("entrypoint")),
    command: reader.words(...at("command")),
    environment: readEnvironment(bag, path, reader, around),
    ports: reader.list(...at("ports")).flatMap((port, index) => readPort(port, `${path}.ports[${index}]`, reader)),
    mounts: [
      ...reader
        .list(...at("volumes"))
        .map((item, index) => readMount(item, `${path}.volumes[${index}]`, reader, around)),
      ...tmpfsOf(bag["tmpfs"], `${path}.tmpfs`, reader),
    ],
    files,
    dependsOn: [...readDependencies(bag["depends_on"], `${path}.depends_on`, reader), ...links.map(started)],
    networks: { ...readNetworks(bag["networks"], `${path}.networks`, name, content, reader) },
    healthcheck: readHealthcheck(bag["healthcheck"], `${path}.healthcheck`, reader),
    isAwaited: false,
    deploy: readDeploy(bag, path, reader),
    labels: given(reader.pairs(...at("labels"))),
    user: reader.text(...at("user")),
    workingDir: reader.text(...at("working_dir")),
    hostname: reader.text(...at("hostname")),
    readOnly: reader.flag(...at("read_only")),
    init: reader.flag(...at("init")),
    capAdd: reader.texts(...at("cap_add")),
    capDrop: reader.texts(...at("cap_drop")),
    securityOpt: reader.texts(...at("security_opt")),
    stopSignal: reader.text(...at("stop_signal")),
    stopGraceSeconds: reader.seconds(...at("stop_grace_period")),
    logging:
      bag["logging"] === undefined
        ? undefined
        : {
            driver: reader.text(logging["driver"], `${path}.logging.driver`) ?? "json-file",
            options: given(reader.pairs(logging["options"], `${path}.logging.options`)),
          },
    ulimits: Object.entries(reader.map(...at("ulimits"))).map(([limit, range]) => {
      const isOne = typeof range === "number";
      const { soft, hard } = isOne ? { soft: range, hard: range } : reader.map(range, `${path}.ulimits.${limit}`);
      return { name: limit, soft: Number(soft), hard: Number(hard) };
    }),
    swapLimit: reader.bytes(...at("memswap_limit")),
  };
}

const started = (name: string): Dependency => ({ name, isHealthy: false });

/** With an empty text, or what `others` has, for names that have no value. */
function given(pairs: Readonly<Record<string, string | undefined>>, others: Variables = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(pairs).map(([name, value]) => [name, value ?? others[name] ?? ""]));
}

function readBuild(
  value: unknown,
  path: string,
  reader: Reader,
  { folder, variables }: Surroundings,
): Build | undefined {
  if (value === undefined) return undefined;
  const bag = typeof value === "string" ? { context: value } : reader.map(value, path);
  const context = posix.join(folder, reader.text(bag["context"], `${path}.context`) ?? ".");
  return {
    context,
    dockerfile: posix.join(context, reader.text(bag["dockerfile"], `${path}.dockerfile`) ?? "Dockerfile"),
    args: given(reader.pairs(bag["args"], `${path}.args`), variables),
    target: reader.text(bag["target"], `${path}.target`),
  };
}

/** The files of `env_file`, one after the other, and `environment` on top. */
function readEnvironment(bag: Bag, path: string, reader: Reader, around: Surroundings): Record<string, string> {
  const value = bag["env_file"];
  const files = typeof value === "string" ? [value] : reader.list(value, `${path}.env_file`);
  const variables: Record<string, string> = {};
  for (const [index, item] of files.entries()) {
    const here = `${path}.env_file[${index}]`;
    const entry = typeof item === "string" ? { path: item } : reader.map(item, here);
    const file = reader.text(entry["path"], `${here}.path`) ?? "";
    const text = around.read(file);
    const isRequired = reader.flag((entry as Bag)["required"], `${here}.required`) ?? true;
    if (text === undefined && isRequired) reader.problems.push(`${here} names ${file}, which is not there`);
    Object.assign(variables, parseEnv(text ?? ""));
  }
  for (const [name, text] of Object.entries(reader.pairs(bag["environment"], `${path}.environment`))) {
    const found = text ?? around.variables[name];
    if (found === undefined) {
      reader.problems.push(`${path}.environment.${name} has no value, and the variable ${name} is not set`);
    }
    variables[name] = found ?? "";
  }
  return variables;
}

function readDependencies(value: unknown, path: string, reader: Reader): Dependency[] {
  if (Array.isArray(value)) return reader.texts(value, path).map(started);
  return Object.entries(reader.map(value, path)).map(([name, item]) => {
    const condition = reader.map(item, `${path}.${name}`)["condition"];
    const allowed = ["service_started", "service_healthy"] as const;
    return { name, isHealthy: reader.oneOf(condition, `${path}.${name}.condition`, allowed) === "service_healthy" };
  });
}

/** The service's networks with its other names there: those that it gives itself, and those that links of others give it. */
function readNetworks(
  value: unknown,
  path: string,
  name: string,
  content: Bag,
  reader: Reader,
): Record<string, readonly string[]> {
  const names = value === undefined || value === null ? ["default"] : value;
  const used = Array.isArray(names)
    ? reader.texts(names, path).map((network) => [network, {}] as const)
    : Object.entries(reader.map(names, path));
  const linked = Object.values(reader.map(content["services"], "services")).flatMap((other) => {
    const links = (typeof other === "object" && other !== null ? (other as Bag)["links"] : undefined) ?? [];
    return (Array.isArray(links) ? links : [])
      .map((link) => String(link).split(":"))
      .flatMap(([service, alias]) => (service === name && alias !== undefined ? [alias] : []));
  });
  return Object.fromEntries(
    used.map(([network, item]) => {
      const own = reader.texts(reader.map(item, `${path}.${network}`)["aliases"], `${path}.${network}.aliases`);
      return [network, [...new Set([...own, ...linked])].filter((alias) => alias !== name)];
    }),
  );
}

function readHealthcheck(value: unknown, path: string, reader: Reader): Healthcheck | undefined {
  if (value === undefined) return undefined;
  const bag = reader.map(value, path);
  const test = typeof bag["test"] === "string" ? ["CMD-SHELL", bag["test"]] : reader.texts(bag["test"], `${path}.test`);
  const isOff = reader.flag(bag["disable"], `${path}.disable`) === true;
  return {
    test: isOff ? ["NONE"] : test.length > 0 ? test : undefined,
    intervalSeconds: reader.seconds(bag["interval"], `${path}.interval`),
    timeoutSeconds: reader.seconds(bag["timeout"], `${path}.timeout`),
    retries: reader.number(bag["retries"], `${path}.retries`),
    startPeriodSeconds: reader.seconds(bag["start_period"], `${path}.start_period`),
  };
}
