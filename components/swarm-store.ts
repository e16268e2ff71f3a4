import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { storeUser } from "./app-args.ts";
import type { StoreOptions } from "./app-args.ts";
import { logs } from "./docker-container.ts";
import {
  newStorePassword,
  storeCheck,
  storeCommand,
  storeConfigFile,
  storeConfiguration,
  storeResources,
} from "./docker-store.ts";
import { quantities, restart } from "./swarm-service.ts";

/** A Valkey as a service of a Swarm, with its data in a volume on the manager that the provider talks to. */
export function swarmStore(
  name: string,
  options: StoreOptions,
  network: docker.Network,
  parent: pulumi.Resource,
): { service: docker.Service; password: pulumi.Output<string> } {
  const password = newStorePassword(name, options, parent);
  const image = new docker.RemoteImage(`${name}-store`, { name: options.image, forceRemove: true }, { parent });
  const volume = new docker.Volume(`${name}-store`, {}, { parent, protect: options.isProtected ?? true });
  const secret = new docker.Secret(
    `${name}-store`,
    { data: storeConfiguration(password).apply((text) => Buffer.from(text).toString("base64")) },
    { parent },
  );
  const [uid, gid] = storeUser.split(":");
  const service = new docker.Service(
    `${name}-store`,
    {
      taskSpec: {
        containerSpec: {
          image: options.image,
          commands: storeCommand,
          user: storeUser,
          readOnly: true,
          capDrops: ["ALL"],
          stopGracePeriod: "30s",
          mounts: [{ type: "volume", source: volume.name, target: "/data" }],
          secrets: [
            {
              secretId: secret.id,
              secretName: secret.name,
              fileName: storeConfigFile,
              fileUid: uid,
              fileGid: gid,
              fileMode: 0o400,
            },
          ],
          healthcheck: storeCheck,
        },
        networksAdvanceds: [{ name: network.id, aliases: [`${name}-store`] }],
        // A volume is on one node: the store stays with its data.
        placement: { constraints: ["node.role==manager"], maxReplicas: 1 },
        resources: quantities(storeResources),
        restartPolicy: restart,
        logDriver: { name: logs.logDriver, options: logs.logOpts },
      },
      mode: { replicated: { replicas: 1 } },
      // Never two of them on the same data.
      updateConfig: { order: "stop-first", failureAction: "rollback", monitor: "10s" },
      rollbackConfig: { order: "stop-first", failureAction: "pause", monitor: "10s" },
      endpointSpec: { mode: "dnsrr" },
      convergeConfig: { delay: "1s", timeout: "180s" },
    },
    { parent, dependsOn: image },
  );
  return { service, password };
}
