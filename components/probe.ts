import type { types } from "@pulumi/kubernetes";

import { checkInteger, checkPattern, show } from "./check.ts";
import { portNamed } from "./port.ts";
import type { Port } from "./port.ts";

/** How often and how patiently a probe asks. */
export interface ProbeTiming {
  /** Seconds from one question to the next. */
  readonly periodSeconds?: number;
  /** Seconds after which no answer counts as a failure. */
  readonly timeoutSeconds?: number;
  /** Failures in a row that count. */
  readonly failureThreshold?: number;
}

/**
 * A question that the kubelet asks a replica again and again: an HTTP GET, a TCP connection, a gRPC health check, or a
 * command inside the container. `port` is the name of one of the service's ports, the first one by default.
 *
 * @see https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
 */
export type Probe = ProbeTiming &
  (
    | { readonly kind: "http"; readonly path: string; readonly port?: string }
    | { readonly kind: "tcp"; readonly port?: string }
    | { readonly kind: "grpc"; readonly service?: string; readonly port?: string }
    | { readonly kind: "exec"; readonly command: readonly string[] }
  );

/** The probes of a replica. */
export interface Probes {
  /**
   * Until it succeeds the other two wait: gives a slow start its time.
   *
   * @default { kind: "http", path: "/healthz", periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 60 }
   */
  readonly startup?: Probe;
  /**
   * If it fails the container is restarted: it must not ask about anything outside the container.
   *
   * @default { kind: "http", path: "/healthz", periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 }
   */
  readonly liveness?: Probe;
  /**
   * While it fails the replica gets no requests.
   *
   * @default { kind: "http", path: "/readyz", periodSeconds: 3, timeoutSeconds: 2, failureThreshold: 3 }
   */
  readonly readiness?: Probe;
}

const defaults = {
  startup: { kind: "http", path: "/healthz" },
  liveness: { kind: "http", path: "/healthz" },
  readiness: { kind: "http", path: "/readyz" },
} as const satisfies Probes;

const timings = {
  startup: { periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 60 },
  liveness: { periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
  readiness: { periodSeconds: 3, timeoutSeconds: 2, failureThreshold: 3 },
} as const satisfies Record<keyof Probes, Required<ProbeTiming>>;

const roles = ["startup", "liveness", "readiness"] as const;

/** Sentences on probes that cannot work, or that ask the same for liveness as for readiness. */
export function checkProbes(probes: Probes, ports: readonly Port[]): string[] {
  const { liveness, readiness } = { ...defaults, ...probes };
  return [
    ...roles.flatMap((role) =>
      checkProbe(`probes.${role}`, { ...timings[role], ...(probes[role] ?? defaults[role]) }, ports),
    ),
    ...(question(liveness, ports) === question(readiness, ports)
      ? [
          `probes.liveness must ask something else than probes.readiness, got ${question(liveness, ports)} for both: ` +
            "a replica that is only busy would be restarted",
        ]
      : []),
  ];
}

/** The three probes in Kubernetes' form. */
export function containerProbes(
  probes: Probes,
  ports: readonly Port[],
): Pick<types.input.core.v1.Container, "startupProbe" | "livenessProbe" | "readinessProbe"> {
  const probe = (role: keyof Probes) => toKubernetes({ ...timings[role], ...(probes[role] ?? defaults[role]) }, ports);
  return { startupProbe: probe("startup"), livenessProbe: probe("liveness"), readinessProbe: probe("readiness") };
}

function checkProbe(property: string, probe: Probe, ports: readonly Port[]): string[] {
  const problems = [
    ...checkInteger(`${property}.periodSeconds`, probe.periodSeconds, 1, 3600),
    ...checkInteger(`${property}.timeoutSeconds`, probe.timeoutSeconds, 1, 3600),
    ...checkInteger(`${property}.failureThreshold`, probe.failureThreshold, 1, 1000),
  ];
  if (probe.kind === "exec") {
    return probe.command.length > 0 ? problems : [...problems, `${property}.command must name a program, got []`];
  }
  if (probe.kind === "http") {
    problems.push(...checkPattern(`${property}.path`, probe.path, /^\//, `a path that begins with "/"`));
  }
  if (ports.length > 0 && portNamed(ports, probe.port) === undefined) {
    const names = ports.map(({ name }) => show(name)).join(", ");
    problems.push(`${property}.port must be one of the ports ${names}, got ${show(probe.port)}`);
  }
  return problems;
}

function question(probe: Probe, ports: readonly Port[]): string {
  const port = probe.kind === "exec" ? undefined : portNamed(ports, probe.port)?.name;
  switch (probe.kind) {
    case "http":
      return `GET ${probe.path} on port ${port}`;
    case "tcp":
      return `a connection to port ${port}`;
    case "grpc":
      return `the health of ${show(probe.service ?? "")} on port ${port}`;
    case "exec":
      return show(probe.command);
  }
}

function toKubernetes(probe: Probe, ports: readonly Port[]): types.input.core.v1.Probe {
  const { periodSeconds, timeoutSeconds, failureThreshold } = probe;
  const timing = { periodSeconds, timeoutSeconds, failureThreshold };
  switch (probe.kind) {
    case "http":
      return { httpGet: { path: probe.path, port: portNamed(ports, probe.port)!.name }, ...timing };
    case "tcp":
      return { tcpSocket: { port: portNamed(ports, probe.port)!.name }, ...timing };
    case "grpc":
      return { grpc: { port: portNamed(ports, probe.port)!.containerPort, service: probe.service }, ...timing };
    case "exec":
      return { exec: { command: [...probe.command] }, ...timing };
  }
}
