/**
 * The rules, as pure functions: each gives a sentence for everything that is wrong with a resource.
 *
 * Values that are not known before an update are missing from what a preview shows; a rule that needs one speaks up at
 * the update then, before the resource is made.
 */
import { at, containersOf, kindOf, podOf } from "./pod.ts";
import type { Container, Resource } from "./pod.ts";

/** `latest` names another image tomorrow, and so does no tag at all. */
export function noLatest(resource: Resource): string[] {
  return forEachContainer(resource, ({ image }) => {
    if (image === undefined || image.includes("@")) {
      return [];
    }
    const tag = /:([^:/]+)$/.exec(image)?.[1] ?? "latest";
    return tag === "latest" ? [`runs ${image}, which is another image at another time: name a version`] : [];
  });
}

/** Only a digest is one image for ever. */
export function digestsOnly(resource: Resource): string[] {
  return forEachContainer(resource, ({ image }) =>
    image === undefined || /@sha256:[0-9a-f]{64}$/.test(image)
      ? []
      : [`runs ${image} by its tag: name it by its digest, such as ContainerImage.ref does`],
  );
}

/** Without a limit one container can take the node from all others; without a request it lands on a full one. */
export function limitsSet(resource: Resource): string[] {
  return forEachContainer(resource, ({ resources }) =>
    ["requests", "limits"].flatMap((kind) =>
      ["cpu", "memory"]
        .filter((what) => at(resources, [kind, what]) === undefined)
        .map((what) => `has no resources.${kind}.${what}: give it one`),
    ),
  );
}

/** Whoever is root in a container is a bug away from being root on the node. */
export function nonRoot(resource: Resource): string[] {
  const pod = podOf(resource)?.securityContext;
  return forEachContainer(resource, ({ securityContext: own }) => [
    ...((own?.runAsNonRoot ?? pod?.runAsNonRoot) === true
      ? []
      : ["may run as root: set securityContext.runAsNonRoot to true"]),
    ...((own?.runAsUser ?? pod?.runAsUser) === 0
      ? ["runs as root: set securityContext.runAsUser to another user"]
      : []),
    ...(own?.allowPrivilegeEscalation === false
      ? []
      : ["may gain privileges: set securityContext.allowPrivilegeEscalation to false"]),
    ...(own?.privileged === true ? ["is privileged: take securityContext.privileged out"] : []),
  ]);
}

const secretName = /PASSWORD|PASSPHRASE|PASSWD|SECRET|TOKEN|CREDENTIAL|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY/i;
const secretInUrl = /^[a-z][a-z0-9+.-]*:\/\/[^/@\s]*:[^/@\s]+@/i;

/** Everybody who may look at a Deployment or ConfigMap reads what is written in it. */
export function noPlainSecrets(resource: Resource): string[] {
  const inContainers = forEachContainer(resource, ({ env = [] }) =>
    env
      .filter(({ name = "", value }) => looksSecret(name, value))
      .map(({ name }) => `has a secret in its environment variable ${name}: keep it in a Secret`),
  );
  const data = kindOf(resource) === "ConfigMap" ? (at(resource.props, ["data"]) ?? {}) : {};
  const inData = Object.entries(data)
    .filter(([name, value]) => looksSecret(name, value))
    .map(([name]) => `ConfigMap ${resource.name} has a secret in its key ${name}: keep it in a Secret`);
  return [...inContainers, ...inData];
}

function looksSecret(name: string, value: unknown): boolean {
  return (
    value !== undefined &&
    value !== "" &&
    (secretName.test(name) || (typeof value === "string" && secretInUrl.test(value)))
  );
}

/** In production, a load balancer is open to those who are named; "everyone" can be named too. */
export function sourceRanges(resource: Resource): string[] {
  const spec = at(resource.props, ["spec"]);
  const ranges = at(spec, ["loadBalancerSourceRanges"]);
  return kindOf(resource) === "Service" &&
    at(spec, ["type"]) === "LoadBalancer" &&
    !(Array.isArray(ranges) && ranges.length > 0)
    ? [
        `Service ${resource.name} is open to everyone: set spec.loadBalancerSourceRanges, ` +
          'or to ["0.0.0.0/0", "::/0"] if that is meant',
      ]
    : [];
}

/** In production, a node may go away at any time: one replica is none. */
export function twoReplicas(resources: readonly Resource[]): string[] {
  const autoscalers = resources.filter((resource) => kindOf(resource) === "HorizontalPodAutoscaler");
  const isAutoscaled = (deployment: Resource) =>
    autoscalers.some((autoscaler) => {
      const target = at(autoscaler.props, ["spec", "scaleTargetRef", "name"]);
      const name = at(deployment.props, ["metadata", "name"]);
      // Names that Pulumi is still to choose are missing.
      return target === undefined || name === undefined || target === name;
    });
  return [
    ...resources.flatMap((resource) => {
      const replicas = at(resource.props, ["spec", "replicas"]);
      return kindOf(resource) !== "Deployment" || (replicas === undefined && isAutoscaled(resource))
        ? []
        : atLeastTwo(`Deployment ${resource.name}`, "spec.replicas", replicas ?? 1);
    }),
    ...autoscalers.flatMap((autoscaler) => {
      const smallest = at(autoscaler.props, ["spec", "minReplicas"]) ?? 1;
      return atLeastTwo(`HorizontalPodAutoscaler ${autoscaler.name}`, "spec.minReplicas", smallest);
    }),
  ];
}

function atLeastTwo(subject: string, property: string, replicas: unknown): string[] {
  return Number(replicas) >= 2 ? [] : [`${subject} must have ${property} of at least 2, got ${String(replicas)}`];
}

/** Whether a stack serves production: it is called so. */
export function isProduction(stack: string): boolean {
  return /(^|[-_./])prod(uction)?$/.test(stack);
}

function forEachContainer(resource: Resource, check: (container: Container) => string[]): string[] {
  return containersOf(resource).flatMap((container) =>
    check(container).map((problem) => `${kindOf(resource)} ${resource.name}: container ${container.name} ${problem}`),
  );
}
