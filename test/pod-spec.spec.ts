import assert from "node:assert/strict";

import { WebService } from "../components/index.ts";
import type { WebServiceArgs } from "../components/index.ts";
import { digest, only, secret, specOf, useMocks, valueOf } from "./mocks.ts";

const baseArgs: WebServiceArgs = { image: `registry.example/hello@${digest}` };
const selector = { "app.kubernetes.io/name": "hello" };

async function podSpec(): Promise<{ [key: string]: unknown; containers: Record<string, unknown>[] }> {
  const { template } = await specOf("kubernetes:apps/v1:Deployment");
  return (template as { spec: { containers: Record<string, unknown>[] } }).spec;
}

async function container(): Promise<Record<string, unknown>> {
  return (await podSpec()).containers[0]!;
}

describe("a replica of WebService", () => {
  beforeEach(() => useMocks());

  it("gives a replica what it needs to be told apart, watched, drained and kept in bounds", async () => {
    new WebService("hello", baseArgs);

    assert.deepEqual(await container(), {
      name: "app",
      image: baseArgs.image,
      imagePullPolicy: "IfNotPresent",
      ports: [{ name: "http", containerPort: 3000 }],
      env: [
        { name: "PORT", value: "3000" },
        { name: "DRAIN_SECONDS", value: "5" },
        { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        { name: "REGION", valueFrom: { fieldRef: { fieldPath: "metadata.labels['topology.kubernetes.io/region']" } } },
      ],
      envFrom: [],
      volumeMounts: [],
      lifecycle: { preStop: { sleep: { seconds: 5 } } },
      startupProbe: {
        httpGet: { path: "/healthz", port: "http" },
        periodSeconds: 1,
        timeoutSeconds: 2,
        failureThreshold: 60,
      },
      livenessProbe: {
        httpGet: { path: "/healthz", port: "http" },
        periodSeconds: 10,
        timeoutSeconds: 5,
        failureThreshold: 3,
      },
      readinessProbe: {
        httpGet: { path: "/readyz", port: "http" },
        periodSeconds: 3,
        timeoutSeconds: 2,
        failureThreshold: 3,
      },
      resources: {
        requests: { cpu: "50m", memory: "32Mi", "ephemeral-storage": "16Mi" },
        limits: { cpu: "1", memory: "128Mi", "ephemeral-storage": "64Mi" },
      },
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      },
    });
  });

  it("is asked as its probes say", async () => {
    const timing = { periodSeconds: 7, timeoutSeconds: 6, failureThreshold: 5 };
    new WebService("hello", {
      ...baseArgs,
      ports: [
        { name: "http", containerPort: 3000, port: 80 },
        { name: "health", containerPort: 3001 },
      ],
      probes: {
        startup: { kind: "exec", command: ["check", "-v"], ...timing },
        liveness: { kind: "grpc", service: "live", port: "health", ...timing },
        readiness: { kind: "tcp", port: "health", ...timing },
      },
    });

    const { startupProbe, livenessProbe, readinessProbe } = await container();
    assert.deepEqual(startupProbe, { exec: { command: ["check", "-v"] }, ...timing });
    assert.deepEqual(livenessProbe, { grpc: { port: 3001, service: "live" }, ...timing });
    assert.deepEqual(readinessProbe, { tcpSocket: { port: "health" }, ...timing });
  });

  it("holds a token if asked to, of an account that a role can be bound to; its jobs and its asset store hold none", async () => {
    const { serviceAccountName } = new WebService("hello", {
      ...baseArgs,
      version: "v0.0.1",
      serviceAccountToken: true,
      migration: { command: ["migrate"] },
      assetStore: { folder: "/app/public" },
    });

    const automount = async (type: string, name: string) => {
      const { template } = (await only(type, name)).inputs["spec"] as { template: { spec: Record<string, unknown> } };
      return template.spec["automountServiceAccountToken"];
    };
    assert.equal(await automount("kubernetes:apps/v1:Deployment", "hello"), true);
    assert.equal(await automount("kubernetes:apps/v1:Deployment", "hello-assets"), false);
    assert.equal(await automount("kubernetes:batch/v1:Job", "hello-migration"), false);
    assert.equal(await valueOf(serviceAccountName), "hello-1a2b3c4d");
  });

  it("passes Pod Security's level restricted and holds no token", async () => {
    new WebService("hello", baseArgs);

    const spec = await podSpec();
    assert.equal(spec["automountServiceAccountToken"], false);
    assert.equal(spec["serviceAccountName"], "hello-1a2b3c4d");
    assert.deepEqual(spec["securityContext"], {
      runAsNonRoot: true,
      runAsUser: 10001,
      runAsGroup: 10001,
      fsGroup: 10001,
      seccompProfile: { type: "RuntimeDefault" },
    });
    assert.deepEqual((await only("kubernetes:core/v1:ServiceAccount")).inputs["automountServiceAccountToken"], false);
  });

  it("spreads over regions and nodes as well as the cluster allows", async () => {
    new WebService("hello", baseArgs);

    const spec = await podSpec();
    assert.equal(spec["affinity"], undefined);
    assert.deepEqual(
      spec["topologySpreadConstraints"],
      ["topology.kubernetes.io/region", "kubernetes.io/hostname"].map((topologyKey) => ({
        topologyKey,
        maxSkew: 1,
        whenUnsatisfiable: "ScheduleAnyway",
        nodeTaintsPolicy: "Honor",
        labelSelector: { matchLabels: selector },
        matchLabelKeys: ["pod-template-hash"],
      })),
    );
  });

  it("has as many replicas in each region that it is given, and none elsewhere", async () => {
    new WebService("hello", { ...baseArgs, regions: ["eu", "us"] });

    const spec = await podSpec();
    const inRegions = { key: "topology.kubernetes.io/region", operator: "In", values: ["eu", "us"] };
    assert.deepEqual(spec["affinity"], {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [inRegions] }] },
      },
    });
    const constraints = spec["topologySpreadConstraints"] as { whenUnsatisfiable: string }[];
    assert.deepEqual(
      constraints.map(({ whenUnsatisfiable }) => whenUnsatisfiable),
      ["DoNotSchedule", "ScheduleAnyway"],
    );
  });

  it("keeps secret variables in a Secret that never changes, so that other values roll the replicas", async () => {
    new WebService("hello", {
      ...baseArgs,
      env: { GREETING: "hi" },
      secretEnv: { API_KEY: "a key" },
      envFrom: [{ kind: "configMap", name: "settings" }],
    });

    const { inputs } = await only("kubernetes:core/v1:Secret", "hello-env");
    assert.deepEqual(inputs["stringData"], secret({ API_KEY: "a key" }));
    assert.equal(inputs["immutable"], true);
    const { env, envFrom } = await container();
    assert.deepEqual((env as unknown[]).at(-1), { name: "GREETING", value: "hi" });
    assert.deepEqual(envFrom, [{ configMapRef: { name: "settings" } }, { secretRef: { name: "hello-env-1a2b3c4d" } }]);
  });

  it("mounts each kind of volume", async () => {
    new WebService("hello", {
      ...baseArgs,
      volumes: [
        { kind: "emptyDir", name: "tmp", mountPath: "/tmp", sizeLimit: "16Mi" },
        { kind: "configMap", name: "settings", mountPath: "/etc/settings", configMapName: "settings-1" },
        { kind: "secret", name: "key", mountPath: "/etc/key", secretName: "key-1" },
        { kind: "persistentVolumeClaim", name: "data", mountPath: "/data", claimName: "data-1", readOnly: true },
      ],
    });

    assert.deepEqual((await podSpec())["volumes"], [
      { name: "tmp", emptyDir: { sizeLimit: "16Mi" } },
      { name: "settings", configMap: { name: "settings-1" } },
      { name: "key", secret: { secretName: "key-1" } },
      { name: "data", persistentVolumeClaim: { claimName: "data-1", readOnly: true } },
    ]);
    assert.deepEqual((await container())["volumeMounts"], [
      { name: "tmp", mountPath: "/tmp" },
      { name: "settings", mountPath: "/etc/settings" },
      { name: "key", mountPath: "/etc/key" },
      { name: "data", mountPath: "/data" },
    ]);
  });

  it("runs the program that it is given, as the user and with the registry's secrets that it is given", async () => {
    new WebService("hello", {
      ...baseArgs,
      command: ["node"],
      args: ["server.js", "--quiet"],
      runAsUser: 20000,
      imagePullSecrets: ["registry-key"],
      terminationGracePeriodSeconds: 60,
      preStopSeconds: 0,
      drainSeconds: 20,
      resources: { limits: { memory: "256Mi" } },
    });

    const { command, args, lifecycle, env, resources } = await container();
    assert.deepEqual(
      { command, args, lifecycle },
      { command: ["node"], args: ["server.js", "--quiet"], lifecycle: undefined },
    );
    assert.deepEqual((env as unknown[])[1], { name: "DRAIN_SECONDS", value: "20" });
    assert.equal((resources as { limits: { memory: string } }).limits.memory, "256Mi");
    const spec = await podSpec();
    assert.deepEqual(spec["imagePullSecrets"], [{ name: "registry-key" }]);
    assert.equal(spec["terminationGracePeriodSeconds"], 60);
    const { runAsUser, runAsGroup, fsGroup } = spec["securityContext"] as Record<string, unknown>;
    assert.deepEqual({ runAsUser, runAsGroup, fsGroup }, { runAsUser: 20000, runAsGroup: 20000, fsGroup: 20000 });
  });
});
