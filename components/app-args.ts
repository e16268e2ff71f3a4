import type * as pulumi from "@pulumi/pulumi";

import { checkInteger, checkName, show } from "./check.ts";
import { checkEnv } from "./environment.ts";
import { checkPorts, defaultPorts } from "./port.ts";
import { checkResources } from "./resources.ts";
import type { WebServiceArgs } from "./web-service-args.ts";

/** What an app is made of wherever it runs: on Kubernetes as a `WebService`, on one Docker host, on a Swarm. */
export type AppArgs = Pick<
  WebServiceArgs,
  "image" | "replicas" | "ports" | "command" | "args" | "env" | "resources" | "drainSeconds" | "runAsUser"
>;

/** What `DockerApp` and `SwarmApp` have in common besides. */
export interface ContainerAppArgs extends AppArgs {
  /**
   * Values that the program reads from files: NAME is at `/run/secrets/NAME`, and the variable NAME_FILE says so. A changed
   * value rolls the replicas.
   *
   * @default {}
   */
  readonly secrets?: Readonly<Record<string, pulumi.Input<string>>> | undefined;
  /**
   * How Docker learns that a replica is healthy.
   *
   * @default - the image's HEALTHCHECK, every 2 s
   */
  readonly healthCheck?: HealthCheck | undefined;
  /**
   * A store that the replicas share: they get STORE_URL and STORE_PASSWORD_FILE.
   *
   * @default - none
   */
  readonly store?: StoreOptions | undefined;
  /**
   * The load balancer: an nginx with njs >= 0.8, best by digest, as a `Cdn` has it.
   *
   * @default - the official image `nginxinc/nginx-unprivileged`, by digest
   */
  readonly balancerImage?: pulumi.Input<string> | undefined;
  /**
   * The host's name in `url`.
   *
   * @default "localhost"
   */
  readonly host?: string | undefined;
}

/** A check that Docker runs inside of each replica. */
export interface HealthCheck {
  /**
   * The program, which ends with 0 if the replica is healthy.
   *
   * @default - the image's
   */
  readonly command?: readonly string[];
  /** Seconds between two checks, 1 to 300. @default 2 */
  readonly intervalSeconds?: number;
  /** Seconds that a check may take, 1 to 300. @default 30 */
  readonly timeoutSeconds?: number;
  /** Checks in a row that must fail until the replica counts as unhealthy, 1 to 100. @default 3 */
  readonly retries?: number;
  /** Seconds from the start in which failed checks do not count, 0 to 3600. @default 10 */
  readonly startPeriodSeconds?: number;
}

/** A Valkey with a volume. */
export interface StoreOptions {
  /** Valkey's image, in which `/data` belongs to user 10001: `store/Dockerfile`. */
  readonly image: pulumi.Input<string>;
  /** Another number makes another password. @default 1 */
  readonly passwordVersion?: number;
  /** Whether Pulumi refuses to delete the volume. @default true */
  readonly isProtected?: boolean;
}

/** The arguments with every default filled in. */
export type ContainerAppSettings = ReturnType<typeof appSettings>;

/** Fills in every default. */
export function appSettings(args: ContainerAppArgs) {
  const check = args.healthCheck ?? {};
  return {
    ...args,
    replicas: args.replicas ?? 3,
    port: (args.ports ?? defaultPorts)[0]!,
    env: args.env ?? {},
    secrets: args.secrets ?? {},
    resources: args.resources ?? {},
    drainSeconds: args.drainSeconds ?? 5,
    runAsUser: args.runAsUser ?? 10001,
    healthCheck: {
      command: check.command,
      intervalSeconds: check.intervalSeconds ?? 2,
      timeoutSeconds: check.timeoutSeconds ?? 30,
      retries: check.retries ?? 3,
      startPeriodSeconds: check.startPeriodSeconds ?? 10,
    },
    host: args.host ?? "localhost",
  };
}

/** One sentence for each thing that is wrong with the name or the arguments. */
export function checkApp(name: string, args: ContainerAppArgs): string[] {
  const { ports = defaultPorts } = args;
  const settings = appSettings(args);
  const { intervalSeconds, timeoutSeconds, retries, startPeriodSeconds } = settings.healthCheck;
  return [
    ...checkName("name", name),
    ...checkInteger("replicas", settings.replicas, 1, 100),
    ...checkPorts(ports),
    ...(ports.length > 1 ? [`ports must hold one port, which the load balancer serves, got ${ports.length}`] : []),
    ...checkEnv(settings.env, settings.secrets),
    ...checkResources(settings.resources),
    ...checkInteger("drainSeconds", settings.drainSeconds, 0, 300),
    ...checkInteger("runAsUser", settings.runAsUser, 1, 2 ** 31 - 1),
    ...checkInteger("healthCheck.intervalSeconds", intervalSeconds, 1, 300),
    ...checkInteger("healthCheck.timeoutSeconds", timeoutSeconds, 1, 300),
    ...checkInteger("healthCheck.retries", retries, 1, 100),
    ...checkInteger("healthCheck.startPeriodSeconds", startPeriodSeconds, 0, 3600),
    ...(settings.healthCheck.command?.length === 0 ? [`healthCheck.command must hold a program, got ${show([])}`] : []),
  ];
}

/** The variables that every replica gets, those of `env` last. */
export function appEnv(
  { port, drainSeconds, env, secrets, store }: ContainerAppSettings,
  storeUrl: string,
): Record<string, pulumi.Input<string>> {
  const files = [...Object.keys(secrets), ...(store === undefined ? [] : [storePassword])];
  return {
    PORT: String(port.containerPort),
    DRAIN_SECONDS: String(drainSeconds),
    ...(store === undefined ? {} : { STORE_URL: storeUrl }),
    ...Object.fromEntries(files.map((name) => [`${name}_FILE`, `${secretsDirectory}/${name}`])),
    ...env,
  };
}

/** Where the replicas find their secrets. */
export const secretsDirectory = "/run/secrets";
/** The secret that opens the store. */
export const storePassword = "STORE_PASSWORD";
/** Where the store listens, and the user that it runs as. */
export const storePort = 6379;
export const storeUser = "10001:10001";

/** The health check as the providers' resources take it. */
export function healthcheckOf({ healthCheck }: ContainerAppSettings) {
  const { command, intervalSeconds, timeoutSeconds, retries, startPeriodSeconds } = healthCheck;
  return {
    tests: command === undefined ? [] : ["CMD", ...command],
    interval: `${intervalSeconds}s`,
    timeout: `${timeoutSeconds}s`,
    retries,
    startPeriod: `${startPeriodSeconds}s`,
  };
}
