/** Stacks of their own for the tests against the local cluster; needs the environment that `npm run e2e` gives. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { load, type Outcome } from "../../commands/requests.ts";
import { run, until } from "../../local/exec.ts";
import { registry, repository } from "../../local/paths.ts";
import { recoverStack } from "../../local/recover.ts";

export { until } from "../../local/exec.ts";

/** `kubectl` on the local cluster: its standard output. */
export const kubectl = (...args: string[]): Promise<string> => run("kubectl", args);

/** Makes one object in a namespace, or changes it. */
export const apply = (namespace: string, object: object): Promise<string> =>
  run("kubectl", ["-n", namespace, "apply", "-f", "-"], { input: JSON.stringify(object) });

/** What a command has printed, both streams together, and its exit code, null if a signal has ended it. */
export interface Result {
  readonly code: number | null;
  readonly output: string;
}

/** A command that runs in a process group of its own, like one that is started on a terminal. */
export class Running {
  readonly result: Promise<Result>;
  readonly #child: ChildProcess;
  #output = "";

  /** What it has printed so far. */
  get output(): string {
    return this.#output;
  }

  constructor(command: string, args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }) {
    this.#child = spawn(command, args, { ...options, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    }
    const closed = new Promise((resolve) => this.#child.once("close", resolve));
    // Not "close" alone: a process that is left behind could hold the pipes open.
    this.result = once(this.#child, "exit").then(async ([code]) => {
      await Promise.race([closed, pause(500)]);
      return { code: code as number | null, output: this.#output };
    });
  }

  /** Ctrl-C reaches the whole group, `kill -9` only the program itself. */
  signal(signal: "SIGINT" | "SIGKILL"): void {
    const pid = this.#child.pid ?? assert.fail("the command has not been started");
    process.kill(signal === "SIGINT" ? -pid : pid, signal);
  }
}

/** A copy of this repository in a temporary folder, with a stack, a namespace, a port and an image of its own. */
export class Program {
  readonly namespace: string;
  readonly folder: string;
  /** Added to the environment of `pulumi`. */
  readonly env: Record<string, string> = {};
  readonly #home: string;
  readonly #digests: Set<string>;

  private constructor(home: string, namespace: string, digests: Set<string>) {
    this.#home = home;
    this.namespace = namespace;
    this.#digests = digests;
    this.folder = mkdtempSync(join(home, "program-"));
  }

