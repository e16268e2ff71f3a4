/** The resources without much of a life: networks, volumes, images, secrets and configs of a Swarm. */
import { setTimeout as pause } from "node:timers/promises";
import { type Bag } from "../bag.ts";
import { type Engine, statusOf } from "./engine.ts";
import type { Kind } from "./kind.ts";
import { bags, flag, labels, map, text } from "./values.ts";

/** What `look` finds, or undefined if Docker knows it no more. */
export async function found<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** Removes something that may be gone already, and that may be in use for a moment more. */
export async function remove(action: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await found(action);
      return;
    } catch (error) {
      const isBusy = /in use|active endpoints|has active/i.test((error as Error).message);
      if (!isBusy || attempt === 40) throw error;
      await pause(500);
    }
  }
}

export const network: Kind = {
  inputs: ["attachable", "driver", "ingress", "internal", "ipamConfigs", "labels", "name", "options"],
  inPlace: [],
  isNamed: true,
  results: ["scope"],
  async create({ docker }, inputs) {
    const made = await docker.createNetwork({
      Name: text(inputs, "name")!,
      CheckDuplicate: true,
      Driver: text(inputs, "driver") ?? "bridge",
      Attachable: flag(inputs, "attachable", false),
      Internal: flag(inputs, "internal", false),
      Ingress: flag(inputs, "ingress", false),
      Labels: labels(inputs),
      Options: map(inputs, "options"),
      IPAM: {
        Driver: "default",
        Config: bags(inputs, "ipamConfigs").map((item) => ({ Subnet: text(item, "subnet")! })),
      },
    });
    return { id: made.id, results: await inspectNetwork(docker, made.id) };
  },
  read: ({ docker }, id) => found(() => inspectNetwork(docker, id)),
  async delete({ docker }, id) {
    const there = docker.getNetwork(id);
    // A Swarm forgets its network at once; the node's own part of it may stay, and must be removed by itself then.
    for (let attempt = 1; (await found(() => there.inspect())) !== undefined; attempt++) {
      if (attempt > 40) throw new Error(`the network ${id} is still there after it was removed ${attempt} times`);
      await remove(() => there.remove());
      if (attempt > 1) await pause(500);
    }
  },
};

async function inspectNetwork(docker: Engine["docker"], id: string): Promise<Bag> {
  const { Scope } = (await docker.getNetwork(id).inspect()) as { Scope: string };
  return { scope: Scope };
}

export const volume: Kind = {
  inputs: ["driver", "driverOpts", "labels", "name"],
  inPlace: [],
  isNamed: true,
  results: ["mountpoint"],
  async create({ docker }, inputs) {
    const name = text(inputs, "name")!;
    const wanted = { Driver: text(inputs, "driver") ?? "local", DriverOpts: map(inputs, "driverOpts") };
    // The engine would take a volume of this name as it is, whatever its options.
    const there = await found(() => docker.getVolume(name).inspect());
    const options = JSON.stringify([there?.Driver, there?.Options ?? {}]);
    if (there !== undefined && options !== JSON.stringify([wanted.Driver, wanted.DriverOpts])) {
      throw new Error(
        `the volume ${name} exists already with other options, ${options}; remove it (\`docker volume rm ${name}\`, with its data), or choose another name`,
      );
    }
    await docker.createVolume({ Name: name, ...wanted, Labels: labels(inputs) });
    return { id: name, results: { mountpoint: (await docker.getVolume(name).inspect()).Mountpoint } };
  },
  read: async ({ docker }, id) => {
    const there = await found(() => docker.getVolume(id).inspect());
    return there && { mountpoint: there.Mountpoint };
  },
  delete: ({ docker }, id) => remove(() => docker.getVolume(id).remove()),
};

export const remoteImage: Kind = {
  inputs: ["forceRemove", "keepLocally", "name", "platform", "pullTriggers"],
  inPlace: ["forceRemove", "keepLocally"],
  isNamed: false,
  results: ["imageId", "repoDigest"],
  async create({ docker }, inputs, call) {
    const name = text(inputs, "name")!;
    call.status("pulling");
    await pull(docker, name, text(inputs, "platform"));
    const results = await inspectImage(docker, name);
    const [engine, image] = [await docker.info(), await docker.getImage(name).inspect()];
    const wanted = architectures[String(engine.Architecture)] ?? String(engine.Architecture);
    if (text(inputs, "platform") === undefined && image.Architecture !== wanted) {
      throw new Error(
        `the image ${name} is for ${image.Os}/${image.Architecture}, and the Docker engine runs on ${wanted}; build it for linux/${wanted} too (\`pulumi config set --path 'platforms[0]' linux/${wanted}\`)`,
      );
    }
    return { id: `${String(results["imageId"])}${name}`, results };
  },
  read: ({ docker }, _id, outputs) => found(() => inspectImage(docker, text(outputs, "name")!)),
  async delete({ docker }, _id, outputs) {
    if (flag(outputs, "keepLocally", false)) return;
    const force = flag(outputs, "forceRemove", false);
    await remove(() => docker.getImage(text(outputs, "name")!).remove({ force }));
  },
};

const architectures: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };

/** Pulls an image unless it is there: what is named by its digest cannot have changed. */
export async function pull(docker: Engine["docker"], name: string, platform?: string): Promise<void> {
  if (name.includes("@sha256:") && (await found(() => docker.getImage(name).inspect())) !== undefined) return;
  const stream = await docker.pull(name, platform === undefined ? {} : { platform });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()));
  });
}

async function inspectImage(docker: Engine["docker"], name: string): Promise<Bag> {
  const { Id, RepoDigests } = await docker.getImage(name).inspect();
  return { imageId: Id, repoDigest: RepoDigests?.[0] ?? "" };
}

export const secret: Kind = {
  inputs: ["data", "labels", "name"],
  inPlace: [],
  isNamed: true,
  results: [],
  async create({ docker }, inputs) {
    const made = await docker.createSecret({
      Name: text(inputs, "name")!,
      Labels: labels(inputs),
      Data: text(inputs, "data")!,
    });
    return { id: idOf(made), results: {} };
  },
  read: async ({ docker }, id) => (await found(() => docker.getSecret(id).inspect())) && {},
  delete: ({ docker }, id) => remove(() => docker.getSecret(id).remove()),
};

export const serviceConfig: Kind = {
  inputs: ["data", "labels", "name"],
  inPlace: [],
  isNamed: true,
  results: [],
  async create({ docker }, inputs) {
    const made = await docker.createConfig({
      Name: text(inputs, "name")!,
      Labels: labels(inputs),
      Data: text(inputs, "data")!,
    });
    return { id: idOf(made), results: {} };
  },
  read: async ({ docker }, id) => (await found(() => docker.getConfig(id).inspect())) && {},
  delete: ({ docker }, id) => remove(() => docker.getConfig(id).remove()),
};

/** The engine answers with `ID` where dockerode's types promise `id`. */
export const idOf = (made: object): string =>
  String((made as { ID?: string; id?: string }).ID ?? (made as { id: string }).id);
