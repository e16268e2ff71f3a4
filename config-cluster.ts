/** What of the stack's configuration only the cluster can tell to be wrong: asked by `kubectl` before anything is made. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";

import * as pulumi from "@pulumi/pulumi";

import { checkOneOf, show } from "./components/check.ts";
import { edgeDisk } from "./components/edge/pod.ts";
import { edgeSettings } from "./components/edge/settings.ts";
import { regionLabel } from "./components/pod-spec.ts";
import { parseQuantity } from "./components/resources.ts";
import { readRoom, tooLittleRoom } from "./config-room.ts";
import type { Room } from "./config-room.ts";
import { refuseConfig } from "./config.ts";
import type { Config } from "./config.ts";

/** A part is undefined where whoever deploys may not look at it: then the update shows what is wrong. */
export interface Cluster {
  /** The nodes that have a region, with the bytes of disk that pods can have. */
  readonly nodes: readonly { readonly region: string; readonly disk: number }[] | undefined;
  /** The type of the Secret that is to hold the certificate, empty if there is no such Secret. */
  readonly secretType: string | undefined;
  /** Where a second set of replicas could go, if one is to be made. */
  readonly room: Room | undefined;
}

type CdnKeys = "cdn" | "cdnCacheSize" | "cdnReplicas" | "cdnTlsSecret";
type ClusterConfig = Pick<Config, CdnKeys | "namespace" | "regions" | "release" | "replicas" | "version">;

/** Ends the program with a sentence for each thing that the cluster does not have. */
export async function checkOnCluster(config: Config): Promise<void> {
  if (config.target !== "kubernetes") return;
  refuseConfig(checkCluster(config, await readCluster(config)));
}

/** One sentence for each thing that replicas and edges need and the cluster does not have. */
export function checkCluster(config: ClusterConfig, { nodes, secretType, room }: Cluster): string[] {
  const problem = room && tooLittleRoom(room, config.replicas);
  return [
    ...(problem === undefined ? [] : [`${problem}; for example: pulumi config set release rolling`]),
    ...(nodes === undefined ? [] : checkRegions(config, nodes)),
    ...(nodes === undefined || !config.cdn ? [] : checkDisks(config, nodes)),
    ...(config.cdn ? checkSecret(config, secretType) : []),
  ];
}

function checkRegions({ regions }: ClusterConfig, nodes: NonNullable<Cluster["nodes"]>): string[] {
  const known = [...new Set(nodes.map(({ region }) => region))].toSorted();
  if (known.length === 0) {
    const fix = `for example: kubectl label node NAME ${regionLabel}=${regions[0]}`;
    return [`regions must have nodes, got ${show(regions)}, and no node has the label ${regionLabel}; ${fix}`];
  }
  return regions.flatMap((region, index) =>
    checkOneOf(`regions[${index}]`, region, known).map(
      (problem) =>
        `${problem}, which no node's label ${regionLabel} says; for example: pulumi config set --path 'regions[${index}]' ${known[0]}`,
    ),
  );
}

function checkDisks(
  { cdnCacheSize: cacheSize, cdnReplicas: replicas, regions }: ClusterConfig,
  nodes: NonNullable<Cluster["nodes"]>,
): string[] {
  const disk = edgeDisk(edgeSettings({}, { cacheSize }));
  return regions.flatMap((region) => {
    const disks = nodes.filter((node) => node.region === region).map((node) => node.disk);
    const places = disks.reduce((sum, size) => sum + Math.floor(size / disk), 0);
    if (disks.length === 0 || places >= replicas) return [];
    const room = `its nodes have ${disks.map(gibibytes).join(", ")} of disk, and each of ${replicas} edges takes ${gibibytes(disk)}`;
    return [
      `cdnCacheSize must fit region ${show(region)}, got ${show(cacheSize)}: ${room}; for example: pulumi config set cdnCacheSize 256Mi`,
    ];
  });
}

function checkSecret({ cdnTlsSecret: name, namespace }: ClusterConfig, type: string | undefined): string[] {
  const wanted = "kubernetes.io/tls";
  if (name === "" || type === undefined || type === wanted) return [];
  const got = type === "" ? "and there is none" : `and its type is ${type}`;
  const fix = `kubectl -n ${namespace} create secret tls ${name} --cert FILE --key FILE`;
  return [
    `cdnTlsSecret must be a Secret of type ${wanted} in namespace ${show(namespace)}, got ${show(name)}, ${got}; for example: ${fix}`,
  ];
}

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)}Gi`;

/** What the cluster that Pulumi's default provider deploys to has. */
async function readCluster(config: ClusterConfig): Promise<Cluster> {
  const { cdn, cdnTlsSecret, namespace, regions, release, version } = config;
  const lines =
    "{range .items[*]}{.metadata.labels['topology\\.kubernetes\\.io/region']} {.status.allocatable['ephemeral-storage']}{\"\\n\"}{end}";
  const list = (...args: string[]) => kubectl("get", ...args, "-o", "json");
  const [nodes, secretType, room] = await Promise.all([
    regions.length === 0 ? undefined : kubectl("get", "nodes", "-l", regionLabel, "-o", `jsonpath=${lines}`),
    !cdn || cdnTlsSecret === ""
      ? undefined
      : kubectl("-n", namespace, "get", "secret", cdnTlsSecret, "--ignore-not-found", "-o", "jsonpath={.type}"),
    release === "blueGreen" ? readRoom(list, namespace, version) : undefined,
  ]);
  return { nodes: nodes === undefined ? undefined : parseNodes(nodes), secretType, room };
}

/** A line for each node: its region and the size of its disk, which some say in bytes. A node without a size has any. */
export function parseNodes(text: string): { region: string; disk: number }[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [region = "", size = ""] = line.split(" ");
      return { region, disk: parseQuantity(size) ?? Infinity };
    });
}

/** What `kubectl` prints; undefined where it is not there, or must not be asked. */
async function kubectl(...args: string[]): Promise<string | undefined> {
  const config = new pulumi.Config("kubernetes");
  const kubeconfig = config.get("kubeconfig");
  // The text of one instead of a file is for Pulumi alone: command lines are no place for secrets.
  if (kubeconfig !== undefined && !existsSync(kubeconfig)) return undefined;
  const chosen = ["kubeconfig", "context", "cluster"].flatMap((name) => {
    const value = config.get(name);
    return value === undefined ? [] : [`--${name}`, value];
  });
  try {
    const all = [...chosen, "--request-timeout", "10s", ...args];
    return (await promisify(execFile)("kubectl", all, { maxBuffer: 2 ** 28 })).stdout;
  } catch (error) {
    await pulumi.log.debug(`The cluster is not asked: ${(error as NodeJS.ErrnoException).code ?? "kubectl failed"}`);
    return undefined;
  }
}
