import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import type { Parts } from "../compose-app.ts";
import type { ComposeService, MountedFile, Quantity, Roll } from "./model.ts";
import { duration, engineHealthcheck, places } from "./on-engine.ts";

/** The services as services of a Swarm. */
export function onSwarm(name: string, parts: Parts): void {
  const { parent, project, imageOf } = parts;
  const { networks, volumes } = places(name, parts, "overlay");
  const made = new Map<string, docker.Service>();
  for (const service of project.services) {
    const { deploy, files, healthcheck, mounts } = service;
    const dependsOn = service.dependsOn.map((dependency) => made.get(dependency.name)!);
    const { condition, delaySeconds, maxAttempts, windowSeconds } = deploy.restart;
    const file = (item: MountedFile) => {
      // It cannot change: another text is another one of another name, and that rolls the tasks.
      const child = `${name}-${service.name}-${item.key}`;
      const data = Buffer.from(item.text).toString("base64");
      const made = item.isSecret
        ? new docker.Secret(child, { data: pulumi.secret(data) }, { parent })
        : new docker.ServiceConfig(child, { data }, { parent });
      return {
        id: made.id,
        name: made.name,
        fileName: item.target,
        fileUid: item.uid,
        fileGid: item.gid,
        fileMode: item.mode,
      };
    };
    const [secrets, configs] = [files.filter(({ isSecret }) => isSecret), files.filter(({ isSecret }) => !isSecret)];
    const args: docker.ServiceArgs = {
      taskSpec: {
        containerSpec: {
          image: imageOf(service),
          commands: service.entrypoint && [...service.entrypoint],
          args: service.command && [...service.command],
          env: service.environment,
          user: service.user,
          hostname: service.hostname,
          readOnly: service.readOnly,
          capDrops: [...service.capDrop],
          labels: Object.entries(service.labels).map(([label, value]) => ({ label, value })),
          stopGracePeriod: duration(service.stopGraceSeconds),
          mounts: mounts.map(({ type, source, target, readOnly, size }) => ({
            type,
            source: type === "volume" && source !== undefined ? volumes.get(source)!.name : source,
            target,
            readOnly,
            tmpfsOptions: size === undefined ? undefined : { sizeBytes: size, mode: 0o1777 },
          })),
          secrets: secrets
            .map(file)
            .map(({ id, name: secretName, ...rest }) => ({ secretId: id, secretName, ...rest })),
          configs: configs
            .map(file)
            .map(({ id, name: configName, ...rest }) => ({ configId: id, configName, ...rest })),
          healthcheck: healthcheck && engineHealthcheck(healthcheck),
        },
        networksAdvanceds: Object.entries(service.networks).map(([key, aliases]) => ({
          name: networks.get(key)!.id,
          aliases: [service.name, ...aliases],
        })),
        placement: {
          constraints: [...deploy.constraints],
          prefs: deploy.spreadOver.map((label) => `spread=${label}`),
          maxReplicas: deploy.maxPerNode,
        },
        resources: { limits: quantity(deploy.limits), reservation: quantity(deploy.reservations) },
        restartPolicy: {
          condition: condition ?? "any",
          delay: duration(delaySeconds),
          maxAttempts,
          window: duration(windowSeconds),
        },
        logDriver: service.logging && { name: service.logging.driver, options: service.logging.options },
      },
      mode: deploy.isGlobal ? { global: true } : { replicated: { replicas: deploy.replicas } },
      updateConfig: deploy.update && roll(deploy.update),
      rollbackConfig: deploy.rollback && roll(deploy.rollback),
      endpointSpec: {
        mode: deploy.endpointMode,
        ports: service.ports.map(({ target, published, protocol, mode }) => ({
          targetPort: target,
          publishedPort: published,
          protocol,
          publishMode: mode,
        })),
      },
      convergeConfig: deploy.isGlobal ? undefined : { delay: "1s", timeout: convergeTimeout(service) },
    };
    made.set(service.name, new docker.Service(`${name}-${service.name}`, args, { parent, dependsOn }));
  }
}

/** All tasks one after the other, and as much again for a way back. */
function convergeTimeout({ deploy, healthcheck }: ComposeService): string {
  const { startPeriodSeconds = 0, intervalSeconds = 30, retries = 3 } = healthcheck ?? {};
  const each = startPeriodSeconds + intervalSeconds * retries + (deploy.update?.monitorSeconds ?? 5);
  return `${Math.ceil(180 + 2 * deploy.replicas * (each + (deploy.update?.delaySeconds ?? 0)))}s`;
}

const quantity = ({ cpus, memory }: Quantity) => ({
  nanoCpus: cpus === undefined ? undefined : Math.round(cpus * 1e9),
  memoryBytes: memory,
});

function roll({ parallelism, delaySeconds, order, failureAction, monitorSeconds, maxFailureRatio }: Roll) {
  return {
    parallelism,
    delay: duration(delaySeconds),
    order,
    failureAction,
    monitor: duration(monitorSeconds),
    maxFailureRatio: maxFailureRatio === undefined ? undefined : String(maxFailureRatio),
  };
}
