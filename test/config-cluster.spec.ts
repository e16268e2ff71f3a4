import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import * as pulumi from "@pulumi/pulumi";

import { checkCluster, checkOnCluster, parseNodes } from "../config-cluster.ts";
import type { Cluster } from "../config-cluster.ts";
import { readConfig } from "../config.ts";
import { useConfig, useMocks } from "./mocks.ts";

const config = {
  cdn: true,
  regions: ["eu", "us"],
  cdnReplicas: 2,
  cdnCacheSize: "256Mi",
  cdnTlsSecret: "",
  namespace: "shop",
  release: "blueGreen",
  replicas: 3,
  version: "v0.0.2",
} as const;
/** What an edge with that cache takes, in bytes. */
const disk = (320 + 64 + 16) * 2 ** 20;
const nodes = [
  { region: "eu", disk: 2 * disk },
  { region: "us", disk },
  { region: "us", disk },
];
const cluster: Cluster = { nodes, secretType: undefined, room: undefined };
const label = "topology.kubernetes.io/region";

describe("the configuration and the cluster", () => {
  it("suit each other if each region's nodes hold its edges", () =>
    assert.deepEqual(checkCluster(config, cluster), []));

  it("suit each other as far as is known, where the cluster may not be asked", () => {
    const unknown = { nodes: undefined, secretType: undefined, room: undefined };
    assert.deepEqual(checkCluster({ ...config, regions: ["mars"], cdnTlsSecret: "www-tls" }, unknown), []);
  });

  it("have the same regions", () => {
    assert.deepEqual(checkCluster({ ...config, regions: ["eu", "mars"] }, cluster), [
      `regions[1] must be one of "eu", "us", got "mars", which no node's label ${label} says; ` +
        "for example: pulumi config set --path 'regions[1]' eu",
    ]);
    assert.deepEqual(checkCluster(config, { ...cluster, nodes: [] }), [
      `regions must have nodes, got ["eu","us"], and no node has the label ${label}; ` +
        `for example: kubectl label node NAME ${label}=eu`,
    ]);
  });

  it("have the same regions without a CDN, whose disks and certificate do not matter then", () => {
    const plain = { ...config, cdn: false, cdnCacheSize: "1Ti", cdnTlsSecret: "www-tls" } as const;
    assert.deepEqual(checkCluster(plain, { ...cluster, secretType: "" }), []);
    assert.match(
      checkCluster({ ...plain, regions: ["mars"] }, cluster).join(),
      /^regions\[0\] must be one of "eu", "us"/,
    );
  });

  it("have room for the caches on single nodes", () => {
    const small = [{ region: "eu", disk: 2 * disk - 1 }, ...nodes.slice(1)];
    assert.deepEqual(checkCluster(config, { ...cluster, nodes: small }), [
      'cdnCacheSize must fit region "eu", got "256Mi": its nodes have 0.8Gi of disk, and each of 2 edges takes 0.4Gi; ' +
        "for example: pulumi config set cdnCacheSize 256Mi",
    ]);
    const problems = checkCluster({ ...config, cdnCacheSize: "1Ti" }, cluster);
    assert.match(
      problems[1]!,
      /"us", got "1Ti": its nodes have 0.4Gi, 0.4Gi of disk, and each of 2 edges takes 1280.1Gi/,
    );
  });

  it("have room for a second set of replicas, if one is to be made", () => {
    const replica = { spec: { containers: [{ resources: { requests: { cpu: "500m" } } }] } };
    const node = (cpu: string) => ({
      metadata: { name: "eu" },
      spec: {},
      status: { allocatable: { cpu, memory: "8Gi", pods: "110" } },
    });
    assert.deepEqual(checkCluster(config, { ...cluster, room: { nodes: [node("1500m")], pods: [], replica } }), []);
    assert.deepEqual(checkCluster(config, { ...cluster, room: { nodes: [node("1400m")], pods: [], replica } }), [
      'release "blueGreen" starts 3 replicas beside those that run, and the nodes have room for 2 more at most; ' +
        "for example: pulumi config set release rolling",
    ]);
  });

  it("have the certificate's Secret", () => {
    const wish = { ...config, cdnTlsSecret: "www-tls" };
    const sentence = (got: string) => [
      'cdnTlsSecret must be a Secret of type kubernetes.io/tls in namespace "shop", got "www-tls", ' +
        `${got}; for example: kubectl -n shop create secret tls www-tls --cert FILE --key FILE`,
    ];
    assert.deepEqual(checkCluster(wish, { ...cluster, secretType: "kubernetes.io/tls" }), []);
    assert.deepEqual(checkCluster(wish, { ...cluster, secretType: "" }), sentence("and there is none"));
    assert.deepEqual(checkCluster(wish, { ...cluster, secretType: "Opaque" }), sentence("and its type is Opaque"));
  });

  it("read disks with and without a unit, and one that is not told as endless", () => {
    assert.deepEqual(parseNodes("eu 1024Ki\nus 2048\nap \n"), [
      { region: "eu", disk: 2 ** 20 },
      { region: "us", disk: 2048 },
      { region: "ap", disk: Infinity },
    ]);
  });
});

describe("asking the cluster", () => {
  const path = process.env["PATH"];
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "kubectl-"));
    process.env["PATH"] = `${folder}${delimiter}${path}`;
    return useMocks();
  });
  afterEach(() => {
    process.env["PATH"] = path;
    rmSync(folder, { recursive: true });
  });

  /** A kubectl that prints its arguments where `wrong` is to be seen, and knows a region "eu". */
  const kubectl = (script: string): void => {
    writeFileSync(join(folder, "kubectl"), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, "kubectl"), 0o755);
  };
  const withCdn = { cdn: "true", regions: '["mars"]' };

  it("refuses what the cluster does not have, in the words of every other wrong configuration", async () => {
    kubectl("echo eu 100Gi");
    useConfig(withCdn);
    await assert.rejects(checkOnCluster(readConfig()), (error: Error) => {
      assert.ok(pulumi.RunError.isInstance(error));
      assert.match(
        error.message,
        /^The stack's configuration cannot be used:\n {2}regions\[0\] must be one of "eu", got "mars"/,
      );
      return true;
    });
  });

  it("asks the cluster that Pulumi's own settings choose", async () => {
    kubectl('[ "$1 $2" = "--context kind-other" ] && echo eu 100Gi || echo mars 100Gi');
    useConfig(withCdn);
    await checkOnCluster(readConfig());
    pulumi.runtime.setConfig("kubernetes:context", "kind-other");
    await assert.rejects(checkOnCluster(readConfig()), /got "mars"/);
    pulumi.runtime.setConfig("kubernetes:kubeconfig", "apiVersion: v1");
    await checkOnCluster(readConfig());
  });

  it("does not stand in the way of whoever may not look at nodes, or names no region, or has no Kubernetes", async () => {
    kubectl("exit 1");
    useConfig(withCdn);
    await checkOnCluster(readConfig());
    kubectl("echo eu 100Gi");
    useConfig({});
    await checkOnCluster(readConfig());
    useConfig({ ...withCdn, target: "docker" });
    await checkOnCluster(readConfig());
  });
});
