import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import type { ComposeService, Healthcheck, Quantity } from "./model.ts";
import type { Files } from "./on-kubernetes.ts";

/** The pod of a service: what the file says, and what Docker does without being told. */
export function podSpec(
  service: ComposeService,
  image: pulumi.Input<string>,
  claims: ReadonlyMap<string, k8s.core.v1.PersistentVolumeClaim>,
  files: Files,
): k8s.types.input.core.v1.PodSpec {
  const { deploy, healthcheck, mounts, name, stopGraceSeconds = 10, user } = service;
  const [uid, gid] = (user ?? "").split(":").map((text) => (text === "" ? undefined : Number(text)));
  const volumes = mounts.map(({ type, source, size }, index) => {
    const claim = source === undefined ? undefined : claims.get(source);
    const empty =
      type === "tmpfs" ? { medium: "Memory", sizeLimit: size === undefined ? undefined : String(size) } : {};
    return {
      name: `mount-${index}`,
      ...(claim ? { persistentVolumeClaim: { claimName: claim.metadata.name } } : { emptyDir: empty }),
    };
  });
  const held = [...files].map(([file, holder], index) => {
    const items = [{ key: "file", path: "file", mode: file.mode }];
    const from = holder.isSecret
      ? { secret: { secretName: holder.name, items } }
      : { configMap: { name: holder.name, items } };
    return { volume: { name: `file-${index}`, ...from }, file };
  });
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    hostname: service.hostname,
    terminationGracePeriodSeconds: Math.ceil(stopGraceSeconds),
    securityContext: {
      runAsUser: uid,
      runAsGroup: gid,
      // Volumes and files belong to the group, so that a user without powers can have them.
      fsGroup: gid ?? uid,
      runAsNonRoot: uid === undefined ? undefined : uid !== 0,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [
      {
        name,
        image,
        command: service.entrypoint && [...service.entrypoint],
        args: service.command && [...service.command],
        workingDir: service.workingDir,
        env: Object.entries(service.environment).map(([key, value]) => ({ name: key, value })),
        ports: service.ports.map(({ target, protocol }) => ({
          containerPort: target,
          protocol: protocol.toUpperCase(),
        })),
        readinessProbe: healthcheck && probe(healthcheck),
        resources: { limits: quantity(deploy.limits), requests: quantity(deploy.reservations) },
        securityContext: {
          allowPrivilegeEscalation: service.securityOpt.length > 0 ? false : undefined,
          readOnlyRootFilesystem: service.readOnly,
          capabilities: { add: [...service.capAdd], drop: [...service.capDrop] },
        },
        volumeMounts: [
          ...mounts.map(({ target, readOnly }, index) => ({ name: `mount-${index}`, mountPath: target, readOnly })),
          ...held.map(({ volume, file }) => ({
            name: volume.name,
            mountPath: file.target,
            subPath: "file",
            readOnly: true,
          })),
        ],
      },
    ],
    volumes: [...volumes, ...held.map(({ volume }) => volume)],
  };
}

/**
 * A health check decides about requests only, as under Docker: a container that is not healthy is not ended. It needs no
 * start period: the first success counts, whenever it comes.
 */
function probe(check: Healthcheck): k8s.types.input.core.v1.Probe | undefined {
  const { test = [], intervalSeconds = 30, timeoutSeconds = 30, retries = 3 } = check;
  const [kind, ...command] = test;
  if (kind === "NONE") return undefined;
  const whole = (seconds: number): number => Math.max(1, Math.round(seconds));
  return {
    exec: { command: kind === "CMD-SHELL" ? ["/bin/sh", "-c", ...command] : command },
    periodSeconds: whole(intervalSeconds),
    timeoutSeconds: whole(timeoutSeconds),
    failureThreshold: retries,
  };
}

const quantity = ({ cpus, memory }: Quantity): Record<string, string> => ({
  ...(cpus !== undefined && { cpu: String(cpus) }),
  ...(memory !== undefined && { memory: String(memory) }),
});
