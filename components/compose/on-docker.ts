import { posix } from "node:path";

import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import type { Parts } from "../compose-app.ts";
import type { ComposeService, Mount } from "./model.ts";
import { engineHealthcheck, places } from "./on-engine.ts";

const mebibyte = 2 ** 20;

/** The services as containers of one Docker host. */
export function onDocker(name: string, parts: Parts): void {
  const { parent, project, imageOf } = parts;
  const { networks, volumes } = places(name, parts, "bridge");
  const made = new Map<string, docker.Container[]>();
  for (const service of project.services) {
    const image = new docker.RemoteImage(
      `${name}-${service.name}`,
      // Others on the host may use what was not built for this app. The rest goes by force, see docker-app.ts.
      { name: imageOf(service), keepLocally: service.build === undefined, forceRemove: true },
      { parent },
    );
    const dependsOn = [image, ...service.dependsOn.flatMap((dependency) => made.get(dependency.name) ?? [])];
    const containers = Array.from({ length: service.deploy.replicas }, (_, index) => {
      const number = service.deploy.replicas === 1 ? "" : `-${index + 1}`;
      return new docker.Container(
        `${name}-${service.name}${number}`,
        {
          ...containerArgs(service, volumes),
          image: imageOf(service),
          networksAdvanced: Object.entries(service.networks).map(([key, aliases]) => ({
            name: networks.get(key)!.name,
            aliases: [service.name, ...aliases],
          })),
        },
        // A host's port, and a volume's data, have one owner at a time.
        { parent, dependsOn, deleteBeforeReplace: service.ports.length > 0 || service.mounts.length > 0 },
      );
    });
    made.set(service.name, containers);
  }
}

function containerArgs(service: ComposeService, volumes: ReadonlyMap<string, docker.Volume>) {
  const { deploy, files, healthcheck, mounts, swapLimit } = service;
  const { condition = "none", maxAttempts } = deploy.restart;
  const { cpus, memory } = deploy.limits;
  const folders = new Set(files.map(({ target }) => posix.dirname(target)));
  folders.delete("/");
  const hasTest = healthcheck?.test !== undefined && healthcheck.test[0] !== "NONE";
  return {
    entrypoints: service.entrypoint && [...service.entrypoint],
    command: service.command && [...service.command],
    envs: Object.entries(service.environment).map(([key, value]) => `${key}=${value}`),
    ports: service.ports.map(({ target, published, protocol, hostIp }) => ({
      internal: target,
      external: published,
      protocol,
      ip: hostIp,
    })),
    volumes: [
      ...mounts.filter(({ type }) => type !== "tmpfs").map((mount) => volumeOf(mount, volumes)),
      // The engine puts files into a container with a read-only root only at a volume.
      ...[...folders].map((containerPath) => ({ containerPath })),
    ],
    uploads: files.map(({ text, target, uid, gid, mode, isSecret }) => ({
      file: target,
      content: isSecret ? pulumi.secret(text) : text,
      owner: uid,
      group: gid,
      permissions: mode.toString(8).padStart(4, "0"),
    })),
    tmpfs: Object.fromEntries(
      mounts
        .filter(({ type }) => type === "tmpfs")
        .map(({ target, size }) => [target, `rw,noexec,nosuid,mode=1777${size === undefined ? "" : `,size=${size}`}`]),
    ),
    healthcheck: healthcheck && engineHealthcheck(healthcheck),
    wait: service.isAwaited || hasTest,
    waitTimeout: 300,
    restart: { none: "no", "on-failure": "on-failure", any: "unless-stopped" }[condition],
    maxRetryCount: condition === "on-failure" ? maxAttempts : undefined,
    cpus: cpus === undefined ? undefined : String(cpus),
    memory: memory === undefined ? undefined : Math.ceil(memory / mebibyte),
    memorySwap: swapLimit === undefined ? undefined : Math.ceil(swapLimit / mebibyte),
    labels: Object.entries(service.labels).map(([label, value]) => ({ label, value })),
    user: service.user,
    workingDir: service.workingDir,
    hostname: service.hostname,
    readOnly: service.readOnly,
    init: service.init,
    capabilities: { adds: [...service.capAdd], drops: [...service.capDrop] },
    securityOpts: [...service.securityOpt],
    stopSignal: service.stopSignal,
    destroyGraceSeconds: Math.ceil(service.stopGraceSeconds ?? 10),
    logDriver: service.logging?.driver,
    logOpts: service.logging?.options,
    ulimits: [...service.ulimits],
  };
}

function volumeOf({ type, source, target, readOnly }: Mount, volumes: ReadonlyMap<string, docker.Volume>) {
  if (source === undefined) return { containerPath: target };
  const where = type === "bind" ? { hostPath: source } : { volumeName: volumes.get(source)!.name };
  return { ...where, containerPath: target, readOnly };
}