  /** Makes the copy and its stack; `config` is added to the stack's configuration. */
  static async create(config: Readonly<Record<string, unknown>> = {}): Promise<Program> {
    const id = randomUUID().slice(0, 8);
    const program = new Program(mkdtempSync(join(tmpdir(), "meridian-e2e-")), `e2e-${id}`, new Set());
    const files = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
      cwd: repository,
    });
    for (const file of files.split("\0").filter((name) => name !== "" && !/^Pulumi\..*\.yaml$/.test(name))) {
      mkdirSync(dirname(join(program.folder, file)), { recursive: true });
      cpSync(join(repository, file), join(program.folder, file));
    }
    symlinkSync(join(repository, "node_modules"), join(program.folder, "node_modules"));
    // Below the ports of NodePort Services, and of outgoing connections.
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    program.configure({ namespace: program.namespace, repository: program.image, port, ...config });
    await program.pulumi("stack", "init", "e2e", "--no-select");
    return program;
  }

  /** The same stack in another folder. */
  copy(): Program {
    const copy = new Program(this.#home, this.namespace, this.#digests);
    cpSync(this.folder, copy.folder, { recursive: true, verbatimSymlinks: true });
    return copy;
  }

  get image(): string {
    return `${registry}/e2e/${this.namespace}`;
  }

  /** Where Pulumi keeps the state. */
  get backend(): string {
    return join(this.#home, ".pulumi");
  }

  /** Writes the stack's configuration; the salt of its encryption stays. */
  configure(config: Readonly<Record<string, unknown>>): void {
    const file = join(this.folder, "Pulumi.e2e.yaml");
    const { encryptionsalt } = existsSync(file)
      ? (parse(readFileSync(file, "utf8")) as { encryptionsalt?: string })
      : {};
    const keys = Object.entries(config).map(([key, value]) => [`meridian:${key}`, value]);
    writeFileSync(file, stringify({ encryptionsalt, config: Object.fromEntries(keys) }));
  }

  /** Replaces a text that a file must hold. */
  edit(file: string, from: string, to: string): void {
    const path = join(this.folder, file);
    const text = readFileSync(path, "utf8");
    assert.ok(text.includes(from), `${file} does not hold ${JSON.stringify(from)}`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }

  /** Gives a key of the stack's configuration a secret value. */
  async setSecret(key: string, value: string): Promise<void> {
    await run("pulumi", ["config", "set", "--secret", key], {
      cwd: this.folder,
      env: this.#environment(),
      input: value,
    });
  }

  #environment(): NodeJS.ProcessEnv {
    const own = { PULUMI_BACKEND_URL: `file://${this.#home}`, PULUMI_CONFIG_PASSPHRASE: "e2e", PULUMI_STACK: "e2e" };
    return { ...process.env, PULUMI_CONFIG_PASSPHRASE_FILE: undefined, ...own, ...this.env };
  }

  start(...args: string[]): Running {
    return this.#run("pulumi", [...args, "--non-interactive", "--color", "never"]);
  }

  /** Runs one of the repository's own commands on the stack, which may fail. */
  command(file: string, ...args: string[]): Promise<Result> {
    return this.startCommand(file, ...args).result;
  }

  startCommand(file: string, ...args: string[]): Running {
    return this.#run(process.execPath, ["--no-warnings", file, ...args]);
  }

  #run(command: string, args: readonly string[]): Running {
    return new Running(command, args, { cwd: this.folder, env: this.#environment() });
  }

  /** Runs `pulumi`, which may fail. */
  attempt(...args: string[]): Promise<Result> {
    return this.start(...args).result;
  }

  /** Runs `pulumi`, which must succeed: what it prints. */
  async pulumi(...args: string[]): Promise<string> {
    const { code, output } = await this.attempt(...args);
    assert.equal(code, 0, `pulumi ${args.join(" ")} failed:\n${output}`);
    return output;
  }

  /** `pulumi up` without a preview, which must succeed. */
  async up(...args: string[]): Promise<string> {
    const output = await this.pulumi("up", "--yes", "--skip-preview", ...args);
    for (const [digest] of output.matchAll(/sha256:[0-9a-f]{64}/g)) this.#digests.add(digest);
    return output;
  }

  /** Kills a `pulumi` that runs, and waits until the program and the plugins have ended with it. */
  async kill(update: Running): Promise<void> {
    update.signal("SIGKILL");
    assert.equal((await update.result).code, null);
    await until("the program and the plugins to end with Pulumi", async () => this.processes().length === 0);
  }

  /** Frees and mends the stack after `pulumi` was killed, as `npm start` does. */
  recover(): Promise<void> {
    const options = { cwd: this.folder, env: this.#environment() };
    return recoverStack(this.#home, "e2e", (args, input = "") => run("pulumi", args, { ...options, input }));
  }

  async output(name: string): Promise<string> {
    return (await this.pulumi("stack", "output", name)).trim();
  }

  /** One value of each of the namespace's objects of a kind, such as `pods` and `.spec.nodeName`, sorted. */
  async list(kind: string, path: string): Promise<string[]> {
    const jsonpath = `jsonpath={range .items[*]}{${path}}{"\\n"}{end}`;
    return (await kubectl("-n", this.namespace, "get", kind, "-o", jsonpath)).split("\n").filter(Boolean).sort();
  }

  /** What is wanted of each object. Not resource versions: the status still changes while an earlier release ends. */
  specs(): Promise<string[]> {
    return this.list("deployments,services,replicasets", ".metadata.uid}{.spec");
  }

  /**
   * Command lines of what runs in the program's folder: Pulumi, the program and the provider plugins. Pulumi's language
   * host is left out: it looks only every few minutes whether Pulumi is still there.
   */
  processes(): string[] {
    const found = readdirSync("/proc").flatMap((pid) => {
      try {
        const isOurs = /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`) === this.folder;
        return isOurs ? [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")] : [];
      } catch {
        return []; // ended meanwhile
      }
    });
    return found.filter((line) => !line.includes("pulumi-language-nodejs "));
  }

  /** Waits until the pods of earlier releases have gone: a Deployment is ready before that. */
  async settled(replicas: number): Promise<void> {
    await until(`the pods of earlier releases to go`, async () => {
      return (await this.list("pods", ".metadata.name")).length === replicas;
    });
  }

  /** Destroys the stack, whatever the tests have left, and everything else that it has made. */
  async remove(): Promise<void> {
    await this.attempt("cancel", "--yes");
    const { code, output } = await this.attempt("destroy", "--yes", "--skip-preview");
    if (code !== 0) await kubectl("delete", "namespace", this.namespace, "--ignore-not-found", "--wait=false");
    for (const digest of this.#digests) {
      // Images outlive a stack on purpose.
      await fetch(`http://${registry}/v2/e2e/${this.namespace}/manifests/${digest}`, { method: "DELETE" });
    }
    rmSync(this.#home, { recursive: true, force: true });
    assert.equal(code, 0, `pulumi destroy failed:\n${output}`);
  }
}

/** Requests one after the other, each on a connection of its own, for as long as `work` takes: what they brought. */
export async function requestsDuring(url: string, work: Promise<unknown>): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let ended = false;
  const end = (): void => void (ended = true);
  work.then(end, end);
  while (!ended) {
    await load({ url, requests: 1, concurrency: 1, onOutcome: (outcome) => outcomes.push(outcome) > 0 });
    // The machine has other things to do as well.
    await pause(5);
  }
  return outcomes;
}
