import assert from "node:assert/strict";

import { KeyValueStore } from "../components/index.ts";
import type { KeyValueStoreArgs } from "../components/index.ts";
import { configuration } from "../components/key-value-store.ts";
import { digest, graph, only, recordOptions, secret, specOf, useMocks, valueOf } from "./mocks.ts";

const baseArgs: KeyValueStoreArgs = { image: `registry.example/store@${digest}`, namespace: "shop" };
const selector = { "app.kubernetes.io/name": "store" };
const labels = { ...selector, "app.kubernetes.io/managed-by": "pulumi" };

describe("KeyValueStore", () => {
  beforeEach(() => useMocks());

  it("is one Valkey with a disk, a password and an address", async () => {
    new KeyValueStore("store", baseArgs);

    assert.deepEqual(await graph(), [
      "kubernetes:apps/v1:StatefulSet store",
      "kubernetes:core/v1:PersistentVolumeClaim store",
      "kubernetes:core/v1:Secret store",
      "kubernetes:core/v1:Service store",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy store",
      "kubernetes:policy/v1:PodDisruptionBudget store",
      "meridian:index:KeyValueStore store",
      "random:index/randomPassword:RandomPassword store",
    ]);
  });

  it("is found by its name, and gives its password as a secret", async () => {
    const store = new KeyValueStore("store", baseArgs);

    assert.equal(await valueOf(store.url), "redis://store.shop.svc:6379");
    assert.equal(await valueOf(store.password), "random password");
    assert.ok(await (store.password as unknown as { isSecret: Promise<boolean> }).isSecret);
    assert.deepEqual((await only("kubernetes:core/v1:Service")).inputs["metadata"], {
      name: "store",
      namespace: "shop",
      labels,
      annotations: { "pulumi.com/skipAwait": "true" },
    });
    assert.deepEqual(await specOf("kubernetes:core/v1:Service"), {
      clusterIP: "None",
      selector,
      ports: [{ name: "valkey", port: 6379, targetPort: "valkey" }],
    });
  });

  it("keeps its password and configuration in a Secret, of a new name for new ones", async () => {
    new KeyValueStore("store", { ...baseArgs, passwordVersion: 2 });

    assert.deepEqual((await only("random:index/randomPassword:RandomPassword")).inputs, {
      length: 32,
      special: false,
      keepers: { version: "2" },
    });
    const { stringData, immutable, metadata } = (await only("kubernetes:core/v1:Secret")).inputs;
    assert.deepEqual(metadata, { namespace: "shop", labels });
    assert.equal(immutable, true);
    const text = `${configuration({})}requirepass random password\n`;
    assert.deepEqual(stringData, secret({ password: "random password", "valkey.conf": text }));
  });

  it("runs as little as it can, and is asked for what it is needed for", async () => {
    new KeyValueStore("store", { ...baseArgs, resources: { limits: { memory: "256Mi" } } });

    const timing = (periodSeconds: number, timeoutSeconds: number, failureThreshold: number) => ({
      periodSeconds,
      timeoutSeconds,
      failureThreshold,
    });
    const ping = 'test "$(REDISCLI_AUTH="$(cat /etc/valkey/password)" valkey-cli ping)" = PONG';
    assert.deepEqual(await specOf("kubernetes:apps/v1:StatefulSet"), {
      replicas: 1,
      serviceName: "store",
      podManagementPolicy: "Parallel",
      selector: { matchLabels: selector },
      template: {
        metadata: { labels },
        spec: {
          automountServiceAccountToken: false,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 10001,
            runAsGroup: 10001,
            fsGroup: 10001,
            seccompProfile: { type: "RuntimeDefault" },
          },
          terminationGracePeriodSeconds: 30,
          volumes: [
            { name: "data", persistentVolumeClaim: { claimName: "store-1a2b3c4d" } },
            { name: "configuration", secret: { secretName: "store-1a2b3c4d", defaultMode: 0o440 } },
          ],
          containers: [
            {
              name: "valkey",
              image: baseArgs.image,
              imagePullPolicy: "IfNotPresent",
              command: ["valkey-server", "/etc/valkey/valkey.conf"],
              ports: [{ name: "valkey", containerPort: 6379 }],
              resources: {
                requests: { cpu: "50m", memory: "32Mi", "ephemeral-storage": "16Mi" },
                limits: { cpu: "1", memory: "256Mi", "ephemeral-storage": "64Mi" },
              },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ["ALL"] },
              },
              startupProbe: { tcpSocket: { port: "valkey" }, ...timing(1, 2, 60) },
              livenessProbe: { tcpSocket: { port: "valkey" }, ...timing(10, 5, 3) },
              readinessProbe: { exec: { command: ["sh", "-c", ping] }, ...timing(3, 2, 3) },
              volumeMounts: [
                { name: "data", mountPath: "/data" },
                { name: "configuration", mountPath: "/etc/valkey", readOnly: true },
              ],
            },
          ],
        },
      },
    });
  });

  it("protects its disk, unless told otherwise", async () => {
    for (const isProtected of [undefined, false]) {
      await useMocks();
      const { options, transformations } = recordOptions();
      new KeyValueStore("store", { ...baseArgs, isProtected }, { transformations });
      await graph();
      const protectedOnes = [...options].filter(([, { protect }]) => protect === true).map(([name]) => name);
      assert.deepEqual(protectedOnes, isProtected === false ? [] : ["kubernetes:core/v1:PersistentVolumeClaim store"]);
    }
  });

  it("has a disk of the size and class that are asked for", async () => {
    new KeyValueStore("store", { ...baseArgs, size: "20Gi", storageClassName: "fast" });

    assert.deepEqual(await specOf("kubernetes:core/v1:PersistentVolumeClaim"), {
      accessModes: ["ReadWriteOnce"],
      storageClassName: "fast",
      resources: { requests: { storage: "20Gi" } },
    });
  });

  it("lets in its namespace or whoever is named, connects to nobody, and never blocks a drain", async () => {
    const allowFrom = [{ podSelector: { matchLabels: { "app.kubernetes.io/name": "hello" } } }];
    for (const args of [{}, { allowFrom }]) {
      await useMocks();
      new KeyValueStore("store", { ...baseArgs, ...args });
      assert.deepEqual(await specOf("kubernetes:networking.k8s.io/v1:NetworkPolicy"), {
        podSelector: { matchLabels: selector },
        policyTypes: ["Ingress", "Egress"],
        ingress: [{ from: args.allowFrom ?? [{ podSelector: {} }], ports: [{ port: "valkey" }] }],
      });
    }
    assert.deepEqual(await specOf("kubernetes:policy/v1:PodDisruptionBudget"), {
      selector: { matchLabels: selector },
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    });
  });

  it("writes everything to disk, and leaves half of the memory for that", () => {
    assert.deepEqual(
      configuration({ limits: { memory: "64Mi" } })
        .trim()
        .split("\n"),
      [
        "bind * -::*",
        "port 6379",
        "dir /data",
        "appendonly yes",
        "appendfsync everysec",
        "maxmemory 33554432",
        "maxmemory-policy noeviction",
      ],
    );
  });

  it("says all that is wrong at once, before it makes anything", async () => {
    const wrong = {
      ...baseArgs,
      size: "1 GB" as "1G",
      passwordVersion: 0,
      resources: { limits: { cpu: "10m" } },
    } as const;
    assert.throws(() => new KeyValueStore("Store", wrong), {
      message: [
        'name must be 1 to 40 lower-case letters, digits and "-", beginning with a letter and not ending with "-", got "Store"',
        'size must be a Kubernetes quantity above 0 such as "32Mi" or "1Gi", got "1 GB"',
        "passwordVersion must be an integer from 1 to 1000000, got 0",
        'resources.requests.cpu must be at most the limit "10m", got "50m"',
      ].join("\n"),
    });
    assert.ok(!(await graph()).some((resource) => resource.startsWith("kubernetes:")));
  });
});
