/** A Compose file in one form, whichever of its forms it was written in. */

export const targets = ["kubernetes", "docker", "swarm"] as const;
/** Where a Compose file is deployed to. */
export type Target = (typeof targets)[number];

export interface Project {
  /** In an order in which each comes after those that it depends on. */
  readonly services: readonly ComposeService[];
  /** By name: the driver. */
  readonly networks: Readonly<Record<string, string | undefined>>;
  /** Names of volumes. */
  readonly volumes: readonly string[];
}

export interface ComposeService {
  readonly name: string;
  readonly image?: string | undefined;
  readonly build?: Build | undefined;
  readonly entrypoint?: readonly string[] | undefined;
  readonly command?: readonly string[] | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly ports: readonly Port[];
  readonly mounts: readonly Mount[];
  readonly files: readonly MountedFile[];
  readonly dependsOn: readonly Dependency[];
  /** By name: what the service is called there, besides its own name. */
  readonly networks: Readonly<Record<string, readonly string[]>>;
  readonly healthcheck?: Healthcheck | undefined;
  /** Whether somebody waits until it is healthy, so that it must have a health check, if only the image's. */
  readonly isAwaited: boolean;
  readonly deploy: Deploy;
  readonly labels: Readonly<Record<string, string>>;
  readonly user?: string | undefined;
  readonly workingDir?: string | undefined;
  readonly hostname?: string | undefined;
  readonly readOnly?: boolean | undefined;
  readonly init?: boolean | undefined;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly securityOpt: readonly string[];
  readonly stopSignal?: string | undefined;
  readonly stopGraceSeconds?: number | undefined;
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> } | undefined;
  readonly ulimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  readonly swapLimit?: number | undefined;
}

export interface Build {
  /** From the program's folder. */
  readonly context: string;
  readonly dockerfile: string;
  readonly args: Readonly<Record<string, string>>;
  readonly target?: string | undefined;
}

export interface Port {
  readonly target: number;
  /** None for a port of the host's choice. */
  readonly published?: number | undefined;
  readonly protocol: "tcp" | "udp";
  readonly hostIp?: string | undefined;
  readonly mode: "ingress" | "host";
}

export interface Mount {
  readonly type: "volume" | "bind" | "tmpfs";
  /** A volume's name or an absolute path; none for a volume without a name. */
  readonly source?: string | undefined;
  readonly target: string;
  readonly readOnly: boolean;
  /** Bytes of a tmpfs. */
  readonly size?: number | undefined;
}

/** One of the service's `configs` or `secrets`. */
export interface MountedFile {
  readonly key: string;
  readonly text: string;
  readonly target: string;
  readonly isSecret: boolean;
  readonly uid?: string | undefined;
  readonly gid?: string | undefined;
  readonly mode: number;
}

export interface Dependency {
  readonly name: string;
  readonly isHealthy: boolean;
}

export interface Healthcheck {
  /** `CMD` or `CMD-SHELL` and more, or `NONE`; none for the image's. */
  readonly test?: readonly string[] | undefined;
  readonly intervalSeconds?: number | undefined;
  readonly timeoutSeconds?: number | undefined;
  readonly retries?: number | undefined;
  readonly startPeriodSeconds?: number | undefined;
}

export interface Quantity {
  readonly cpus?: number | undefined;
  readonly memory?: number | undefined;
}

export interface Roll {
  readonly parallelism?: number | undefined;
  readonly delaySeconds?: number | undefined;
  readonly order?: "start-first" | "stop-first" | undefined;
  readonly failureAction?: "pause" | "continue" | "rollback" | undefined;
  readonly monitorSeconds?: number | undefined;
  readonly maxFailureRatio?: number | undefined;
}

export interface Deploy {
  readonly replicas: number;
  readonly isGlobal: boolean;
  readonly limits: Quantity;
  readonly reservations: Quantity;
  readonly restart: {
    /** None where the file says nothing: each target has a way of its own. */
    readonly condition?: "none" | "on-failure" | "any" | undefined;
    readonly delaySeconds?: number | undefined;
    readonly maxAttempts?: number | undefined;
    readonly windowSeconds?: number | undefined;
  };
  readonly update?: Roll | undefined;
  readonly rollback?: Roll | undefined;
  readonly constraints: readonly string[];
  readonly spreadOver: readonly string[];
  readonly maxPerNode?: number | undefined;
  readonly endpointMode?: "vip" | "dnsrr" | undefined;
}
