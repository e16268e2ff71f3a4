import assert from "node:assert/strict";

import { edgePodSpec } from "../components/edge/pod.ts";
import type { EdgePodOptions } from "../components/edge/pod.ts";
import { edgeSettings } from "../components/edge/settings.ts";

const selector = { "app.kubernetes.io/name": "www-eu" };
const baseOptions: EdgePodOptions = {
  ...edgeSettings({}, {}),
  image: "registry.example/nginx@sha256:1",
  serviceAccountName: "the-account",
  configMapName: "the-config",
  secretName: "the-secret",
  nodeLabels: { "topology.kubernetes.io/region": "eu" },
  isShield: false,
};
const podOf = (options: Partial<EdgePodOptions> = {}) => edgePodSpec({ ...baseOptions, ...options }, selector);

const probe = (path: string) => ({ httpGet: { path, port: "internal" } });
const mounts = [
  { name: "config", mountPath: "/etc/edge", readOnly: true },
  { name: "cache", mountPath: "/var/cache/edge" },
  { name: "scratch", mountPath: "/tmp/edge" },
];
const ports = { http: { name: "http", containerPort: 8080 }, internal: { name: "internal", containerPort: 8081 } };
const volumes = [
  { name: "config", configMap: { name: "the-config" } },
  // A quarter more than the 256 MiB of the cache.
  { name: "cache", emptyDir: { sizeLimit: `${320 * 2 ** 20}` } },
  { name: "scratch", emptyDir: { sizeLimit: "64Mi" } },
];
const container = {
  name: "edge",
  image: "registry.example/nginx@sha256:1",
  imagePullPolicy: "IfNotPresent",
  command: ["nginx", "-e", "stderr", "-c", "/etc/edge/nginx.conf", "-g", "daemon off;"],
  ports: [ports.http, ports.internal],
  envFrom: [{ secretRef: { name: "the-secret" } }],
  resources: {
    // The cache's disk, 64 MiB of scratch space, and what every container gets.
    requests: { cpu: "50m", memory: "64Mi", "ephemeral-storage": `${(320 + 64 + 16) * 2 ** 20}` },
    limits: { cpu: "1", memory: "256Mi", "ephemeral-storage": `${(320 + 64 + 64) * 2 ** 20}` },
  },
  startupProbe: { ...probe("/healthz"), periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 60 },
  livenessProbe: { ...probe("/healthz"), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
  readinessProbe: { ...probe("/readyz"), periodSeconds: 3, timeoutSeconds: 2, failureThreshold: 3 },
  lifecycle: { preStop: { sleep: { seconds: 5 } } },
  volumeMounts: mounts,
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  },
};
const pod = {
  serviceAccountName: "the-account",
  automountServiceAccountToken: false,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 10101,
    runAsGroup: 10101,
    fsGroup: 10101,
    seccompProfile: { type: "RuntimeDefault" },
  },
  terminationGracePeriodSeconds: 30,
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: "topology.kubernetes.io/region", operator: "In", values: ["eu"] }] },
        ],
      },
    },
  },
  topologySpreadConstraints: [
    {
      topologyKey: "kubernetes.io/hostname",
      maxSkew: 1,
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector: { matchLabels: selector },
      matchLabelKeys: ["pod-template-hash"],
    },
  ],
  volumes,
  containers: [container],
};

describe("the pod of an edge", () => {
  it("runs nginx with the rights of nobody, on nodes of its region, with disk for its cache", () => {
    assert.deepStrictEqual(podOf(), pod);
  });

  it("listens for other edges, as their shield", () => {
    const shield = { name: "shield", containerPort: 8082 };
    assert.deepStrictEqual(podOf({ isShield: true }), {
      ...pod,
      containers: [{ ...container, ports: [ports.http, ports.internal, shield] }],
    });
  });

  it("listens for TLS with the certificate of a Secret", () => {
    const https = { name: "https", containerPort: 8443 };
    assert.deepStrictEqual(podOf({ tlsSecretName: "www-tls" }), {
      ...pod,
      volumes: [...volumes, { name: "tls", secret: { secretName: "www-tls" } }],
      containers: [
        {
          ...container,
          ports: [ports.http, https, ports.internal],
          volumeMounts: [...mounts, { name: "tls", mountPath: "/etc/edge-tls", readOnly: true }],
        },
      ],
    });
  });

  it("takes nodes that have all labels, and any node if there are none", () => {
    const { affinity } = podOf({ nodeLabels: { pool: "edge", disk: "ssd" } });
    const matchExpressions = [
      { key: "pool", operator: "In", values: ["edge"] },
      { key: "disk", operator: "In", values: ["ssd"] },
    ];
    assert.deepStrictEqual(affinity, {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] },
      },
    });
    assert.deepStrictEqual(podOf({ nodeLabels: {} }), { ...pod, affinity: undefined });
  });

  for (const [cacheSize, mebibytes] of [
    ["32Mi", 96],
    ["256Mi", 320],
    ["1Gi", 1280],
  ] as const) {
    it(`has ${mebibytes} MiB of disk for a cache of ${cacheSize}, since nginx clears up after the fact`, () => {
      const { volumes: all, containers } = podOf({ cacheSize }) as typeof pod;
      assert.deepEqual(all[1], { name: "cache", emptyDir: { sizeLimit: `${mebibytes * 2 ** 20}` } });
      const { requests } = containers[0]!.resources;
      assert.equal(requests["ephemeral-storage"], `${(mebibytes + 64 + 16) * 2 ** 20}`);
    });
  }
});
