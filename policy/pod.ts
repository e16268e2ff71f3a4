/** What the rules look at: a resource as the engine is going to hand it to its provider. */
export interface Resource {
  /** Such as `kubernetes:apps/v1:Deployment`. */
  readonly type: string;
  readonly name: string;
  readonly props: Readonly<Record<string, unknown>>;
}

/** A container as far as the rules go. */
export interface Container {
  readonly name?: string;
  readonly image?: string;
  readonly env?: readonly { readonly name?: string; readonly value?: unknown }[];
  readonly resources?: Readonly<Record<"requests" | "limits", Readonly<Record<string, unknown>> | undefined>>;
  readonly securityContext?: SecurityContext;
}

/** A pod as far as the rules go. */
export interface Pod {
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly securityContext?: SecurityContext;
}

interface SecurityContext {
  readonly runAsNonRoot?: boolean;
  readonly runAsUser?: number;
  readonly privileged?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
}

/** Where the kinds that make pods describe them. */
const podPaths: Readonly<Record<string, readonly string[]>> = {
  CronJob: ["spec", "jobTemplate", "spec", "template", "spec"],
  DaemonSet: ["spec", "template", "spec"],
  Deployment: ["spec", "template", "spec"],
  Job: ["spec", "template", "spec"],
  Pod: ["spec"],
  ReplicaSet: ["spec", "template", "spec"],
  ReplicationController: ["spec", "template", "spec"],
  StatefulSet: ["spec", "template", "spec"],
};

/** The Kubernetes kind of a resource, whichever version of the API it is written for; undefined for other providers'. */
export function kindOf({ type }: Resource): string | undefined {
  const [provider, , kind] = type.split(":");
  return provider === "kubernetes" ? kind : undefined;
}

/** The pod that a resource runs; undefined if it runs none. */
export function podOf(resource: Resource): Pod | undefined {
  const path = podPaths[kindOf(resource) ?? ""];
  return path && (at(resource.props, path) as Pod | undefined);
}

/** All containers of the pod that a resource runs, those that prepare it first. */
export function containersOf(resource: Resource): readonly Container[] {
  const pod = podOf(resource);
  return [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])];
}

/** The value that is found by going down these names; undefined if the way ends before. */
export function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce((bag: unknown, name) => (bag as Readonly<Record<string, unknown>> | undefined)?.[name], value);
}
