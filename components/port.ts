import { checkInteger, checkPattern, checkUnique } from "./check.ts";

/** A port that the container listens on. */
export interface Port {
  /** What probes, Service and Ingress call it: 1 to 15 lower-case letters, digits and `-`. */
  readonly name: string;
  /** Where the container listens, from 1024 on since it does not run as root. */
  readonly containerPort: number;
  /**
   * Where the Service listens.
   *
   * @default - the port is open to other pods but not part of the Service
   */
  readonly port?: number;
}

/** The course's ports: the Service listens on 8888, the container on 3000. */
export const defaultPorts: readonly Port[] = [{ name: "http", containerPort: 3000, port: 8888 }];

/** Sentences on missing, malformed and repeated ports. */
export function checkPorts(ports: readonly Port[]): string[] {
  const servicePorts = ports.flatMap(({ port }) => port ?? []);
  return [
    ...(ports[0]?.port === undefined ? ["ports[0].port must be given, since it is the port of the service's url"] : []),
    ...ports.flatMap(({ name, containerPort, port }, index) => [
      ...checkPattern(
        `ports[${index}].name`,
        name,
        /^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/,
        `1 to 15 lower-case letters, digits and "-", with at least one letter`,
      ),
      ...checkInteger(`ports[${index}].containerPort`, containerPort, 1024, 65535),
      ...(port === undefined ? [] : checkInteger(`ports[${index}].port`, port, 1, 65535)),
    ]),
    ...checkUnique(
      "port names",
      ports.map(({ name }) => name),
    ),
    ...checkUnique(
      "container ports",
      ports.map(({ containerPort }) => containerPort),
    ),
    ...checkUnique("service ports", servicePorts),
  ];
}

/** The port that has this name; the first one without a name. */
export function portNamed(ports: readonly Port[], name: string | undefined): Port | undefined {
  return name === undefined ? ports[0] : ports.find((port) => port.name === name);
}
