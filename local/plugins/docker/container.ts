/** The resource `docker:index/container:Container`. */
import { posix } from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import type Docker from "dockerode";
import tar from "tar-stream";
import { type Bag } from "../bag.ts";
import type { Call } from "../provider.ts";
import type { Kind } from "./kind.ts";
import { found, pull, remove } from "./simple-kinds.ts";
import { bags, flag, healthcheck, labels, map, mounts, number, text, texts } from "./values.ts";

const mebibyte = 2 ** 20;

export const container: Kind = {
  inputs: [
    "attach",
    "capabilities",
    "command",
    "cpus",
    "destroyGraceSeconds",
    "entrypoints",
    "envs",
    "healthcheck",
    "hostname",
    "image",
    "init",
    "labels",
    "logDriver",
    "logOpts",
    "maxRetryCount",
    "memory",
    "memorySwap",
    "mounts",
    "mustRun",
    "name",
    "networksAdvanced",
    "ports",
    "readOnly",
    "removeVolumes",
    "restart",
    "securityOpts",
    "start",
    "stopSignal",
    "stopTimeout",
    "tmpfs",
    "ulimits",
    "uploads",
    "user",
    "volumes",
    "wait",
    "waitTimeout",
    "workingDir",
  ],
  inPlace: ["destroyGraceSeconds", "mustRun", "removeVolumes", "wait", "waitTimeout"],
  isNamed: true,
  results: ["networkDatas", "exitCode"],

  async create({ docker }, inputs, call) {
    await pull(docker, text(inputs, "image")!);
    const made = await docker.createContainer(options(inputs));
    try {
      for (const net of bags(inputs, "networksAdvanced").slice(1)) {
        const EndpointConfig = { Aliases: texts(net, "aliases") };
        await docker.getNetwork(text(net, "name")!).connect({ Container: made.id, EndpointConfig });
      }
      if (bags(inputs, "uploads").length > 0) await upload(made, bags(inputs, "uploads"));
      if (flag(inputs, "start", true)) {
        await made.start();
        if (flag(inputs, "attach", false)) await made.wait();
        if (flag(inputs, "wait", false)) await untilHealthy(made, number(inputs, "waitTimeout") ?? 60, call);
      }
      return { id: made.id, results: await inspect(made) };
    } catch (error) {
      // A container that was never of use is no part of the stack.
      await made.remove({ force: true, v: true });
      throw error;
    }
  },

  async read({ docker }, id, outputs) {
    const there = docker.getContainer(id);
    const state = await found(() => there.inspect());
    // As the official plugin has it: a container that should run and does not is made anew.
    const isMissed = flag(outputs, "mustRun", true) && state?.State.Running === false && !state.State.Restarting;
    return state === undefined || isMissed ? undefined : await inspect(there);
  },

  async delete({ docker }, id, outputs) {
    const there = docker.getContainer(id);
    const grace = number(outputs, "destroyGraceSeconds");
    // 304: it has stopped already.
    await found(() => there.stop(grace === undefined ? {} : { t: grace })).catch((error: unknown) => {
      if ((error as { statusCode?: number }).statusCode !== 304) throw error;
    });
    await remove(() => there.remove({ force: true, v: flag(outputs, "removeVolumes", true) }));
  },
};

