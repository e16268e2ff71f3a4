/** The kit's own Docker engine, as the tests of both kinds of Docker apps look at it. */
import { join } from "node:path";
import Docker from "dockerode";

import { dockerHost } from "../../local/docker.ts";
import { run } from "../../local/exec.ts";
import { repository } from "../../local/paths.ts";

export const docker = new Docker({ socketPath: dockerHost.replace("unix://", "") });

export async function startEngine(): Promise<void> {
  await run(process.execPath, ["--no-warnings", join(repository, "local", "main.ts"), "cluster", "up", "--docker"]);
}

/** Names of the containers (with a `/` before them), volumes and networks there are. */
export async function namesOnEngine(): Promise<string[]> {
  const containers = await docker.listContainers({ all: true });
  const { Volumes } = await docker.listVolumes();
  return [
    ...containers.flatMap(({ Names }) => Names),
    ...Volumes.map(({ Name }) => Name),
    ...(await docker.listNetworks()).map(({ Name }) => Name),
  ];
}
