/**
 * The Go programs of the kit: each folder of `local/tools` is a Go module whose `tool` directives pin what is built and
 * whose go.sum verifies it. Built once, into the cache, under a name that changes with go.mod and go.sum.
 */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemPath } from "./debian.ts";
import { CommandError, run, UserError } from "./exec.ts";
import { repository, toolsDirectory } from "./paths.ts";
import { duration, step } from "./progress.ts";

interface GoModule {
  /** Folder in `local/tools`. */
  readonly folder: string;
  readonly binaries: readonly string[];
  /** Values for the linker's -X: versions which these programs otherwise take from their own release build. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Seconds that building took on two cores; only orders of magnitude for "how long yet". */
  readonly seconds: number;
  /** Nobody has to wait for what only few want. */
  readonly onlyFor?: "tests" | "metrics" | "gateway" | "bench";
  /** A folder of one of the modules it is built from that is kept beside the binaries. */
  readonly files?: { readonly module: string; readonly folder: string };
}

const modules: readonly GoModule[] = [
  {
    folder: "kubernetes",
    binaries: ["kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet"],
    variables: {
      "k8s.io/component-base/version.gitVersion": "v1.36.3",
      "k8s.io/component-base/version.gitMajor": "1",
      "k8s.io/component-base/version.gitMinor": "36",
    },
    seconds: 240,
  },
  {
    folder: "pulumi",
    binaries: ["pulumi"],
    variables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "v3.250.0" },
    seconds: 200,
  },
  {
    folder: "pulumi-nodejs",
    binaries: ["pulumi-language-nodejs"],
    variables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "v3.68.0" },
    seconds: 20,
  },
  { folder: "kwok", binaries: ["kwok", "kwokctl"], seconds: 60 },
  { folder: "containerd", binaries: ["containerd", "containerd-shim-runc-v2"], seconds: 45 },
  { folder: "buildkit", binaries: ["buildctl", "buildkitd"], seconds: 45 },
  { folder: "coredns", binaries: ["coredns"], seconds: 60 },
  { folder: "pause", binaries: ["pause"], seconds: 2 },
  { folder: "latency", binaries: ["latency"], seconds: 3 },
  { folder: "local-path-provisioner", binaries: ["local-path-provisioner"], seconds: 60 },
  { folder: "kube-score", binaries: ["kube-score"], seconds: 15, onlyFor: "tests" },
  { folder: "kubeconform", binaries: ["kubeconform"], seconds: 5, onlyFor: "tests" },
  { folder: "metrics-server", binaries: ["metrics-server"], seconds: 80, onlyFor: "metrics" },
  {
    folder: "traefik",
    binaries: ["traefik"],
    variables: { "github.com/traefik/traefik/v3/pkg/version.Version": "3.7.13" },
    seconds: 220,
    onlyFor: "gateway",
    files: { module: "sigs.k8s.io/gateway-api", folder: "config/crd/standard" },
  },
  {
    folder: "argo-rollouts",
    binaries: ["rollouts-controller"],
    seconds: 300,
    onlyFor: "bench",
    files: { module: "github.com/argoproj/argo-rollouts", folder: "manifests/crds" },
  },
];

const source = (module: GoModule): string => join(repository, "local", "tools", module.folder);

/** Where the binaries of a module are; the name changes with everything that decides what they are. */
function directory(module: GoModule): string {
  const hash = createHash("sha256").update(JSON.stringify(module.variables ?? {}));
  const files = readdirSync(source(module), { recursive: true, encoding: "utf8" }).sort();
  for (const file of files.filter((name) => /\.(go|mod|sum)$/.test(name)))
    hash.update(file).update(readFileSync(join(source(module), file)));
  return join(toolsDirectory, `${module.folder}-${hash.digest("hex").slice(0, 12)}`);
}

/** Path of a built program. */
export function tool(name: string): string {
  const module = modules.find(({ binaries }) => binaries.includes(name));
  if (module === undefined) throw new Error(`no module of local/tools builds ${name}`);
  return join(directory(module), name);
}

/** The definitions of the kinds that a program serves, as YAML files. */
export const definitions = (program: "traefik" | "rollouts-controller"): string =>
  join(dirname(tool(program)), "files");

/** Folders of the programs that others, and users, look for on PATH. */
export function toolDirectories(): string[] {
  const wanted = ["kubernetes", "pulumi", "buildkit"];
  return modules.filter((module) => wanted.includes(module.folder)).map(directory);
}

const isMissing = (module: GoModule): boolean => !existsSync(directory(module));

/** What `npm start` would have to build first. */
export const missingTools = (): readonly GoModule[] =>
  modules.filter((module) => module.onlyFor === undefined && isMissing(module));

