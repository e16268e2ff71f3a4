import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

import {
  appEnv,
  appSettings,
  checkApp,
  healthcheckOf,
  secretsDirectory,
  storePassword,
  storePort,
} from "./app-args.ts";
import type { ContainerAppArgs, ContainerAppSettings } from "./app-args.ts";
import { refuse } from "./check.ts";
import { hardened, limits, logs } from "./docker-container.ts";
import { dockerStore } from "./docker-store.ts";
import {
  balancerCheck,
  balancerCommand,
  balancerConfig,
  balancerPaths,
  balancerPort,
  balancerScript,
  balancerUser,
} from "./edge/balancer.ts";
import { defaultEdgeImage } from "./edge/settings.ts";

/** What a `DockerApp` is made of. */
export type DockerAppArgs = ContainerAppArgs;

/**
 * A web app as replicas on one Docker host, behind a load balancer. A new version starts beside the old one, replica by
 * replica; when all are healthy the balancer turns to them, and only then do the old ones stop.
 *
 * It works with any engine that the provider reaches: `DOCKER_HOST`, a context, ssh. What changes the balancer itself
 * (its image, the port) interrupts the service for about a second, since a port has one owner at a time.
 *
 * @example
 * const image = new ContainerImage("hello", { repository: "ghcr.io/me/hello", tags: ["v0.0.1"] });
 * const app = new DockerApp("hello", { image: image.ref });
 * export const url = app.url;
 *
 * @see https://www.pulumi.com/registry/packages/docker/
 */
export class DockerApp extends pulumi.ComponentResource {
  /** Where the app answers. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: DockerAppArgs, opts?: pulumi.ComponentResourceOptions) {
    // The arguments stay out of the state, since secrets may be among them.
    super("meridian:index:DockerApp", name, {}, opts);
    refuse(checkApp(name, args), this);
    const settings = appSettings(args);
    const parent = { parent: this };

    const network = new docker.Network(name, { driver: "bridge" }, parent);
    const releaseVolume = new docker.Volume(`${name}-release`, {}, parent);
    const balancer = this.#balancer(name, settings, network, releaseVolume);
    const store = settings.store && dockerStore(name, settings.store, network, this);
    // By force: after a release that has failed, the way back is a release of what still runs.
    const image = new docker.RemoteImage(name, { name: settings.image, forceRemove: true }, parent);

    const given = { ...settings.secrets, ...(store && { [storePassword]: store.password }) };
    const secrets = Object.fromEntries(Object.entries(given).map(([file, value]) => [file, pulumi.secret(value)]));
    const env = appEnv(settings, `redis://${name}-store:${storePort}`);
    // Replicas of one release share a name in Docker's DNS, which no other release has.
    const { command, args: programArgs, resources, runAsUser } = settings;
    const id = new random.RandomId(
      `${name}-release`,
      {
        byteLength: 4,
        keepers: pulumi.all([settings.image, env, pulumi.output(secrets)]).apply(([ref, ...rest]) => ({
          image: ref,
          rest: JSON.stringify([rest, command, programArgs, resources, runAsUser]),
        })),
      },
      parent,
    );
    const release = pulumi.interpolate`${name}-${id.hex}`;

    const replicas: docker.Container[] = [];
    for (let number = 1; number <= settings.replicas; number++) {
      // One after the other: the next one starts when this one is healthy.
      const before = [balancer, image, ...(store ? [store.container] : []), ...replicas.slice(-1)];
      replicas.push(
        new docker.Container(`${name}-${number}`, replica(settings, network.name, release, env, secrets), {
          parent: this,
          dependsOn: before,
        }),
      );
    }
    // This is what moves the traffic. The container never starts: it is there to put a file into the volume.
    new docker.Container(
      `${name}-release`,
      {
        image: settings.balancerImage ?? defaultEdgeImage,
        start: false,
        mustRun: false,
        volumes: [{ volumeName: releaseVolume.name, containerPath: balancerPaths.release }],
        uploads: [{ file: `${balancerPaths.release}/name`, content: pulumi.interpolate`${release}\n` }],
      },
      { parent: this, dependsOn: replicas },
    );

    this.url = pulumi.output(`http://${settings.host}:${settings.port.port!}`);
    this.registerOutputs({ url: this.url });
  }

  #balancer(
    name: string,
    { balancerImage = defaultEdgeImage, port }: ContainerAppSettings,
    network: docker.Network,
    release: docker.Volume,
  ): docker.Container {
    // Others on the host may use it as well: it stays.
    const image = new docker.RemoteImage(
      `${name}-balancer`,
      { name: balancerImage, keepLocally: true },
      { parent: this },
    );
    const { config, release: folder, scratch } = balancerPaths;
    return new docker.Container(
      `${name}-balancer`,
      {
        ...hardened,
        ...logs,
        ...limits({ limits: { cpu: "1", memory: "256Mi" } }),
        image: balancerImage,
        entrypoints: [...balancerCommand],
        user: balancerUser,
        stopSignal: "SIGQUIT",
        destroyGraceSeconds: 25,
        ports: [{ internal: balancerPort, external: port.port! }],
        networksAdvanced: [{ name: network.name }],
        tmpfs: { [scratch]: "rw,noexec,nosuid,size=64m,mode=1777" },
        // A volume without a name lives and dies with its container; the root file system takes no files.
        volumes: [{ containerPath: config }, { volumeName: release.name, containerPath: folder, readOnly: true }],
        uploads: [
          { file: `${config}/nginx.conf`, content: balancerConfig(undefined, port.containerPort) },
          { file: `${config}/balancer.js`, content: balancerScript },
        ],
        healthcheck: balancerCheck,
        wait: true,
      },
      // The port is free for the new one only when the old one has gone.
      { parent: this, dependsOn: image, deleteBeforeReplace: true },
    );
  }
}

function replica(
  settings: ContainerAppSettings,
  network: pulumi.Input<string>,
  release: pulumi.Input<string>,
  env: Readonly<Record<string, pulumi.Input<string>>>,
  secrets: Readonly<Record<string, pulumi.Output<string>>>,
): docker.ContainerArgs {
  const { args, command, drainSeconds, healthCheck, runAsUser } = settings;
  const hasSecrets = Object.keys(secrets).length > 0;
  const patience =
    healthCheck.startPeriodSeconds + healthCheck.retries * (healthCheck.intervalSeconds + healthCheck.timeoutSeconds);
  return {
    ...hardened,
    ...logs,
    ...limits(settings.resources),
    image: settings.image,
    entrypoints: command && [...command],
    command: args && [...args],
    envs: Object.entries(env).map(([variable, value]) => pulumi.interpolate`${variable}=${value}`),
    user: `${runAsUser}:${runAsUser}`,
    networksAdvanced: [{ name: network, aliases: [release] }],
    volumes: hasSecrets ? [{ containerPath: secretsDirectory }] : undefined,
    uploads: hasSecrets
      ? Object.entries(secrets).map(([file, content]) => ({
          file: `${secretsDirectory}/${file}`,
          content,
          owner: String(runAsUser),
          group: String(runAsUser),
          permissions: "0400",
        }))
      : undefined,
    healthcheck: healthcheckOf(settings),
    // Longer than it takes Docker to find out that the replica is not healthy.
    wait: true,
    waitTimeout: patience + 60,
    destroyGraceSeconds: drainSeconds + 20,
  };
}
