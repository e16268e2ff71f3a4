/** The inputs of a service as the engine's API wants them. */
import type Docker from "dockerode";
import { type Bag, isBag, type Value } from "../bag.ts";
import { bags, flag, healthcheck, labels, map, mounts, nanoseconds, number, text, texts } from "./values.ts";

/** The service's specification. */
export function serviceSpec(inputs: Bag): Docker.ServiceSpec {
  const task = inputs["taskSpec"];
  const container = isBag(task) ? task["containerSpec"] : undefined;
  const replicas = number(inputs, "mode", "replicated", "replicas") ?? 1;
  const isGlobal = isBag(inputs["mode"]) && flag(inputs["mode"], "global", false);
  return {
    Name: text(inputs, "name")!,
    Labels: labels(inputs),
    Mode: isGlobal ? { Global: {} } : { Replicated: { Replicas: replicas } },
    TaskTemplate: {
      ContainerSpec: containerSpec(container),
      ForceUpdate: number(task, "forceUpdate") ?? 0,
      Networks: bags(task, "networksAdvanceds").map((network) => ({
        Target: (text(network, "id") ?? text(network, "name"))!,
        Aliases: texts(network, "aliases"),
      })),
      Placement: {
        Constraints: texts(task, "placement", "constraints"),
        MaxReplicas: number(task, "placement", "maxReplicas") ?? 0,
        Preferences: texts(task, "placement", "prefs").map((pref) => ({
          Spread: { SpreadDescriptor: pref.replace(/^spread=/, "") },
        })),
      },
      Resources: { Limits: quantities(task, "limits"), Reservations: quantities(task, "reservation") },
      ...restartPolicy(task),
      ...logDriver(task),
    } as Docker.TaskSpec,
    ...roll("UpdateConfig", inputs["updateConfig"]),
    ...roll("RollbackConfig", inputs["rollbackConfig"]),
    EndpointSpec: {
      Mode: (text(inputs, "endpointSpec", "mode") ?? "vip") as "vip" | "dnsrr",
      Ports: bags(inputs, "endpointSpec", "ports").map((port) => ({
        Protocol: (text(port, "protocol") ?? "tcp") as "tcp",
        TargetPort: number(port, "targetPort")!,
        ...(number(port, "publishedPort") !== undefined && { PublishedPort: number(port, "publishedPort")! }),
        PublishMode: (text(port, "publishMode") ?? "ingress") as "ingress" | "host",
      })),
    },
  };
}

function containerSpec(container: Value | undefined) {
  const grace = nanoseconds(text(container, "stopGracePeriod"));
  const command = texts(container, "commands");
  const args = texts(container, "args");
  const file = (item: Bag) => ({
    File: {
      Name: text(item, "fileName")!,
      UID: text(item, "fileUid") ?? "0",
      GID: text(item, "fileGid") ?? "0",
      Mode: number(item, "fileMode") ?? 0o444,
    },
  });
  return {
    Image: text(container, "image")!,
    ...(command.length > 0 && { Command: command }),
    ...(args.length > 0 && { Args: args }),
    Env: Object.entries(map(container, "env")).map(([name, value]) => `${name}=${value}`),
    User: text(container, "user") ?? "",
    Hostname: text(container, "hostname") ?? "",
    Labels: labels(container),
    ReadOnly: flag(container, "readOnly", false),
    CapabilityAdd: texts(container, "capAdds"),
    CapabilityDrop: texts(container, "capDrops"),
    Mounts: mounts(container),
    ...(grace !== undefined && { StopGracePeriod: grace }),
    ...(isBag(container) && { HealthCheck: healthcheck(container["healthcheck"]) }),
    Secrets: bags(container, "secrets").map((item) => ({
      SecretID: text(item, "secretId")!,
      SecretName: text(item, "secretName") ?? "",
      ...file(item),
    })),
    Configs: bags(container, "configs").map((item) => ({
      ConfigID: text(item, "configId")!,
      ConfigName: text(item, "configName") ?? "",
      ...file(item),
    })),
  };
}

function quantities(task: Value | undefined, kind: "limits" | "reservation") {
  return {
    NanoCPUs: number(task, "resources", kind, "nanoCpus") ?? 0,
    MemoryBytes: number(task, "resources", kind, "memoryBytes") ?? 0,
  };
}

function restartPolicy(task: Value | undefined) {
  const policy = isBag(task) ? task["restartPolicy"] : undefined;
  if (!isBag(policy)) return {};
  return {
    RestartPolicy: {
      Condition: text(policy, "condition") ?? "any",
      Delay: nanoseconds(text(policy, "delay")),
      MaxAttempts: number(policy, "maxAttempts"),
      Window: nanoseconds(text(policy, "window")),
    },
  };
}

function logDriver(task: Value | undefined) {
  const name = text(task, "logDriver", "name");
  return name === undefined ? {} : { LogDriver: { Name: name, Options: map(task, "logDriver", "options") } };
}

function roll(key: "UpdateConfig" | "RollbackConfig", bag: Value | undefined) {
  if (!isBag(bag)) return {};
  return {
    [key]: {
      Parallelism: number(bag, "parallelism") ?? 1,
      Delay: nanoseconds(text(bag, "delay")) ?? 0,
      FailureAction: text(bag, "failureAction") ?? "pause",
      Monitor: nanoseconds(text(bag, "monitor")) ?? 5e9,
      MaxFailureRatio: Number(text(bag, "maxFailureRatio") ?? 0),
      Order: text(bag, "order") ?? "stop-first",
    },
  };
}