/** What a failed build means for the user. */
export function explainBuildFailure(folder: string, output: string): string {
  if (/no space left on device/i.test(output)) {
    return `the disk is full while building ${folder}; free about 8 GB (\`go clean -cache\` gives back Go's build cache) and run the same command again, it goes on where it stopped.`;
  }
  if (/dial tcp|no such host|network is unreachable|i\/o timeout|TLS handshake|connection refused/i.test(output)) {
    return `the Go module proxy cannot be reached, so ${folder} cannot be built; check the network connection (or GOPROXY) and run the same command again.`;
  }
  if (/checksum mismatch|SECURITY ERROR/i.test(output)) {
    return `a downloaded Go module of ${folder} does not match go.sum; it was not used. Check GOPROXY, run \`go clean -modcache\` and try again.`;
  }
  return `${folder} could not be built:\n${output.trimEnd().split("\n").slice(-15).join("\n")}`;
}

/** With the folder that Go's own installation ends up in: sudo leaves it out of PATH. */
const goEnvironment = { ...process.env, PATH: `${systemPath}:/usr/local/go/bin` };

/** The first Go that can fetch a newer one of itself. */
const oldestGo = [1, 21] as const;

export async function checkGo(): Promise<void> {
  let version: string;
  try {
    version = await run("go", ["version"], { env: goEnvironment });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new UserError("Go is missing; install Go 1.26 or newer from https://go.dev/dl and put it on PATH.");
  }
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(version) ?? [];
  if (Number(major) === oldestGo[0] && Number(minor) < oldestGo[1]) {
    throw new UserError(
      `Go is ${major}.${minor}, too old; install Go 1.26 or newer from https://go.dev/dl and put it on PATH.`,
    );
  }
}

const neededGigabytes = 8;

export function checkDisk(): void {
  mkdirSync(toolsDirectory, { recursive: true });
  const { bavail, bsize } = statfsSync(toolsDirectory);
  const free = (bavail * bsize) / 1e9;
  if (free < neededGigabytes) {
    throw new UserError(
      `${toolsDirectory} has ${free.toFixed(1)} GB free, building the tools needs ${neededGigabytes} GB; free some space or set XDG_CACHE_HOME to a folder on a larger disk.`,
    );
  }
}

async function build(module: GoModule, note: (text: string) => void, secondsAfter: number): Promise<void> {
  const target = directory(module);
  const partial = `${target}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial);
  const env = { ...goEnvironment, CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false -mod=readonly", GOTOOLCHAIN: "auto" };
  const cwd = source(module);
  const started = Date.now();
  try {
    note("downloading modules");
    const packages = (await run("go", ["list", "-deps", "tool"], { cwd, env })).split("\n").length;
    const variables = Object.entries(module.variables ?? {}).map(([name, value]) => `-X ${name}=${value}`);
    let compiled = 0;
    await run(
      "go",
      ["build", "-v", "-trimpath", "-ldflags", ["-s -w", ...variables].join(" "), "-o", `${partial}/`, "tool"],
      {
        cwd,
        env,
        onLine: () => {
          compiled++;
          const share = Math.min(compiled / packages, 0.95);
          const left = Math.max(((Date.now() - started) * (1 - share)) / share, 0) + secondsAfter * 1000;
          note(`${compiled} of ${packages} packages, about ${duration(left)} left for all tools`);
        },
      },
    );
    if (module.files !== undefined) {
      const root = (await run("go", ["list", "-m", "-f", "{{.Dir}}", module.files.module], { cwd, env })).trim();
      cpSync(join(root, module.files.folder), join(partial, "files"), { recursive: true });
    }
    renameSync(partial, target);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (error instanceof CommandError) throw new UserError(explainBuildFailure(module.folder, error.output));
    throw error;
  }
}

/**
 * Builds what is missing, with progress; `pulumi` is skipped where the user has a good one. A second call finds everything
 * there and is immediate.
 */
export async function buildTools(skip: readonly string[] = []): Promise<void> {
  await buildModules(modules.filter((module) => module.onlyFor === undefined && !skip.includes(module.folder)));
}

/** Builds what only the tests use. */
export async function buildCheckers(): Promise<void> {
  await buildModules(modules.filter((module) => module.onlyFor === "tests"));
}

/** Builds what feeds the autoscaler. */
export async function buildMetricsServer(): Promise<void> {
  await buildModules(modules.filter((module) => module.onlyFor === "metrics"));
}

/** Builds the ingress controller, for clusters that have one. */
export async function buildGateway(): Promise<void> {
  await buildModules(modules.filter((module) => module.onlyFor === "gateway"));
}

/** Builds what releases are compared with. */
export async function buildArgoRollouts(): Promise<void> {
  await buildModules(modules.filter((module) => module.onlyFor === "bench"));
}

async function buildModules(wanted: readonly GoModule[]): Promise<void> {
  const todo = wanted.filter(isMissing);
  if (todo.length === 0) return;
  await checkGo();
  checkDisk();
  for (const [index, module] of todo.entries()) {
    const secondsAfter = todo.slice(index + 1).reduce((sum, { seconds }) => sum + seconds, 0);
    await step(`building ${module.binaries.join(", ")} (${index + 1} of ${todo.length})`, ({ note }) =>
      build(module, note, secondsAfter),
    );
  }
}
