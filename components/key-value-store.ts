import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

import { checkInteger, checkName, refuse } from "./check.ts";
import { kubernetesResources, restrictedContainer, restrictedPod } from "./pod-spec.ts";
import { containerProbes } from "./probe.ts";
import { checkQuantity, checkResources, parseQuantity, resourcesWithDefaults } from "./resources.ts";
import type { Bytes, Resources } from "./resources.ts";
import { newDisruptionBudget } from "./workload.ts";

/** What a `KeyValueStore` is made of. */
export interface KeyValueStoreArgs {
  /** The image, with `valkey-server` and `valkey-cli` of Valkey 8 or later, best by digest. */
  readonly image: pulumi.Input<string>;
  /**
   * The namespace of everything that the store is made of.
   *
   * @default - the provider's namespace
   */
  readonly namespace?: pulumi.Input<string> | undefined;
  /**
   * Disk for the data. Where the storage class allows it, it can grow later, and never shrink.
   *
   * @default "1Gi"
   */
  readonly size?: Bytes | undefined;
  /**
   * Which of the cluster's storage classes the disk is of.
   *
   * @default - the cluster's default
   */
  readonly storageClassName?: string | undefined;
  /**
   * Another number makes another password: the store restarts with it, and so does whoever gets `password`.
   *
   * @default 1
   */
  readonly passwordVersion?: number | undefined;
  /**
   * Whether Pulumi refuses to delete the data. To remove the store, first set this to false and run `pulumi up`.
   *
   * @default true
   */
  readonly isProtected?: boolean | undefined;
  /**
   * CPU, memory and disk for logs. The data may take half of the memory's limit; the rest is for writing them to disk.
   *
   * @default - requests of 50m CPU and 32Mi memory, limits of 1 CPU and 128Mi memory
   */
  readonly resources?: Resources | undefined;
  /**
   * Who may connect, in NetworkPolicy's words.
   *
   * @default - everyone in the namespace
   */
  readonly allowFrom?: readonly k8s.types.input.networking.v1.NetworkPolicyPeer[] | undefined;
}

const port = { name: "valkey", containerPort: 6379, port: 6379 };
const runAsUser = 10001;
const directory = "/etc/valkey";
const readable = 0o440;

/**
 * A Valkey with a disk and a password: what is written survives its pod, and Pulumi does not delete it by mistake. It is
 * one pod: while that one is replaced, for some seconds, there is no store, and its clients have to do without.
 *
 * @example
 * const store = new KeyValueStore("store", { image: "valkey/valkey:8.1" });
 * export const storeUrl = store.url;
 *
 * @see https://valkey.io/topics/
 */
export class KeyValueStore extends pulumi.ComponentResource {
  /** Where the store is in the cluster, `redis://host:6379`, without the password. */
  readonly url: pulumi.Output<string>;
  /** The password, a secret. */
  readonly password: pulumi.Output<string>;

