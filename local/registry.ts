/** The image registry and the image builder of the kit, both on the host. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Daemon, runDirectory, startDaemon, writeConfiguration } from "./daemon.ts";
import { which } from "./debian.ts";
import { succeeds, UserError } from "./exec.ts";
import { imagesDirectory, network, ports, registry } from "./paths.ts";
import { tool } from "./tools.ts";

/** Address of the builder, as BuildKit's clients take it from BUILDKIT_HOST. */
export const buildkitHost = `unix://${runDirectory}/buildkitd.sock`;

const registryHealthy = (): Promise<boolean> =>
  fetch(`http://${network.host}:${ports.registry}/v2/`).then(
    ({ ok }) => ok,
    () => false,
  );

export async function startRegistry(): Promise<void> {
  const folder = join(imagesDirectory, "registry");
  mkdirSync(folder, { recursive: true });
  const config = join(folder, "config.yml");
  writeConfiguration(
    config,
    `version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: "${folder}/data"}
  delete: {enabled: true}
http: {addr: "${network.host}:${ports.registry}"}
`,
  );
  const program = which("docker-registry");
  if (program === undefined) throw new UserError("docker-registry is missing; install that package and try again.");
  await startDaemon({ name: "registry", command: [program, "serve", config], healthy: registryHealthy });
}

export async function startBuilder(): Promise<void> {
  const folder = join(imagesDirectory, "buildkit");
  mkdirSync(folder, { recursive: true });
  const config = join(folder, "buildkitd.toml");
  const mirror = `${network.host}:${ports.registry}`;
  writeConfiguration(
    config,
    `root = "${folder}/root"
[grpc]
  address = ["${buildkitHost}"]
[worker.oci]
  enabled = true
  networkMode = "host"
  gckeepstorage = 4000
[worker.containerd]
  enabled = false
# The base images that Dockerfiles name come from the kit's registry, see images.ts.
[registry."docker.io"]
  mirrors = ["${mirror}"]
[registry."gcr.io"]
  mirrors = ["${mirror}"]
[registry."${registry}"]
  mirrors = ["${mirror}"]
  http = true
[registry."${mirror}"]
  http = true
`,
  );
  const builder: Daemon = {
    name: "buildkitd",
    command: [tool("buildkitd"), "--config", config],
    // Its mounts for build steps end with it.
    mounts: "new",
    healthy: () => succeeds(tool("buildctl"), ["--addr", buildkitHost, "debug", "workers"]),
  };
  await startDaemon(builder);
}
