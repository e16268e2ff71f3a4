import assert from "node:assert/strict";

import { Dashboard } from "../components/index.ts";
import type { DashboardArgs } from "../components/index.ts";
import { readingRules } from "../components/dashboard.ts";
import { digest, graph, only, recordOptions, specOf, useMocks, valueOf } from "./mocks.ts";

const baseArgs: DashboardArgs = { image: `ghcr.io/headlamp-k8s/headlamp@${digest}`, namespace: "shop" };
const role = "kubernetes:rbac.authorization.k8s.io/v1:Role";
const selector = { "app.kubernetes.io/name": "dashboard" };

describe("Dashboard", () => {
  beforeEach(() => useMocks());

  it("is a Headlamp and somebody who may read", async () => {
    new Dashboard("dashboard", baseArgs);

    assert.deepEqual(await graph(), [
      "kubernetes:apps/v1:Deployment dashboard",
      "kubernetes:core/v1:Service dashboard",
      "kubernetes:core/v1:ServiceAccount dashboard",
      "kubernetes:core/v1:ServiceAccount dashboard-server",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy dashboard",
      "kubernetes:policy/v1:PodDisruptionBudget dashboard",
      "kubernetes:rbac.authorization.k8s.io/v1:Role dashboard",
      "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding dashboard",
      "meridian:index:Dashboard dashboard",
    ]);
  });

  for (const isClusterWide of [false, true]) {
    it(`is the component's, whole (${isClusterWide ? "cluster" : "namespace"})`, async () => {
      const { options, transformations } = recordOptions();
      new Dashboard("dashboard", { ...baseArgs, isClusterWide }, { transformations });
      assert.deepEqual(await graph(), [...options.keys()].toSorted());
    });
  }

  it("has accounts without tokens, and a Service that finds its pods", async () => {
    new Dashboard("dashboard", baseArgs);

    const labels = { ...selector, "app.kubernetes.io/managed-by": "pulumi" };
    for (const name of ["dashboard", "dashboard-server"]) {
      assert.deepEqual((await only("kubernetes:core/v1:ServiceAccount", name)).inputs, {
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { namespace: "shop", labels },
        automountServiceAccountToken: false,
      });
    }
    for (const type of [role, `${role}Binding`]) {
      assert.deepEqual((await only(type)).inputs["metadata"], { namespace: "shop", labels });
    }
    assert.deepEqual(await specOf("kubernetes:core/v1:Service"), {
      selector,
      ports: [{ name: "http", port: 80, targetPort: "http" }],
    });
    const deployment = (await specOf("kubernetes:apps/v1:Deployment")) as {
      selector: object;
      template: { metadata: object };
    };
    assert.deepEqual(deployment.selector, { matchLabels: selector });
    assert.deepEqual(deployment.template.metadata, { labels });
  });

  it("lets its reader read its namespace", async () => {
    new Dashboard("dashboard", baseArgs);

    assert.deepEqual((await only(role)).inputs["rules"], readingRules(false));
    const { roleRef, subjects } = (await only(`${role}Binding`)).inputs;
    assert.deepEqual(roleRef, {
      apiGroup: "rbac.authorization.k8s.io",
      kind: "Role",
      name: "dashboard-1a2b3c4d",
    });
    assert.deepEqual(subjects, [{ kind: "ServiceAccount", name: "dashboard-1a2b3c4d", namespace: "shop" }]);
  });

  it("lets its reader read the whole cluster on demand", async () => {
    new Dashboard("dashboard", { ...baseArgs, isClusterWide: true });

    const { rules, metadata } = (await only("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole")).inputs;
    assert.deepEqual(rules, readingRules(true));
    const labels = { ...selector, "app.kubernetes.io/managed-by": "pulumi" };
    assert.deepEqual(metadata, { labels });
    const {
      roleRef,
      subjects,
      metadata: ofBinding,
    } = (await only("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding")).inputs;
    assert.deepEqual(ofBinding, { labels });
    assert.deepEqual(roleRef, {
      apiGroup: "rbac.authorization.k8s.io",
      kind: "ClusterRole",
      name: "dashboard-1a2b3c4d",
    });
    assert.deepEqual(subjects, [{ kind: "ServiceAccount", name: "dashboard-1a2b3c4d", namespace: "shop" }]);
    assert.ok(!(await graph()).some((name) => name.startsWith(role)));
  });

  for (const isClusterWide of [false, true]) {
    it(`grants nothing but reading, of named kinds, and no Secrets (${isClusterWide ? "cluster" : "namespace"})`, () => {
      const rules = readingRules(isClusterWide) as { apiGroups: string[]; resources: string[]; verbs: string[] }[];
      const kinds = rules.flatMap(({ apiGroups, resources }) => resources.map((kind) => `${apiGroups[0]}/${kind}`));
      assert.ok(kinds.includes("/pods") && kinds.includes("apps/deployments"));
      assert.equal(kinds.includes("/nodes"), isClusterWide);
      assert.ok(!kinds.some((kind) => /secret|\*|exec|attach|portforward|proxy|token/.test(kind)));
      assert.deepEqual(new Set(rules.flatMap(({ verbs }) => verbs)), new Set(["get", "list", "watch"]));
    });
  }

  it("says how to open it, and how to get a token that ends", async () => {
    const dashboard = new Dashboard("dashboard", { ...baseArgs, tokenHours: 8 });

    const { openCommand, tokenCommand } = dashboard;
    assert.deepEqual(await Promise.all([openCommand, tokenCommand].map(valueOf)), [
      "kubectl --namespace shop port-forward service/dashboard-1a2b3c4d 4466:80",
      "kubectl --namespace shop create token dashboard-1a2b3c4d --duration 8h",
    ]);
  });

  it("runs as an account that may do nothing, and can write only where Headlamp has to", async () => {
    new Dashboard("dashboard", baseArgs);

    const { template, replicas } = (await specOf("kubernetes:apps/v1:Deployment")) as {
      replicas: number;
      template: { spec: Record<string, unknown> };
    };
    assert.equal(replicas, 2);
    assert.deepEqual(template.spec, {
      automountServiceAccountToken: true,
      serviceAccountName: "dashboard-server-1a2b3c4d",
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 10001,
        runAsGroup: 10001,
        fsGroup: 10001,
        seccompProfile: { type: "RuntimeDefault" },
      },
      topologySpreadConstraints: [
        {
          topologyKey: "kubernetes.io/hostname",
          maxSkew: 1,
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: selector },
        },
      ],
      volumes: [
        { name: "tmp", emptyDir: { sizeLimit: "256Mi" } },
        { name: "home", emptyDir: { sizeLimit: "256Mi" } },
      ],
      containers: [
        {
          name: "headlamp",
          image: baseArgs.image,
          imagePullPolicy: "IfNotPresent",
          args: ["-in-cluster", "-port=4466"],
          env: [{ name: "HOME", value: "/home/headlamp" }],
          ports: [{ name: "http", containerPort: 4466 }],
          resources: {
            requests: { cpu: "50m", memory: "64Mi", "ephemeral-storage": "16Mi" },
            limits: { cpu: "1", memory: "256Mi", "ephemeral-storage": "512Mi" },
          },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          },
          startupProbe: { tcpSocket: { port: "http" }, periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 60 },
          livenessProbe: { tcpSocket: { port: "http" }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
          readinessProbe: {
            httpGet: { path: "/", port: "http" },
            periodSeconds: 3,
            timeoutSeconds: 2,
            failureThreshold: 3,
          },
          volumeMounts: [
            { name: "tmp", mountPath: "/tmp" },
            { name: "home", mountPath: "/home/headlamp" },
          ],
        },
      ],
    });
  });

  it("lets no pod in, and holds up neither a drain nor an update", async () => {
    new Dashboard("dashboard", baseArgs);

    assert.deepEqual(await specOf("kubernetes:networking.k8s.io/v1:NetworkPolicy"), {
      podSelector: { matchLabels: selector },
      policyTypes: ["Ingress", "Egress"],
      egress: [{}],
    });
    assert.deepEqual(await specOf("kubernetes:policy/v1:PodDisruptionBudget"), {
      selector: { matchLabels: selector },
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    });
    for (const type of ["kubernetes:apps/v1:Deployment", "kubernetes:core/v1:Service"]) {
      const { annotations } = (await only(type)).inputs["metadata"] as { annotations: Record<string, string> };
      assert.deepEqual(annotations, { "pulumi.com/skipAwait": "true" });
    }
  });

  it("says what is wrong before it makes anything", async () => {
    assert.throws(() => new Dashboard("Dashboard", baseArgs), /^Error: name must be .*, got "Dashboard"$/);
    assert.throws(() => new Dashboard("dashboard", { ...baseArgs, tokenHours: 25 }), {
      message: "tokenHours must be an integer from 1 to 24, got 25",
    });
    assert.ok(!(await graph()).some((resource) => resource.startsWith("kubernetes:")));
  });
});
