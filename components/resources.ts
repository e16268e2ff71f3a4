/** CPU time: whole or fractional cores (`"1"`, `"0.5"`) or thousandths of a core (`"50m"`). */
export type Cpu = `${number}` | `${number}m`;

/** An amount of memory or disk, in powers of 1024 (`"32Mi"`) or of 1000 (`"32M"`). */
export type Bytes = `${number}${"Ki" | "Mi" | "Gi" | "Ti" | "k" | "M" | "G" | "T"}`;

/** Amounts of what a container uses, in Kubernetes' quantities. */
export interface Quantities {
  /** CPU time. */
  readonly cpu?: Cpu;
  /** Memory. */
  readonly memory?: Bytes;
  /** Disk for logs and everything written outside of volumes. */
  readonly "ephemeral-storage"?: Bytes;
}

/**
 * What each replica is given. Changed figures are a release like any other: Kubernetes can resize a running pod, but by its
 * subresource `resize` only, which the pod's Deployment neither uses nor sees, so that the next pod has the old figures again.
 * In an emergency, `kubectl patch pod NAME --subresource resize` gives a running replica more without a restart, and no
 * update takes it back before the next release. Where figures are to follow the load, a VerticalPodAutoscaler with
 * updateMode InPlaceOrRecreate does that from outside.
 *
 * @see https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
 */
export interface Resources {
  /**
   * Reserved on the node: a replica that finds no node with so much left stays pending.
   *
   * @default { cpu: "50m", memory: "32Mi", "ephemeral-storage": "16Mi" } - each figure by itself
   */
  readonly requests?: Quantities;
  /**
   * Upper bounds: above the CPU limit a replica is slowed down, above the others it is stopped.
   *
   * @default { cpu: "1", memory: "128Mi", "ephemeral-storage": "64Mi" } - each figure by itself
   */
  readonly limits?: Quantities;
}

const defaultRequests = { cpu: "50m", memory: "32Mi", "ephemeral-storage": "16Mi" } as const;
const defaultLimits = { cpu: "1", memory: "128Mi", "ephemeral-storage": "64Mi" } as const;
const kinds = ["cpu", "memory", "ephemeral-storage"] as const;

/** The resources with every default filled in. */
export function resourcesWithDefaults(resources: Resources = {}): Required<{
  readonly [K in keyof Resources]: Required<Quantities>;
}> {
  return {
    requests: { ...defaultRequests, ...resources.requests },
    limits: { ...defaultLimits, ...resources.limits },
  };
}

/** Sentences on malformed quantities and on requests above their limits. */
export function checkResources(resources: Resources = {}): string[] {
  const { requests, limits } = resourcesWithDefaults(resources);
  return kinds.flatMap((kind) => {
    const malformed = [
      ...checkQuantity(`resources.requests.${kind}`, requests[kind], kind),
      ...checkQuantity(`resources.limits.${kind}`, limits[kind], kind),
    ];
    if (malformed.length > 0 || parseQuantity(requests[kind])! <= parseQuantity(limits[kind])!) {
      return malformed;
    }
    return [`resources.requests.${kind} must be at most the limit "${limits[kind]}", got "${requests[kind]}"`];
  });
}

/** A sentence on why `value` is no quantity of CPU time or bytes; none if it is. */
export function checkQuantity(property: string, value: string, kind: (typeof kinds)[number]): string[] {
  const isFine = kind === "cpu" ? /^[\d.]+m?$/.test(value) : /[kKMGT]i?$/.test(value);
  const examples = kind === "cpu" ? `"50m" or "0.5"` : `"32Mi" or "1Gi"`;
  return isFine && (parseQuantity(value) ?? 0) > 0
    ? []
    : [`${property} must be a Kubernetes quantity above 0 such as ${examples}, got "${value}"`];
}

const factors: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** The number that a quantity stands for: cores or bytes; undefined if it is malformed. */
export function parseQuantity(quantity: string): number | undefined {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(m|k|[KMGT]i|[MGT])?$/.exec(quantity) ?? [];
  return digits === undefined ? undefined : Number(digits) * (factors[unit ?? ""] ?? 1);
}