function options(inputs: Bag): Docker.ContainerCreateOptions {
  const networks = bags(inputs, "networksAdvanced");
  const first = networks[0];
  const ports = bags(inputs, "ports").map((port) => ({
    key: `${number(port, "internal")}/${text(port, "protocol") ?? "tcp"}`,
    binding: { HostIp: text(port, "ip") ?? "0.0.0.0", HostPort: String(number(port, "external") ?? "") },
  }));
  const volumes = bags(inputs, "volumes");
  const source = (item: Bag) => text(item, "volumeName") ?? text(item, "hostPath");
  const named = volumes.filter((item) => source(item) !== undefined);
  const anonymous = volumes.filter((item) => source(item) === undefined);
  const check = healthcheck(inputs["healthcheck"]);
  const memory = number(inputs, "memory");
  const swap = number(inputs, "memorySwap");
  const entrypoint = texts(inputs, "entrypoints");
  const command = texts(inputs, "command");
  return {
    name: text(inputs, "name")!,
    Image: text(inputs, "image")!,
    ...(entrypoint.length > 0 && { Entrypoint: entrypoint }),
    ...(command.length > 0 && { Cmd: command }),
    Env: texts(inputs, "envs"),
    User: text(inputs, "user") ?? "",
    Hostname: text(inputs, "hostname") ?? "",
    WorkingDir: text(inputs, "workingDir") ?? "",
    Labels: labels(inputs),
    ExposedPorts: Object.fromEntries(ports.map(({ key }) => [key, {}])),
    Volumes: Object.fromEntries(anonymous.map((item) => [text(item, "containerPath")!, {}])),
    ...(text(inputs, "stopSignal") !== undefined && { StopSignal: text(inputs, "stopSignal")! }),
    ...(number(inputs, "stopTimeout") !== undefined && { StopTimeout: number(inputs, "stopTimeout")! }),
    ...(check !== undefined && { Healthcheck: check as Docker.HealthConfig }),
    HostConfig: {
      Binds: named.map(
        (item) => `${source(item)}:${text(item, "containerPath")}${flag(item, "readOnly", false) ? ":ro" : ""}`,
      ),
      Mounts: mounts(inputs),
      Tmpfs: map(inputs, "tmpfs"),
      PortBindings: Object.fromEntries(ports.map(({ key, binding }) => [key, [binding]])),
      RestartPolicy: { Name: text(inputs, "restart") ?? "no", MaximumRetryCount: number(inputs, "maxRetryCount") ?? 0 },
      ...(memory !== undefined && { Memory: memory * mebibyte }),
      ...(swap !== undefined && { MemorySwap: swap < 0 ? swap : swap * mebibyte }),
      ...(text(inputs, "cpus") !== undefined && { NanoCpus: Number(text(inputs, "cpus")) * 1e9 }),
      CapAdd: texts(inputs, "capabilities", "adds"),
      CapDrop: texts(inputs, "capabilities", "drops"),
      SecurityOpt: texts(inputs, "securityOpts"),
      ReadonlyRootfs: flag(inputs, "readOnly", false),
      ...(inputs["init"] !== undefined && { Init: flag(inputs, "init", false) }),
      Ulimits: bags(inputs, "ulimits").map((item) => ({
        Name: text(item, "name")!,
        Soft: number(item, "soft")!,
        Hard: number(item, "hard")!,
      })),
      ...(text(inputs, "logDriver") !== undefined && {
        LogConfig: { Type: text(inputs, "logDriver")!, Config: map(inputs, "logOpts") },
      }),
      ...(first !== undefined && { NetworkMode: text(first, "name")! }),
    },
    ...(first !== undefined && {
      NetworkingConfig: { EndpointsConfig: { [text(first, "name")!]: { Aliases: texts(first, "aliases") } } },
    }),
  };
}

/**
 * Puts files into the container before it starts, folder by folder: where the root file system is read-only, the engine
 * takes an archive only at a volume.
 */
async function upload(made: Docker.Container, files: readonly Bag[]): Promise<void> {
  const folderOf = (file: Bag): string => posix.dirname(text(file, "file")!);
  for (const folder of new Set(files.map(folderOf))) {
    const pack = tar.pack();
    for (const file of files.filter((item) => folderOf(item) === folder)) {
      const mode = Number.parseInt(text(file, "permissions") ?? (flag(file, "executable", false) ? "0744" : "0644"), 8);
      const [uid, gid] = [Number(text(file, "owner") ?? 0), Number(text(file, "group") ?? 0)];
      pack.entry({ name: posix.basename(text(file, "file")!), mode, uid, gid }, text(file, "content") ?? "");
    }
    pack.finalize();
    await made.putArchive(await buffer(pack), { path: folder });
  }
}

/** Waits for the health check. @throws with the container's last words */
async function untilHealthy(made: Docker.Container, seconds: number, call: Call): Promise<void> {
  const end = Date.now() + seconds * 1000;
  call.status("waiting until it is healthy");
  for (;;) {
    call.signal.throwIfAborted();
    const { Name, State } = await made.inspect();
    const name = Name.slice(1);
    if (State.Health === undefined)
      throw new Error(`${name} has no health check to wait for; give it one, or its image`);
    if (State.Health.Status === "healthy") return;
    // Between two runs Docker calls it running, and restarting; in the next run the exit code is 0 again.
    const ended = !State.Running || State.Restarting;
    const why = ended
      ? `ended with exit code ${State.ExitCode}`
      : State.Health.Status === "unhealthy"
        ? `is unhealthy: ${State.Health.Log?.at(-1)?.Output.trim() || "its check failed"}`
        : Date.now() > end
          ? `did not get healthy within ${seconds} s`
          : undefined;
    if (why !== undefined) throw new Error(`the container ${name} ${why}; its last words:\n${await lastWords(made)}`);
    await pause(200);
  }
}

async function lastWords(made: Docker.Container): Promise<string> {
  const raw = await made.logs({ stdout: true, stderr: true, tail: 10 });
  // Each piece has 8 bytes before it that say how long it is.
  let [words, rest] = ["", raw];
  while (rest.length >= 8) {
    const length = rest.readUInt32BE(4);
    words += rest.subarray(8, 8 + length).toString();
    rest = rest.subarray(8 + length);
  }
  return words.trim() === "" ? "(none)" : words.trim();
}

async function inspect(there: Docker.Container): Promise<Bag> {
  const { NetworkSettings, State } = await there.inspect();
  return {
    exitCode: State.ExitCode,
    networkDatas: Object.entries(NetworkSettings.Networks).map(
      ([networkName, { IPAddress, Gateway, IPPrefixLen }]) => ({
        networkName,
        ipAddress: IPAddress,
        gateway: Gateway,
        ipPrefixLength: IPPrefixLen,
      }),
    ),
  };
}
