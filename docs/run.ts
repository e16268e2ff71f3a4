/**
 * `npm run docs`: runs what the pages show, on a stack of its own, and writes what comes of it into them. All of it runs
 * in a copy of the repository, so that a page may change a source. The copy's stack, namespace and ports have names of
 * their own, to leave the user's stack alone; the pages show the names that a user has.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { stripVTControlCharacters } from "node:util";

import { Command, CommanderError } from "commander";
import { parse, stringify } from "yaml";

import { run, until } from "../local/exec.ts";
import { registry, repository } from "../local/paths.ts";
import { Page } from "./page.ts";

const longestSeconds = 300;
const stack = "tour";
const copy = join(tmpdir(), `meridian-docs-${process.pid}`);

/** The command of a page, on the stack of the tour. */
export function toTour(command: string): string {
  return command
    .replaceAll(/\blocalhost:(888\d)\b/g, "localhost:1$1")
    .replaceAll(/(-n |--namespace[ =]|serviceaccount:)meridian\b/g, `$1${stack}`)
    .replaceAll(".meridian.svc", `.${stack}.svc`);
}

/** What a command has printed on the stack of the tour, as it is on a user's. */
export function fromTour(output: string): string {
  return (
    stripVTControlCharacters(output)
      .replaceAll("\r\n", "\n")
      // What depends on who else uses the machine.
      .replaceAll(/^• waiting for .*\n/gm, "")
      .replaceAll(`${copy}/`, "")
      .replaceAll(homedir(), "~")
      .replaceAll(/\b1(888\d)\b/g, "$1")
      .replaceAll(`meridian-${stack}`, "meridian-dev")
      .replaceAll(`(${stack})`, "(dev)")
      .replaceAll(new RegExp(`\\b${stack}\\b`, "g"), "meridian")
      .replaceAll(/[ \t]+$/gm, "")
      .trimEnd()
  );
}

/** The repository's files as they are, and the stack's configuration as everybody has it at the start. */
async function reset(): Promise<void> {
  const files = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: repository });
  for (const file of files.split("\0").filter((name) => existsSync(join(repository, name)) && name !== "")) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(repository, file), join(copy, file));
  }
  mkdirSync(join(copy, "docs/images"), { recursive: true });
  if (!existsSync(join(copy, "node_modules")))
    symlinkSync(join(repository, "node_modules"), join(copy, "node_modules"));
  const read = (name: string) =>
    existsSync(join(copy, name))
      ? (parse(readFileSync(join(copy, name), "utf8")) as { encryptionsalt?: string; config?: Record<string, unknown> })
      : {};
  const { config } = read("Pulumi.dev.yaml");
  const { encryptionsalt } = read(`Pulumi.${stack}.yaml`);
  const own = {
    namespace: stack,
    repository: `${registry}/${stack}/hello`,
    port: 18888,
    cdnPort: 18889,
    storeProtected: false,
  };
  const keys = Object.fromEntries(Object.entries(own).map(([key, value]) => [`meridian:${key}`, value]));
  writeFileSync(join(copy, `Pulumi.${stack}.yaml`), stringify({ encryptionsalt, config: { ...config, ...keys } }));
}