  constructor(name: string, args: KeyValueStoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super("meridian:index:KeyValueStore", name, {}, opts);
    refuse([...checkName("name", name), ...checkKeyValueStore(args)], this);
    const { namespace, size = "1Gi", storageClassName, passwordVersion = 1, isProtected = true, resources = {} } = args;
    const parent = { parent: this };
    const selector = { "app.kubernetes.io/name": name };
    const metadata = { namespace, labels: { ...selector, "app.kubernetes.io/managed-by": "pulumi" } };

    const password = new random.RandomPassword(
      name,
      // Letters and digits need no quoting, wherever they go. 32 of them are 190 bits.
      { length: 32, special: false, keepers: { version: `${passwordVersion}` } },
      parent,
    );
    const claim = new k8s.core.v1.PersistentVolumeClaim(
      name,
      {
        metadata,
        spec: { accessModes: ["ReadWriteOnce"], storageClassName, resources: { requests: { storage: size } } },
      },
      { parent: this, protect: isProtected },
    );
    // Another password makes a new Secret of a new name, and that restarts the store.
    const secret = new k8s.core.v1.Secret(
      name,
      {
        metadata,
        immutable: true,
        stringData: {
          password: password.result,
          "valkey.conf": pulumi.interpolate`${configuration(resources)}requirepass ${password.result}\n`,
        },
      },
      parent,
    );
    const service = new k8s.core.v1.Service(
      name,
      {
        // The name is fixed, since other pods find the store by it in the cluster's DNS.
        metadata: { ...metadata, name, annotations: { "pulumi.com/skipAwait": "true" } },
        spec: {
          clusterIP: "None",
          selector,
          ports: [{ name: port.name, port: port.port, targetPort: port.name }],
        },
      },
      parent,
    );
    new k8s.apps.v1.StatefulSet(
      name,
      { metadata, spec: statefulSetSpec(args, service, secret, claim, metadata.labels) },
      parent,
    );
    // A node can be drained: the store comes back on another one, with its disk.
    newDisruptionBudget(name, metadata, selector, this);
    new k8s.networking.v1.NetworkPolicy(
      name,
      {
        metadata,
        spec: {
          podSelector: { matchLabels: selector },
          policyTypes: ["Ingress", "Egress"],
          ingress: [{ from: [...(args.allowFrom ?? [{ podSelector: {} }])], ports: [{ port: port.name }] }],
        },
      },
      parent,
    );

    this.url = service.metadata.apply(
      ({ name: host, namespace: where }) => `redis://${host}.${where}.svc:${port.port}`,
    );
    this.password = pulumi.secret(password.result);
    this.registerOutputs({ url: this.url, password: this.password });
  }
}

function statefulSetSpec(
  { image, resources = {} }: KeyValueStoreArgs,
  service: k8s.core.v1.Service,
  secret: k8s.core.v1.Secret,
  claim: k8s.core.v1.PersistentVolumeClaim,
  labels: Readonly<Record<string, string>>,
): k8s.types.input.apps.v1.StatefulSetSpec {
  // Asked without a password, Valkey would answer that it wants one, and be thought ready while it still loads its data.
  const ping = `test "$(REDISCLI_AUTH="$(cat ${directory}/password)" valkey-cli ping)" = PONG`;
  const probes = {
    startup: { kind: "tcp" },
    liveness: { kind: "tcp" },
    readiness: { kind: "exec", command: ["sh", "-c", ping] },
  } as const;
  return {
    replicas: 1,
    serviceName: service.metadata.name,
    // So that a pod which never gets ready is replaced by the next one that might.
    podManagementPolicy: "Parallel",
    selector: { matchLabels: { "app.kubernetes.io/name": labels["app.kubernetes.io/name"]! } },
    template: {
      metadata: { labels },
      spec: {
        ...restrictedPod(runAsUser),
        terminationGracePeriodSeconds: 30,
        volumes: [
          { name: "data", persistentVolumeClaim: { claimName: claim.metadata.name } },
          { name: "configuration", secret: { secretName: secret.metadata.name, defaultMode: readable } },
        ],
        containers: [
          {
            ...restrictedContainer,
            name: "valkey",
            image,
            imagePullPolicy: "IfNotPresent",
            command: ["valkey-server", `${directory}/valkey.conf`],
            ports: [{ name: port.name, containerPort: port.containerPort }],
            resources: kubernetesResources(resources),
            ...containerProbes(probes, [port]),
            volumeMounts: [
              { name: "data", mountPath: "/data" },
              { name: "configuration", mountPath: directory, readOnly: true },
            ],
          },
        ],
      },
    },
  };
}

/** valkey.conf, but for the password. */
export function configuration(resources: Resources): string {
  const memory = parseQuantity(resourcesWithDefaults(resources).limits.memory) ?? 0;
  return [
    "bind * -::*",
    `port ${port.containerPort}`,
    "dir /data",
    // Every write is on disk within a second.
    "appendonly yes",
    "appendfsync everysec",
    `maxmemory ${Math.floor(memory / 2)}`,
    // A counter that is forgotten is worse than a write that is refused.
    "maxmemory-policy noeviction",
    "",
  ].join("\n");
}

function checkKeyValueStore({ size = "1Gi", passwordVersion = 1, resources }: KeyValueStoreArgs): string[] {
  return [
    ...checkQuantity("size", size, "memory"),
    ...checkInteger("passwordVersion", passwordVersion, 1, 1_000_000),
    ...checkResources(resources),
  ];
}
