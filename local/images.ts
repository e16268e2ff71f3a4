/**
 * The images that the local cluster needs before anything can be pulled: the pause image of every pod, CoreDNS, and the
 * base images that Dockerfiles name (as the builder's mirror of the registries that they are in).
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./exec.ts";
import { imagesDirectory, network, ports, registry, repository } from "./paths.ts";
import { step } from "./progress.ts";
import { buildkitHost } from "./registry.ts";
import { tool } from "./tools.ts";

export const pauseImage = `${registry}/meridian/pause:1`;
export const coreDnsImage = `${registry}/meridian/coredns:v1.14.2`;
export const localPathImage = `${registry}/meridian/local-path-provisioner:v0.0.30`;
/** What `app/Dockerfile` builds on: a Debian with Node and npm, where Docker Hub's image of that name cannot be had. */
export const nodeImage = `${registry}/library/node:24-slim`;
/** What `app/Dockerfile` runs on: `node` and the libraries that it is linked with, as in the distroless image of that name. */
const runtimeImage = `${registry}/distroless/nodejs24-debian12:nonroot`;
/** The base image of `store/Dockerfile`: a Debian with its own package of that Valkey. */
const storeImage = `${registry}/valkey/valkey:8.1`;

/** Whether the registry has an image. */
async function present(image: string): Promise<boolean> {
  const [, name = "", tag = ""] = /^[^/]+\/(.*):([^:]+)$/.exec(image) ?? [];
  const accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
  const url = `http://${network.host}:${ports.registry}/v2/${name}/manifests/${tag}`;
  return (await fetch(url, { method: "HEAD", headers: { accept } })).ok;
}

/** Builds an image in a folder of its own: `prepare` puts into it what the image needs, and gives the Dockerfile's lines. */
async function build(image: string, prepare: (context: string) => Promise<readonly string[]>): Promise<void> {
  const context = mkdtempSync(join(imagesDirectory, "context-"));
  try {
    writeFileSync(join(context, "Dockerfile"), `${(await prepare(context)).join("\n")}\n`);
    const output = `type=image,name=${image},push=true,registry.insecure=true`;
    const locals = ["--local", `context=${context}`, "--local", `dockerfile=${context}`];
    const addr = ["--addr", buildkitHost];
    await run(tool("buildctl"), [...addr, "build", "--frontend", "dockerfile.v0", ...locals, "--output", output]);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** An image that holds nothing but one static binary. */
const buildBinaryImage = (image: string, binary: string): Promise<void> =>
  build(image, async (context) => {
    cpSync(tool(binary), join(context, binary));
    cpSync("/etc/ssl/certs/ca-certificates.crt", join(context, "ca-certificates.crt"));
    const lines = ["FROM scratch", "COPY ca-certificates.crt /etc/ssl/certs/", `COPY ${binary} /${binary}`];
    return [...lines, `ENTRYPOINT ["/${binary}"]`];
  });

/** Folder of an npm package of the kit, for what goes into the base image. */
const npmPackage = (name: string): string => join(repository, "node_modules", name);

/** Builds an image on a Debian of its own: `lines` of its Dockerfile, after `prepare` has put into it what else it needs. */
async function buildDebianImage(
  image: string,
  suite: string,
  packages: readonly string[],
  prepare: (root: string) => Promise<readonly string[]>,
): Promise<void> {
  await step(`a Debian for the image ${image.slice(registry.length + 1)}`, ({ note }) =>
    build(image, async (context) => {
      const root = join(context, "root");
      // In namespaces of its own: what it mounts in there, and whatever it started, ends with it.
      const contained = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL"];
      const include = packages.length > 0 ? [`--include=${packages.join(",")}`] : [];
      await run("unshare", [...contained, "debootstrap", "--variant=minbase", ...include, suite, root], {
        onLine: note,
      });
      for (const folder of ["var/cache/apt/archives", "var/lib/apt/lists"]) {
        rmSync(join(root, folder), { recursive: true, force: true });
        mkdirSync(join(root, folder, "partial"), { recursive: true });
      }
      return ["FROM scratch", "COPY root /", ...(await prepare(root))];
    }),
  );
}

async function installNode(root: string): Promise<readonly string[]> {
  const node = join(npmPackage(`node-linux-${process.arch}`), "bin", "node");
  cpSync(existsSync(node) ? node : process.execPath, join(root, "usr/local/bin/node"));
  cpSync(npmPackage("npm"), join(root, "usr/local/lib/node_modules/npm"), { recursive: true });
  const { version } = JSON.parse(readFileSync(join(npmPackage("npm"), "package.json"), "utf8")) as { version: string };
  const npm = "../lib/node_modules/npm/bin";
  await run("ln", ["-sf", `${npm}/npm-cli.js`, join(root, "usr/local/bin/npm")]);
  await run("ln", ["-sf", `${npm}/npx-cli.js`, join(root, "usr/local/bin/npx")]);
  const user = "RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node";
  return [user, `LABEL npm="${version}"`, 'CMD ["node"]'];
}

function buildRuntimeImage(): Promise<void> {
  const node = "/usr/local/bin/node";
  return build(runtimeImage, async () => [
    `FROM ${nodeImage} AS node`,
    `RUN mkdir -p /out/nodejs/bin && cp ${node} /out/nodejs/bin/`,
    `RUN ldd ${node} | grep -o '/[^ ]*' | xargs cp --dereference --parents --target-directory=/out`,
    "FROM scratch",
    "COPY --from=node /out /",
    "USER 65532",
    'ENTRYPOINT ["/nodejs/bin/node"]',
  ]);
}

/** Fills the registry with what it lacks. */
export async function seedImages(): Promise<void> {
  if (!(await present(pauseImage))) await buildBinaryImage(pauseImage, "pause");
  if (!(await present(coreDnsImage))) await buildBinaryImage(coreDnsImage, "coredns");
  if (!(await present(localPathImage))) await buildBinaryImage(localPathImage, "local-path-provisioner");
  if (!(await present(nodeImage))) await buildDebianImage(nodeImage, "bookworm", [], installNode);
  if (!(await present(runtimeImage))) await step("the image that the app runs on", () => buildRuntimeImage());
}

/** Brings the base image of `store/Dockerfile`, for whoever wants a store. */
export async function seedStoreImage(): Promise<void> {
  const packages = ["valkey-server", "valkey-tools"];
  if (await present(storeImage)) return;
  await buildDebianImage(storeImage, "trixie", packages, async () => ['CMD ["valkey-server"]']);
}

/** What the edges of a `Cdn` run on: a Debian with its own packages of nginx and njs, in the place of the official image. */
export const edgeImage = `${registry}/nginxinc/nginx-unprivileged:1.29-alpine`;

/** Brings the edges' image, for whoever wants a CDN. */
export async function seedEdgeImage(): Promise<void> {
  if (await present(edgeImage)) return;
  const user = "RUN groupadd --gid 101 nginx && useradd --uid 101 --gid nginx --no-create-home nginx";
  const lines = [user, "USER 101", "STOPSIGNAL SIGQUIT", 'CMD ["nginx", "-g", "daemon off;"]'];
  await buildDebianImage(
    edgeImage,
    "trixie",
    ["nginx-light", "libnginx-mod-http-js", "ca-certificates"],
    async () => lines,
  );
}
