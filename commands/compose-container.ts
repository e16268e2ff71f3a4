import { posix } from "node:path";

import type * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";

import type { Mounted, Service } from "./compose.ts";
import { concealed } from "./manifests.ts";

type Container = pulumi.Unwrap<docker.ContainerArgs>;

/** A container of a Docker host as a service of a Compose file. */
export function containerService(container: Container): Service {
  const { capabilities, destroyGraceSeconds, healthcheck, logDriver, logOpts, memory, memorySwap } = container;
  const fileFolders = (container.uploads ?? []).map(({ file }) => posix.dirname(file));
  return defined({
    image: container.image,
    entrypoint: container.entrypoints,
    command: container.command,
    environment: container.envs && Object.fromEntries(container.envs.map((line) => split(line, "="))),
    user: container.user,
    read_only: container.readOnly,
    cap_drop: capabilities?.drops,
    security_opt: container.securityOpts,
    init: container.init,
    restart: container.restart,
    ulimits:
      container.ulimits && Object.fromEntries(container.ulimits.map(({ name, soft, hard }) => [name, { soft, hard }])),
    cpus: container.cpus,
    mem_limit: memory && `${memory}m`,
    memswap_limit: memorySwap && `${memorySwap}m`,
    stop_signal: container.stopSignal,
    stop_grace_period: destroyGraceSeconds && `${destroyGraceSeconds}s`,
    healthcheck: healthcheck && composeHealthcheck(healthcheck),
    logging: logDriver && { driver: logDriver, options: logOpts },
    networks: Object.fromEntries(
      (container.networksAdvanced ?? []).map(({ name, aliases }) => [name, aliases ? { aliases } : {}]),
    ),
    ports: container.ports?.map(({ internal, external }) => ({ target: internal, published: String(external) })),
    tmpfs: container.tmpfs && Object.entries(container.tmpfs).map(([path, options]) => `${path}:${options}`),
    volumes: nonEmpty(
      (container.volumes ?? [])
        // The files are mounted one by one: they need no volume to be put into.
        .filter(({ volumeName, containerPath }) => volumeName !== undefined || !fileFolders.includes(containerPath!))
        .map(({ volumeName, containerPath, readOnly }) =>
          defined({ type: "volume", source: volumeName, target: containerPath, read_only: readOnly }),
        ),
    ),
  });
}

/** The files that are put into a container before it starts. */
export function filesOf(name: string, { uploads = [] }: Container, isSecret: boolean): Mounted[] {
  return uploads.map(({ file, content = "", owner, group, permissions }) => {
    const key = `${name}-${posix
      .basename(file)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-")}`;
    const mode = permissions === undefined ? undefined : Number.parseInt(permissions, 8);
    const entry = defined({ source: key, target: file, uid: owner, gid: group, mode });
    return { key, entry, text: fileText(content, isSecret), isSecret };
  });
}

/** A file's text; of a secret only what stands for it. */
export const fileText = (text: string, isSecret: boolean): string =>
  isSecret && !text.includes(concealed) ? concealed : text;

/** A health check as a Compose file has it; without a test it is the image's. */
export function composeHealthcheck(check: {
  readonly tests?: string[] | undefined;
  readonly interval?: string | undefined;
  readonly timeout?: string | undefined;
  readonly retries?: number | undefined;
  readonly startPeriod?: string | undefined;
}): Service {
  const { tests, interval, timeout, retries, startPeriod } = check;
  return defined({ test: nonEmpty(tests), interval, timeout, retries, start_period: startPeriod });
}

/** Without the keys that have no value. */
export const defined = (bag: Service): Service =>
  Object.fromEntries(Object.entries(bag).filter(([, value]) => value !== undefined));

export const nonEmpty = <T>(list: readonly T[] | undefined): readonly T[] | undefined =>
  list === undefined || list.length === 0 ? undefined : list;

function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + 1)];
}
