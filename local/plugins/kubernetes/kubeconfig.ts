/** Which API server to talk to, and as whom: the kubeconfig, found and merged by kubectl's rules. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import yaml from "yaml";
import { at, isBag, type Bag, type Value } from "../serve.ts";
import { Unreachable } from "./errors.ts";

/** The kubeconfig's entries for one context. */
export interface Target {
  readonly server: string;
  readonly cluster: Bag;
  readonly user: Bag;
  /** Of the context; `default` if it names none. */
  readonly namespace: string;
}

export interface Selection {
  /** Path or content; otherwise `KUBECONFIG` (several paths possible), otherwise `~/.kube/config`. */
  readonly kubeconfig?: string;
  readonly context?: string;
  /** Another cluster than that of the context. */
  readonly cluster?: string;
}

/** Picks the target. Fails with {@link Unreachable} when there is none. */
export function findTarget(selection: Selection, env: NodeJS.ProcessEnv = process.env): Target {
  const config = loadKubeconfig(selection.kubeconfig, env);
  const contextName = selection.context ?? text(config["current-context"]);
  const context = named(config["contexts"], contextName, "context");
  if (context === undefined && selection.cluster === undefined) {
    throw new Unreachable(
      "",
      contextName
        ? `the kubeconfig has no context ${contextName}`
        : "there is no kubeconfig, or it has no current context",
    );
  }
  const clusterName = selection.cluster ?? text(context?.["cluster"]);
  const cluster = named(config["clusters"], clusterName, "cluster");
  if (cluster === undefined) throw new Unreachable("", `the kubeconfig has no cluster ${clusterName}`);
  return {
    server: text(cluster["server"]).replace(/\/+$/, ""),
    cluster,
    user: named(config["users"], text(context?.["user"]), "user") ?? {},
    namespace: text(context?.["namespace"]) || "default",
  };
}

function loadKubeconfig(given: string | undefined, env: NodeJS.ProcessEnv): Bag {
  if (given !== undefined && given.trim() !== "") {
    // A path has one line and names a file; anything else is the content itself (JSON or YAML).
    const path = given.startsWith("~/") ? join(homedir(), given.slice(2)) : given;
    if (!given.includes("\n") && existsSync(path))
      return parse(readFileSync(path, "utf8"), dirname(resolve(path)), path);
    if (!given.includes("\n") && !given.includes(":"))
      throw new Unreachable("", `the kubeconfig ${given} does not exist`);
    return parse(given, process.cwd(), "given in the provider's configuration");
  }
  const paths = env["KUBECONFIG"]
    ? env["KUBECONFIG"].split(delimiter).filter(Boolean)
    : [join(homedir(), ".kube/config")];
  // As kubectl does: files that are missing are left out, and the first to name something wins.
  const configs = paths
    .filter((path) => existsSync(path))
    .map((path) => parse(readFileSync(path, "utf8"), dirname(resolve(path)), path));
  const merged: Bag = {};
  for (const config of configs) {
    for (const list of ["clusters", "users", "contexts"]) {
      merged[list] = [...listOf(merged[list]), ...listOf(config[list])];
    }
    merged["current-context"] ??= config["current-context"] || null;
  }
  return merged;
}

function parse(content: string, folder: string, name: string): Bag {
  let config: unknown;
  try {
    config = yaml.parse(content);
  } catch (error) {
    throw new Unreachable(
      "",
      `the kubeconfig ${name} is not valid YAML: ${String((error as Error).message).split("\n")[0]}`,
    );
  }
  if (!isBag(config)) throw new Unreachable("", `the kubeconfig ${name} does not hold a configuration`);
  // Paths in a kubeconfig are relative to it.
  for (const list of ["clusters", "users"]) {
    for (const entry of listOf(config[list])) {
      const details = isBag(entry) ? entry[list === "clusters" ? "cluster" : "user"] : undefined;
      if (!isBag(details)) continue;
      for (const key of ["certificate-authority", "client-certificate", "client-key", "tokenFile"]) {
        const path = details[key];
        if (typeof path === "string" && path !== "" && !isAbsolute(path)) details[key] = resolve(folder, path);
      }
    }
  }
  return config;
}

function named(list: Value | undefined, name: string, key: "context" | "cluster" | "user"): Bag | undefined {
  const entry = listOf(list).find((item) => at(item, "name") === name);
  const details = at(entry, key);
  return isBag(details) ? details : undefined;
}

function listOf(value: Value | undefined): Value[] {
  return Array.isArray(value) ? value : [];
}

function text(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}
