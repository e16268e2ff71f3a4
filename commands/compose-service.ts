import { posix } from "node:path";

import type * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";

import { composeHealthcheck, defined, nonEmpty } from "./compose-container.ts";
import type { Draft, Mounted, Service } from "./compose.ts";

type SwarmService = pulumi.Unwrap<docker.ServiceArgs>;
type Roll = NonNullable<SwarmService["updateConfig"]>;

/**
 * A service of a Swarm as a service of a stack's file.
 *
 * @param textOf the text of a config or a secret
 */
export function swarmService(
  name: string,
  { taskSpec, mode, endpointSpec, updateConfig, rollbackConfig }: SwarmService,
  textOf: (key: string, isSecret: boolean) => string,
): Draft {
  const { containerSpec: container, placement, resources, restartPolicy, logDriver, networksAdvanceds = [] } = taskSpec;
  const { limits, reservation } = resources ?? {};
  const service = defined({
    image: container.image,
    entrypoint: container.commands,
    command: container.args,
    environment: container.env,
    user: container.user,
    read_only: container.readOnly,
    cap_drop: container.capDrops,
    stop_grace_period: container.stopGracePeriod,
    healthcheck: container.healthcheck && composeHealthcheck(container.healthcheck),
    logging: logDriver && { driver: logDriver.name, options: logDriver.options },
    networks: Object.fromEntries(networksAdvanceds.map(({ name: key, aliases }) => [key, { aliases }])),
    ports: nonEmpty(
      endpointSpec?.ports?.map(({ targetPort, publishedPort, publishMode }) =>
        // As text in the Compose specification, as a number in docker's own command: both take a number.
        defined({ target: targetPort, published: publishedPort, mode: publishMode }),
      ),
    ),
    volumes: container.mounts?.map(({ type, source, target, readOnly, tmpfsOptions }) =>
      // Mode 1777 is what a tmpfs has anyway.
      defined({ type, source, target, read_only: readOnly, tmpfs: tmpfsOptions && { size: tmpfsOptions.sizeBytes } }),
    ),
    deploy: defined({
      mode: "replicated",
      replicas: mode?.replicated?.replicas,
      endpoint_mode: endpointSpec?.mode,
      update_config: updateConfig && roll(updateConfig),
      rollback_config: rollbackConfig && roll(rollbackConfig),
      restart_policy: restartPolicy && {
        condition: restartPolicy.condition,
        delay: restartPolicy.delay,
        max_attempts: restartPolicy.maxAttempts,
        window: restartPolicy.window,
      },
      placement:
        placement &&
        defined({
          constraints: nonEmpty(placement.constraints),
          preferences: nonEmpty(placement.prefs?.map((pref) => ({ spread: pref.replace("spread=", "") }))),
          max_replicas_per_node: placement.maxReplicas,
        }),
      resources: defined({
        limits: limits && quantities(limits),
        reservations: reservation && quantities(reservation),
      }),
    }),
  });
  const file = (source: string, isSecret: boolean, entry: Service): Mounted => {
    // Named after the file where its own name is the service's, which says nothing.
    const key = source === name ? `${name}-${posix.basename(String(entry["target"])).replaceAll(".", "-")}` : source;
    return { key, entry: { source: key, ...entry }, text: textOf(source, isSecret), isSecret };
  };
  const mounted = [
    ...(container.secrets ?? []).map(({ secretName, fileName, fileUid, fileGid, fileMode }) =>
      file(secretName!, true, defined({ target: fileName, uid: fileUid, gid: fileGid, mode: fileMode })),
    ),
    ...(container.configs ?? []).map(({ configName, fileName, fileUid, fileGid, fileMode }) =>
      file(configName!, false, defined({ target: fileName, uid: fileUid, gid: fileGid, mode: fileMode })),
    ),
  ];
  return { name, service, mounted };
}

function roll({ parallelism, delay, order, failureAction, monitor, maxFailureRatio }: Roll): Service {
  return defined({
    parallelism,
    delay,
    order,
    failure_action: failureAction,
    monitor,
    max_failure_ratio: maxFailureRatio === undefined ? undefined : Number(maxFailureRatio),
  });
}

const quantities = ({ nanoCpus, memoryBytes }: { nanoCpus?: number | undefined; memoryBytes?: number | undefined }) =>
  defined({
    cpus: nanoCpus === undefined ? undefined : String(nanoCpus / 1e9),
    memory: memoryBytes === undefined ? undefined : `${memoryBytes}b`,
  });
