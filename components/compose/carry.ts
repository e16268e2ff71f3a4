import { posix } from "node:path";

import { show } from "../check.ts";
import type { ComposeService, Project, Target } from "./model.ts";

/** A sentence for each value that is right in a Compose file, and that `target` cannot do. */
export function impossible({ services, volumes, networks }: Project, target: Target): string[] {
  const drivers = Object.entries(networks).flatMap(([name, driver]) => {
    const own = { kubernetes: undefined, docker: "bridge", swarm: "overlay" }[target];
    return driver === undefined || driver === own
      ? []
      : [`networks.${name}.driver is not carried over to ${target}, got ${show(driver)}; leave it out`];
  });
  const undeclared = services.flatMap((service) =>
    service.mounts
      .filter(({ type, source }) => type === "volume" && source !== undefined && !volumes.includes(source))
      .map(({ source }) => `services.${service.name}.volumes names ${source}, which is not in volumes`),
  );
  const shared = target === "kubernetes" ? sharedNames(services) : [];
  return [...drivers, ...undeclared, ...shared, ...services.flatMap((service) => checks[target](service))];
}

/** What a service is called in its networks, its own name first. */
const namesOf = ({ name, networks }: ComposeService): string[] => [
  ...new Set([name, ...Object.values(networks).flat()]),
];

/** Names in a namespace have one owner. */
function sharedNames(services: readonly ComposeService[]): string[] {
  const owners = new Map<string, string>();
  return services.flatMap((service) =>
    namesOf(service).flatMap((name) => {
      const owner = owners.get(name);
      owners.set(name, service.name);
      return owner === undefined
        ? []
        : [`services.${service.name} is called ${name} as ${owner} is, which only one service can be on kubernetes`];
    }),
  );
}

/** A sentence, if it applies: which key, and what to do. */
const refused = (applies: boolean, service: ComposeService, key: string, why: string): string[] =>
  applies ? [`services.${service.name}.${key} ${why}`] : [];

const checks: Readonly<Record<Target, (service: ComposeService) => string[]>> = {
  kubernetes(service) {
    const { deploy, healthcheck, mounts, name, ports, securityOpt, user = "1" } = service;
    const restart = deploy.restart.condition;
    const binds = mounts.filter(({ type }) => type === "bind");
    const other = securityOpt.filter((option) => !/^no-new-privileges([:=]true)?$/.test(option));
    const isShared =
      deploy.replicas > 1 && mounts.some(({ type, source }) => type === "volume" && source !== undefined);
    return [
      ...namesOf(service).flatMap((text) =>
        refused(
          !/^[a-z]([-a-z0-9]{0,40}[a-z0-9])?$/.test(text),
          service,
          text === name ? "name" : "networks.aliases",
          `must be lower-case letters, digits and "-" on kubernetes, got ${show(text)}`,
        ),
      ),
      ...binds.flatMap(({ source }) =>
        refused(
          true,
          service,
          "volumes",
          `holds ${source}, a path of one machine, which kubernetes does not carry over; use a volume, configs or an image`,
        ),
      ),
      ...refused(
        restart === "none" || restart === "on-failure",
        service,
        "restart",
        "is always on kubernetes; leave it out, or say unless-stopped",
      ),
      ...refused(
        !/^\d+(:\d+)?$/.test(user),
        service,
        "user",
        `must be a number such as "1000:1000" on kubernetes, got ${show(user)}`,
      ),
      ...refused(
        healthcheck !== undefined && healthcheck.test === undefined,
        service,
        "healthcheck.test",
        "is missing, and kubernetes does not know the image's; write it here",
      ),
      ...refused(
        other.length > 0,
        service,
        "security_opt",
        `holds ${show(other)}, which kubernetes does not carry over`,
      ),
      ...refused(
        isShared,
        service,
        "deploy.replicas",
        `must be 1 with a volume on kubernetes, which one node has at a time, got ${deploy.replicas}`,
      ),
      ...refused(
        new Set(ports.map(({ protocol }) => protocol)).size > 1,
        service,
        "ports",
        "must all be tcp or all be udp on kubernetes",
      ),
    ];
  },
  docker(service) {
    const { deploy, files, ports, readOnly } = service;
    const fixed = readOnly ? files.filter(({ target }) => posix.dirname(target) === "/") : [];
    return [
      ...refused(
        deploy.replicas > 1 && ports.some(({ published }) => published !== undefined),
        service,
        "ports",
        `publishes a port of the host, which only one of ${deploy.replicas} replicas can have; leave out what is published, or set deploy.replicas to 1`,
      ),
      ...fixed.flatMap(({ isSecret, key, target }) =>
        refused(
          true,
          service,
          isSecret ? "secrets" : "configs",
          `puts ${key} at ${target}, which is read-only on docker; set its target to a path in a folder`,
        ),
      ),
    ];
  },
  swarm: () => [],
};
