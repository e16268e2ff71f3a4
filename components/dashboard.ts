import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { checkInteger, checkName, refuse } from "./check.ts";
import { kubernetesResources, restrictedContainer, restrictedPod } from "./pod-spec.ts";
import { containerProbes } from "./probe.ts";
import { newDisruptionBudget } from "./workload.ts";

/** What a `Dashboard` is made of. */
export interface DashboardArgs {
  /** Headlamp's image, best by digest: `ghcr.io/headlamp-k8s/headlamp@sha256:…`. */
  readonly image: pulumi.Input<string>;
  /**
   * The namespace that it is in and, unless `isClusterWide`, shows.
   *
   * @default - the provider's namespace
   */
  readonly namespace?: pulumi.Input<string> | undefined;
  /**
   * Whether it shows all namespaces, and nodes and volumes too.
   *
   * @default false
   */
  readonly isClusterWide?: boolean | undefined;
  /**
   * Hours for which a token of `tokenCommand` opens it, 1 to 24.
   *
   * @default 1
   */
  readonly tokenHours?: number | undefined;
}

const port = { name: "http", containerPort: 4466, port: 80 };
const runAsUser = 10001;
const home = "/home/headlamp";

/**
 * A look at what runs, in the browser, by Headlamp: whoever has its token can read everything but Secrets and change nothing.
 * It has no address outside of the cluster. `pulumi up` does not wait for it, since a release does not depend on it.
 *
 * @example
 * const dashboard = new Dashboard("dashboard", { image: "ghcr.io/headlamp-k8s/headlamp:v0.40.0" });
 * export const { openCommand, tokenCommand } = dashboard;
 *
 * @see https://headlamp.dev/docs/latest/installation/in-cluster/
 */
export class Dashboard extends pulumi.ComponentResource {
  /** Makes the dashboard answer at http://localhost:4466, for as long as the command runs. */
  readonly openCommand: pulumi.Output<string>;
  /** Prints a token for `tokenHours`. Kept as an output, a token would be out of date by the time somebody reads it. */
  readonly tokenCommand: pulumi.Output<string>;

  constructor(name: string, args: DashboardArgs, opts?: pulumi.ComponentResourceOptions) {
    super("meridian:index:Dashboard", name, args, opts);
    const { namespace, isClusterWide = false, tokenHours = 1 } = args;
    refuse([...checkName("name", name), ...checkInteger("tokenHours", tokenHours, 1, 24)], this);
    const parent = { parent: this };
    const selector = { "app.kubernetes.io/name": name };
    const metadata = { namespace, labels: { ...selector, "app.kubernetes.io/managed-by": "pulumi" } };

    const reader = new k8s.core.v1.ServiceAccount(name, { metadata, automountServiceAccountToken: false }, parent);
    grantReading(name, metadata, reader, isClusterWide, this);
    // Headlamp asks with its visitors' tokens. Its own, which tells it where the cluster is, opens nothing.
    const own = new k8s.core.v1.ServiceAccount(
      `${name}-server`,
      { metadata, automountServiceAccountToken: false },
      parent,
    );
    new k8s.apps.v1.Deployment(
      name,
      {
        metadata: { ...metadata, annotations: { "pulumi.com/skipAwait": "true" } },
        spec: {
          // For one reader at a time, as a rule: a second one, so that a drained node does not close it.
          replicas: 2,
          selector: { matchLabels: selector },
          template: { metadata: { labels: metadata.labels }, spec: podSpec(args.image, own.metadata.name, selector) },
        },
      },
      parent,
    );
    const service = new k8s.core.v1.Service(
      name,
      {
        metadata: { ...metadata, annotations: { "pulumi.com/skipAwait": "true" } },
        spec: { selector, ports: [{ name: port.name, port: port.port, targetPort: port.name }] },
      },
      parent,
    );
    newDisruptionBudget(name, metadata, selector, this);
    new k8s.networking.v1.NetworkPolicy(
      name,
      {
        metadata,
        // `kubectl port-forward` comes from the node, which policies do not stop. No pod has any business here.
        spec: { podSelector: { matchLabels: selector }, policyTypes: ["Ingress", "Egress"], egress: [{}] },
      },
      parent,
    );

    const kubectl = pulumi.interpolate`kubectl --namespace ${reader.metadata.namespace}`;
    this.openCommand = pulumi.interpolate`${kubectl} port-forward service/${service.metadata.name} ${port.containerPort}:${port.port}`;
    this.tokenCommand = pulumi.interpolate`${kubectl} create token ${reader.metadata.name} --duration ${tokenHours}h`;
    this.registerOutputs({ openCommand: this.openCommand, tokenCommand: this.tokenCommand });
  }
}

