/** Where the Docker engine is, and what its errors mean to the user. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { type Bag } from "../bag.ts";

/** A connection to an engine. */
export interface Engine {
  readonly docker: Docker;
  /** As the user writes it: `unix:///var/run/docker.sock`. */
  readonly address: string;
}

/** The engine that the provider's configuration names, else the environment, else the user's current context. */
export function engineOf(config: Bag, env: NodeJS.ProcessEnv = process.env): Engine {
  const given = (name: string, variable: string): string | undefined => {
    const value = config[name] ?? env[variable];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const context = given("context", "DOCKER_CONTEXT");
  const host = context === undefined ? given("host", "DOCKER_HOST") : undefined;
  const address = host ?? contextHost(context, env) ?? "unix:///var/run/docker.sock";
  return { docker: new Docker(optionsOf(address)), address };
}

function optionsOf(address: string): Docker.DockerOptions {
  if (address.startsWith("unix://")) return { socketPath: address.slice("unix://".length) };
  const url = URL.parse(address);
  if (url === null)
    throw new Error(`the Docker engine's address must be a URL such as ssh://me@host, got "${address}"`);
  const protocol = url.protocol === "ssh:" ? "ssh" : url.protocol === "https:" ? "https" : "http";
  const port = Number(url.port) || (protocol === "ssh" ? 22 : protocol === "https" ? 2376 : 2375);
  const agent = process.env["SSH_AUTH_SOCK"];
  const ssh = { username: url.username, ...(agent !== undefined && { sshOptions: { agent } }) };
  return { protocol, host: url.hostname, port, ...(protocol === "ssh" && ssh) };
}

/** The address that a context of the Docker CLI stands for. */
function contextHost(name: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  const folder = env["DOCKER_CONFIG"] ?? join(homedir(), ".docker");
  const read = (file: string): unknown => (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined);
  const current = (read(join(folder, "config.json")) as { currentContext?: string } | undefined)?.currentContext;
  const context = name ?? current;
  if (context === undefined || context === "" || context === "default") return undefined;
  const id = createHash("sha256").update(context).digest("hex");
  const meta = read(join(folder, "contexts", "meta", id, "meta.json")) as
    { Endpoints?: { docker?: { Host?: string } } } | undefined;
  const host = meta?.Endpoints?.docker?.Host;
  if (host === undefined) throw new Error(`there is no Docker context "${context}"; \`docker context ls\` names them`);
  return host;
}

export const statusOf = (error: unknown): number | undefined => (error as { statusCode?: number }).statusCode;

/** The engine's own words, without the HTTP around them. */
function wordsOf(error: unknown): string {
  const { json, message } = error as { json?: { message?: string }; message: string };
  return json?.message ?? message;
}

/** The error as one sentence that says what to do, where that is known. */
export function explain(error: unknown, address: string): Error {
  const code = (error as { code?: string }).code;
  if (
    code !== undefined &&
    ["ENOENT", "ECONNREFUSED", "EACCES", "ENOTFOUND", "ETIMEDOUT", "EHOSTUNREACH"].includes(code)
  ) {
    return new Error(
      `no Docker engine answers at ${address} (${code}); start it, or name another one by DOCKER_HOST; the local kit's is started by \`npm run cluster -- up --docker\``,
    );
  }
  const words = wordsOf(error);
  if (/not a swarm manager/i.test(words)) {
    return new Error(
      `the Docker engine at ${address} is not a manager of a Swarm; run \`docker swarm init\` there (the local kit: \`npm run cluster -- up --swarm\`) and try again`,
    );
  }
  const [, port] =
    /:(\d+)(?:\/tcp)?(?: failed)?: (?:port is already allocated|.*address already in use)/.exec(words) ?? [];
  if (port !== undefined) {
    return new Error(
      `port ${port} of the machine with the Docker engine at ${address} is taken; stop what uses it (\`docker ps --filter publish=${port}\` may name it), or choose another port`,
    );
  }
  return error instanceof Error && statusOf(error) === undefined ? error : new Error(words);
}
