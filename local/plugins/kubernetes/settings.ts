/** The provider's configuration, as `new kubernetes.Provider(name, {…})` or the stack's settings give it. */
import { isDeepStrictEqual } from "node:util";
import { unknownValue, type Bag, type DiffKind, type DiffResult } from "../serve.ts";
import { findTarget, type Selection, type Target } from "./kubeconfig.ts";

export interface Settings {
  readonly selection: Selection;
  /** Where namespaced objects go that name no namespace. @default - the namespace of the kubeconfig's context */
  readonly namespace?: string;
  /** ConfigMaps and Secrets are replaced when their data change, so that what uses them is rolled; this turns it off. */
  readonly configMapMutable: boolean;
  readonly secretMutable: boolean;
  /** Creating what exists already takes it over instead of failing. */
  readonly upsert: boolean;
  /** Objects of a cluster that cannot be reached count as deleted. */
  readonly deleteUnreachable: boolean;
  /** Objects of a cluster that cannot be reached are left as they are. */
  readonly skipUnreachable: boolean;
}

const notHere = ["renderYamlToDirectory"];

export function readSettings(config: Bag, env: NodeJS.ProcessEnv = process.env): Settings {
  const text = (key: string): string | undefined => {
    const value = config[key];
    return typeof value === "string" && value !== "" && value !== unknownValue ? value : undefined;
  };
  // The SDK sends booleans as JSON text.
  const flag = (key: string, variable: string) => String(config[key] ?? env[variable] ?? "false") === "true";
  for (const key of notHere) {
    if (text(key)) throw new Error(`the stand-in plugin of the local kit has no ${key}: the official plugin does`);
  }
  const selection: Record<string, string> = {};
  for (const key of ["kubeconfig", "context", "cluster"]) {
    const value = text(key);
    if (value !== undefined) selection[key] = value;
  }
  const namespace = text("namespace");
  return {
    selection,
    ...(namespace === undefined ? {} : { namespace }),
    configMapMutable: flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
    secretMutable: flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
    upsert: flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
    deleteUnreachable: flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
    skipUnreachable: flag("skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"),
  };
}

/** A provider whose cluster is another one than before takes all of its resources with it. */
export function diffSettings(olds: Bag, news: Bag): DiffResult {
  const changed = [...new Set([...Object.keys(olds), ...Object.keys(news)])].filter(
    (key) => key !== "version" && !isDeepStrictEqual(olds[key], news[key]),
  );
  const replace = changed.some((key) => identity.includes(key)) && isAnotherCluster(olds, news);
  const detailed: Record<string, DiffKind> = {};
  for (const key of changed) {
    const kind = !(key in olds) ? "add" : !(key in news) ? "delete" : "update";
    detailed[key] = replace && identity.includes(key) ? `${kind}-replace` : kind;
  }
  return { detailed };
}

const identity = ["kubeconfig", "context", "cluster", "clusterIdentifier"];

function isAnotherCluster(olds: Bag, news: Bag): boolean {
  const [was, is] = [olds["clusterIdentifier"], news["clusterIdentifier"]];
  if (was && is) return was !== is;
  // What will only be known later is not taken for another cluster.
  if (Object.values(news).includes(unknownValue)) return false;
  const [before, after] = [clusterOf(olds), clusterOf(news)];
  return before === undefined || after === undefined || !isDeepStrictEqual(before, after);
}

function clusterOf(config: Bag): Target["cluster"] | undefined {
  try {
    return findTarget(readSettings(config).selection).cluster;
  } catch {
    return undefined;
  }
}
