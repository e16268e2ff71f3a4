import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

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
import { checkInteger, checkOneOf, checkPattern, refuse, show } from "./check.ts";
import {
  balancerCheck,
  balancerCommand,
  balancerConfig,
  balancerPaths,
  balancerPort,
  balancerUser,
} from "./edge/balancer.ts";
import { defaultEdgeImage } from "./edge/settings.ts";
import { logs } from "./docker-container.ts";
import { converge, quantities, restart, rolling } from "./swarm-service.ts";
import { swarmStore } from "./swarm-store.ts";

/** What a `SwarmApp` is made of. */
export interface SwarmAppArgs extends ContainerAppArgs {
  /**
   * How requests come in: by Swarm's routing mesh, on the port of every node, or by a load balancer on one of the nodes, an
   * nginx that asks Swarm's DNS for the replicas. The mesh needs IPVS in the nodes' kernels.
   *
   * @default "ingress"
   */
  readonly publish?: "ingress" | "balancer" | undefined;
  /**
   * How a new version takes the place of the old one.
   *
   * @default - one task after the other, the new one first; back to the old version if a task fails within 10 s
   */
  readonly update?: SwarmUpdate | undefined;
  /**
   * Which nodes may run the replicas, such as `node.labels.zone==eu`.
   *
   * @default []
   */
  readonly constraints?: readonly string[] | undefined;
  /**
   * Node labels over whose values the replicas are spread, such as `node.labels.zone`.
   *
   * @default []
   */
  readonly spreadOver?: readonly string[] | undefined;
}

/** How tasks are replaced. */
export interface SwarmUpdate {
  /** Tasks that are replaced at a time, 1 to 100. @default 1 */
  readonly parallelism?: number;
  /** Seconds between them, 0 to 3600. @default 0 */
  readonly delaySeconds?: number;
  /** Whether the new task starts before the old one stops. @default "start-first" */
  readonly order?: "start-first" | "stop-first";
  /** What becomes of an update with a task that fails. @default "rollback" */
  readonly failureAction?: "rollback" | "pause" | "continue";
  /** Seconds in which a task that fails counts, 1 to 3600. @default 10 */
  readonly monitorSeconds?: number;
  /** The share of tasks that may fail, 0 to 1. @default 0 */
  readonly maxFailureRatio?: number;
}

/** The updates with every default filled in. */
export type SwarmUpdateSettings = Required<SwarmUpdate>;

/**
 * A web app as a replicated service of a Swarm. `pulumi up` waits until an update has converged, or fails with the reason
 * when Swarm has rolled it back.
 *
 * @example
 * const image = new ContainerImage("hello", { repository: "ghcr.io/me/hello", tags: ["v0.0.1"] });
 * const app = new SwarmApp("hello", { image: image.ref });
 * export const url = app.url;
 *
 * @see https://docs.docker.com/engine/swarm/services/
 */
