import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

import { storeUser } from "./app-args.ts";
import type { StoreOptions } from "./app-args.ts";
import { hardened, limits, logs } from "./docker-container.ts";
import { configuration } from "./key-value-store.ts";

// Of its own: in a folder of the image, the volume would take over the owner and mode.
const directory = "/etc/store";

/** Whether Valkey answers: asked without a password it would say that it wants one, also while it loads its data. */
export const storeCheck = {
  tests: [
    "CMD-SHELL",
    `test "$(REDISCLI_AUTH="$(sed -n 's/^requirepass //p' ${directory}/valkey.conf)" valkey-cli ping)" = PONG`,
  ],
  interval: "2s",
  timeout: "30s",
  retries: 5,
  startPeriod: "30s",
};

/** What a store takes at most. */
export const storeResources = { limits: { cpu: "1", memory: "256Mi" } } as const;

/** The command of a Valkey whose configuration is a file there. */
export const storeCommand = ["valkey-server", `${directory}/valkey.conf`];
export const storeConfigFile = `${directory}/valkey.conf`;

/** Makes a password, which changes with its version. */
export function newStorePassword(name: string, { passwordVersion = 1 }: StoreOptions, parent: pulumi.Resource) {
  const password = new random.RandomPassword(
    `${name}-store`,
    { length: 32, special: false, keepers: { version: `${passwordVersion}` } },
    { parent },
  );
  return pulumi.secret(password.result);
}

/** valkey.conf with the password. */
export const storeConfiguration = (password: pulumi.Output<string>): pulumi.Output<string> =>
  pulumi.interpolate`${configuration(storeResources)}requirepass ${password}\n`;

/** A Valkey on a Docker host, with its data in a volume of its own. */
export function dockerStore(
  name: string,
  options: StoreOptions,
  network: docker.Network,
  parent: pulumi.Resource,
): { container: docker.Container; password: pulumi.Output<string> } {
  const password = newStorePassword(name, options, parent);
  const image = new docker.RemoteImage(`${name}-store`, { name: options.image, forceRemove: true }, { parent });
  const volume = new docker.Volume(`${name}-store`, {}, { parent, protect: options.isProtected ?? true });
  const container = new docker.Container(
    `${name}-store`,
    {
      ...hardened,
      ...logs,
      ...limits(storeResources),
      image: options.image,
      entrypoints: storeCommand,
      user: storeUser,
      networksAdvanced: [{ name: network.name, aliases: [`${name}-store`] }],
      volumes: [{ volumeName: volume.name, containerPath: "/data" }, { containerPath: directory }],
      uploads: [
        {
          file: storeConfigFile,
          content: storeConfiguration(password),
          owner: storeUser.split(":")[0],
          group: storeUser.split(":")[1],
          permissions: "0400",
        },
      ],
      healthcheck: storeCheck,
      wait: true,
      destroyGraceSeconds: 30,
    },
    // Never two of them on the same data.
    { parent, dependsOn: image, deleteBeforeReplace: true },
  );
  return { container, password };
}