/** Runs a line of shell in the copy: what it has printed. @throws Error if it ends in another way than the page says */
async function shell(command: string, fails = false): Promise<string> {
  const child = spawn("bash", ["-o", "pipefail", "-c", toTour(command)], {
    cwd: copy,
    timeout: longestSeconds * 1000,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      PULUMI_STACK: stack,
      MERIDIAN_URL: "http://localhost:18888",
      NO_COLOR: "1",
      COLUMNS: "100",
      // Pulumi's dots, its sign of life where there is no terminal, can run into a line of what happened.
      PULUMI_OPTION_SUPPRESS_PROGRESS: "true",
      // npm's own lines would stand above each output.
      npm_config_loglevel: "silent",
    },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const [code] = (await once(child, "close")) as [number | null];
  if ((code !== 0) !== fails) {
    throw new Error(`\`${command}\` ended with ${code ?? "a signal"}, the page says otherwise:\n${output}`);
  }
  return fromTour(output);
}

/** Runs a page from a stack that is as everybody's at the start. */
async function write(page: Page, tell: (text: string) => void): Promise<void> {
  await reset();
  await shell("npm start");
  const pods = "npm run kubectl -- -n meridian get pods --no-headers";
  const isOver = async (): Promise<boolean> => !/ (Terminating|Completed) /.test(await shell(pods));
  await until("the end of the page before", isOver, { seconds: 120, interval: 1000 });
  const outputs: string[] = [];
  for (const { command, fails } of page.steps) {
    tell(`  $ ${command}`);
    outputs.push(await shell(command, fails));
  }
  writeFileSync(page.file, page.with(outputs));
  for (const picture of globSync("docs/images/*", { cwd: copy })) {
    const [from, to] = [join(copy, picture), join(repository, picture)];
    if (picture.endsWith(".svg")) writeFileSync(to, `${fromTour(readFileSync(from, "utf8"))}\n`);
    else cpSync(from, to);
  }
}

async function cleanUp(): Promise<void> {
  await reset();
  // What is protected by a page's configuration is free after an update without it.
  await shell("npm start");
  await shell("npm run pulumi -- destroy --yes --skip-preview --remove");
  const kinds = ["oci.image.index.v1", "oci.image.manifest.v1", "docker.distribution.manifest.v2"];
  const accept = kinds.map((kind) => `application/vnd.${kind}+json`).join(", ");
  const list = async <T>(path: string) => (await (await fetch(`http://${registry}/v2/${path}`)).json()) as T;
  const { repositories } = await list<{ repositories: string[] }>("_catalog?n=1000");
  // Images outlive a stack on purpose.
  for (const name of repositories.filter((each) => each.startsWith(`${stack}/`))) {
    const { tags } = await list<{ tags: string[] | null }>(`${name}/tags/list`);
    for (const tag of tags ?? []) {
      const manifests = `http://${registry}/v2/${name}/manifests`;
      const { headers } = await fetch(`${manifests}/${tag}`, { method: "HEAD", headers: { accept } });
      const digest = headers.get("docker-content-digest");
      if (digest !== null) await fetch(`${manifests}/${digest}`, { method: "DELETE" });
    }
  }
}

/** Pages that run something, in the order of the index. @throws Error if there is none of a name */
export function choosePages(names: readonly string[]): Page[] {
  const index = new Page(join(repository, "docs/README.md"));
  const files = index.links.filter((link) => link.endsWith(".md") && !link.startsWith("../"));
  const pages = [...new Set(["README.md", "../README.md", ...files])].map(
    (file) => new Page(join(repository, "docs", file)),
  );
  const known = pages.filter(({ steps }) => steps.length > 0);
  const nameOf = ({ file }: Page): string => relative(join(repository, "docs"), file).replace(/^tour\/|\.md$/g, "");
  const unknown = names.find((name) => !known.some((page) => nameOf(page) === name));
  if (unknown !== undefined) {
    throw new Error(`there is no page "${unknown}" that runs something; there are ${known.map(nameOf).join(", ")}.`);
  }
  return names.length === 0 ? known : known.filter((page) => names.includes(nameOf(page)));
}

async function main(): Promise<number> {
  // Ctrl-C reaches the command that runs by itself; then the stack is cleaned up. A second one ends this process as usual.
  process.once("SIGINT", () => undefined);
  try {
    const command = new Command("docs")
      .description("Runs what the pages in docs/ show, and writes what comes of it into them.")
      .argument("[pages...]", "names of pages, such as rolling (default: all)")
      .option("--keep", "leave the stack for the next run, which is quicker", false)
      .option("--quiet", "print only what went wrong, and how many pages were written", false)
      .exitOverride()
      .parse();
    const { keep, quiet } = command.opts<{ keep: boolean; quiet: boolean }>();
    const tell = (text: string): void => void (quiet || console.log(text));
    const pages = choosePages(command.args);
    const began = performance.now();
    const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(0)} s`;
    const problems: string[] = [];
    try {
      for (const page of pages) {
        const file = relative(repository, page.file);
        tell(`${file} (after ${seconds()})`);
        // A page that fails is left as it is, and the others are still written.
        await write(page, tell).catch((error: Error) => problems.push(`${file}: ${error.message}`));
      }
    } finally {
      if (!keep) {
        tell("• the stack of the tour goes");
        await cleanUp();
      }
    }
    for (const problem of problems) console.error(`error: ${problem}`);
    console.log(`${pages.length - problems.length} of ${pages.length} pages in ${seconds()}`);
    return problems.length === 0 ? 0 : 1;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

if (import.meta.main) process.exitCode = await main();