const inNamespaces = {
  "": [
    "configmaps",
    "endpoints",
    "events",
    "limitranges",
    "persistentvolumeclaims",
    "pods",
    "pods/log",
    "replicationcontrollers",
    "resourcequotas",
    "serviceaccounts",
    "services",
  ],
  apps: ["daemonsets", "deployments", "replicasets", "statefulsets"],
  autoscaling: ["horizontalpodautoscalers"],
  batch: ["cronjobs", "jobs"],
  "discovery.k8s.io": ["endpointslices"],
  "metrics.k8s.io": ["pods"],
  "networking.k8s.io": ["ingresses", "networkpolicies"],
  policy: ["poddisruptionbudgets"],
};
const outsideOfNamespaces = {
  "": ["namespaces", "nodes", "persistentvolumes"],
  "metrics.k8s.io": ["nodes"],
  "networking.k8s.io": ["ingressclasses"],
  "storage.k8s.io": ["storageclasses"],
};

/** What may be read, resource by resource: "everything" would hold Secrets as well, now or with the next extension. */
export function readingRules(isClusterWide: boolean): k8s.types.input.rbac.v1.PolicyRule[] {
  const kinds = [...Object.entries(inNamespaces), ...(isClusterWide ? Object.entries(outsideOfNamespaces) : [])];
  return kinds.map(([group, resources]) => ({ apiGroups: [group], resources, verbs: ["get", "list", "watch"] }));
}

function grantReading(
  name: string,
  metadata: k8s.types.input.meta.v1.ObjectMeta,
  reader: k8s.core.v1.ServiceAccount,
  isClusterWide: boolean,
  parent: pulumi.Resource,
): void {
  const rules = readingRules(isClusterWide);
  const { name: account, namespace } = reader.metadata;
  const subjects = [{ kind: "ServiceAccount", name: account, namespace }];
  const apiGroup = "rbac.authorization.k8s.io";
  if (isClusterWide) {
    const role = new k8s.rbac.v1.ClusterRole(name, { metadata: { labels: metadata.labels! }, rules }, { parent });
    const roleRef = { apiGroup, kind: "ClusterRole", name: role.metadata.name };
    new k8s.rbac.v1.ClusterRoleBinding(name, { metadata: { labels: metadata.labels! }, roleRef, subjects }, { parent });
  } else {
    const role = new k8s.rbac.v1.Role(name, { metadata, rules }, { parent });
    const roleRef = { apiGroup, kind: "Role", name: role.metadata.name };
    new k8s.rbac.v1.RoleBinding(name, { metadata, roleRef, subjects }, { parent });
  }
}

function podSpec(
  image: pulumi.Input<string>,
  serviceAccountName: pulumi.Input<string>,
  selector: Readonly<Record<string, string>>,
): k8s.types.input.core.v1.PodSpec {
  // A bare connection for liveness, so that a Headlamp which is only busy is not restarted.
  const probes = {
    startup: { kind: "tcp" },
    liveness: { kind: "tcp" },
    readiness: { kind: "http", path: "/" },
  } as const;
  // Headlamp copies its pages to /tmp and wants a home: https://github.com/kubernetes-sigs/headlamp/issues/4830
  const writable = [
    { name: "tmp", mountPath: "/tmp" },
    { name: "home", mountPath: home },
  ];
  return {
    ...restrictedPod(runAsUser),
    automountServiceAccountToken: true,
    serviceAccountName,
    topologySpreadConstraints: [
      {
        topologyKey: "kubernetes.io/hostname",
        maxSkew: 1,
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: selector },
      },
    ],
    volumes: writable.map(({ name }) => ({ name, emptyDir: { sizeLimit: "256Mi" } })),
    containers: [
      {
        ...restrictedContainer,
        name: "headlamp",
        image,
        imagePullPolicy: "IfNotPresent",
        args: ["-in-cluster", `-port=${port.containerPort}`],
        env: [{ name: "HOME", value: home }],
        ports: [{ name: port.name, containerPort: port.containerPort }],
        resources: kubernetesResources({
          limits: { memory: "256Mi", "ephemeral-storage": "512Mi" },
          requests: { memory: "64Mi" },
        }),
        ...containerProbes(probes, [port]),
        volumeMounts: writable,
      },
    ],
  };
}