export class SwarmApp extends pulumi.ComponentResource {
  /** Where the app answers. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: SwarmAppArgs, opts?: pulumi.ComponentResourceOptions) {
    // The arguments stay out of the state, since secrets may be among them.
    super("meridian:index:SwarmApp", name, {}, opts);
    refuse(checkSwarmApp(name, args), this);
    const settings = appSettings(args);
    const update = updateSettings(args.update);
    const { publish = "ingress", constraints = [], spreadOver = [] } = args;
    const parent = { parent: this };

    const network = new docker.Network(name, { driver: "overlay" }, parent);
    const store = settings.store && swarmStore(name, settings.store, network, this);
    // Swarm leaves images on its nodes; this one, where the engine of the provider is, goes with the stack. By force: tasks
    // that have ended are kept, and would hold it.
    const image = new docker.RemoteImage(name, { name: settings.image, forceRemove: true }, parent);
    // A secret cannot change: another value is another secret of another name, and that rolls the tasks.
    const files = Object.entries({ ...settings.secrets, ...(store && { [storePassword]: store.password }) });
    const secrets = files.map(([file, value]) => ({
      file,
      secret: new docker.Secret(
        `${name}-${file.toLowerCase().replaceAll("_", "-")}`,
        { data: pulumi.secret(value).apply((text) => Buffer.from(text).toString("base64")) },
        parent,
      ),
    }));

    const { command, args: programArgs, drainSeconds, runAsUser } = settings;
    const isMesh = publish === "ingress";
    const service = new docker.Service(
      name,
      {
        taskSpec: {
          containerSpec: {
            image: settings.image,
            commands: command && [...command],
            args: programArgs && [...programArgs],
            env: appEnv(settings, `redis://${name}-store:${storePort}`),
            user: `${runAsUser}:${runAsUser}`,
            readOnly: true,
            capDrops: ["ALL"],
            healthcheck: healthcheckOf(settings),
            stopGracePeriod: `${drainSeconds + 20}s`,
            secrets: secrets.map(({ file, secret }) => ({
              secretId: secret.id,
              secretName: secret.name,
              fileName: `${secretsDirectory}/${file}`,
              fileUid: String(runAsUser),
              fileGid: String(runAsUser),
              fileMode: 0o400,
            })),
          },
          networksAdvanceds: [{ name: network.id, aliases: [name] }],
          placement: { constraints: [...constraints], prefs: spreadOver.map((label) => `spread=${label}`) },
          resources: quantities(settings.resources),
          restartPolicy: restart,
          logDriver: { name: logs.logDriver, options: logs.logOpts },
        },
        mode: { replicated: { replicas: settings.replicas } },
        updateConfig: rolling(update),
        rollbackConfig: rolling({ ...update, failureAction: "pause" }),
        endpointSpec: isMesh
          ? {
              mode: "vip",
              ports: [
                { targetPort: settings.port.containerPort, publishedPort: settings.port.port!, publishMode: "ingress" },
              ],
            }
          : { mode: "dnsrr" },
        convergeConfig: converge(settings, update),
      },
      { parent: this, dependsOn: [image, ...(store ? [store.service] : [])] },
    );
    if (!isMesh) this.#balancer(name, settings, network, service);

    this.url = pulumi.output(`http://${settings.host}:${settings.port.port!}`);
    this.registerOutputs({ url: this.url });
  }

  #balancer(
    name: string,
    settings: ContainerAppSettings,
    network: docker.Network,
    service: docker.Service,
  ): docker.Service {
    const text = balancerConfig(name, settings.port.containerPort);
    const config = new docker.ServiceConfig(
      `${name}-balancer`,
      { data: Buffer.from(text).toString("base64") },
      { parent: this },
    );
    const update = updateSettings({ order: "stop-first" });
    return new docker.Service(
      `${name}-balancer`,
      {
        taskSpec: {
          containerSpec: {
            image: settings.balancerImage ?? defaultEdgeImage,
            commands: [...balancerCommand],
            user: balancerUser,
            readOnly: true,
            capDrops: ["ALL"],
            stopGracePeriod: "25s",
            mounts: [
              { type: "tmpfs", target: balancerPaths.scratch, tmpfsOptions: { sizeBytes: 2 ** 26, mode: 0o1777 } },
            ],
            configs: [
              {
                configId: config.id,
                configName: config.name,
                fileName: `${balancerPaths.config}/nginx.conf`,
                fileMode: 0o444,
              },
            ],
            healthcheck: balancerCheck,
          },
          networksAdvanceds: [{ name: network.id, aliases: [`${name}-balancer`] }],
          resources: quantities({ limits: { cpu: "1", memory: "256Mi" } }),
          restartPolicy: restart,
          logDriver: { name: logs.logDriver, options: logs.logOpts },
        },
        mode: { replicated: { replicas: 1 } },
        // The node's port has one owner at a time.
        updateConfig: rolling(update),
        rollbackConfig: rolling({ ...update, failureAction: "pause" }),
        endpointSpec: {
          mode: "dnsrr",
          ports: [{ targetPort: balancerPort, publishedPort: settings.port.port!, publishMode: "host" }],
        },
        convergeConfig: converge({ ...settings, replicas: 1 }, update),
      },
      { parent: this, dependsOn: service },
    );
  }
}

function updateSettings(update: SwarmUpdate = {}): SwarmUpdateSettings {
  return {
    parallelism: update.parallelism ?? 1,
    delaySeconds: update.delaySeconds ?? 0,
    order: update.order ?? "start-first",
    failureAction: update.failureAction ?? "rollback",
    monitorSeconds: update.monitorSeconds ?? 10,
    maxFailureRatio: update.maxFailureRatio ?? 0,
  };
}

/** One sentence for each thing that is wrong, and for each that Swarm would take without a word and not do. */
export function checkSwarmApp(name: string, args: SwarmAppArgs): string[] {
  const update = updateSettings(args.update);
  const { drainSeconds = 5, constraints = [], spreadOver = [], publish = "ingress" } = args;
  const ratio = update.maxFailureRatio;
  return [
    ...checkApp(name, args),
    ...checkOneOf("publish", publish, ["ingress", "balancer"]),
    ...checkInteger("update.parallelism", update.parallelism, 1, 100),
    ...checkInteger("update.delaySeconds", update.delaySeconds, 0, 3600),
    ...checkOneOf("update.order", update.order, ["start-first", "stop-first"]),
    ...checkOneOf("update.failureAction", update.failureAction, ["rollback", "pause", "continue"]),
    ...checkInteger("update.monitorSeconds", update.monitorSeconds, 1, 3600),
    ...(ratio >= 0 && ratio <= 1 ? [] : [`update.maxFailureRatio must be a number from 0 to 1, got ${show(ratio)}`]),
    ...(update.failureAction === "continue" && ratio > 0
      ? ['update.maxFailureRatio must be 0 with failureAction "continue", since Swarm then never looks at it']
      : []),
    ...constraints.flatMap((text, index) =>
      checkPattern(
        `constraints[${index}]`,
        text,
        /^(node|engine)\.[\w.-]+\s*(==|!=)\s*\S+$/,
        'a constraint such as "node.labels.zone==eu"',
      ),
    ),
    ...spreadOver.flatMap((text, index) =>
      // Swarm takes any other text, and spreads by nothing.
      checkPattern(
        `spreadOver[${index}]`,
        text,
        /^(node|engine)\.labels\.[\w.-]+$/,
        'a label such as "node.labels.zone"',
      ),
    ),
    ...(args.resources?.limits?.["ephemeral-storage"] !== undefined ||
    args.resources?.requests?.["ephemeral-storage"] !== undefined
      ? ["resources must leave out ephemeral-storage, which Swarm does not limit"]
      : []),
    ...(drainSeconds > 0 ? [] : ["drainSeconds must be at least 1: Swarm's DNS tells of a stopped task a moment late"]),
  ];
}
