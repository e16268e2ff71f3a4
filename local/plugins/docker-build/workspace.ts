/** The folder that lives as long as one build: only its owner can read it, and it is gone afterwards. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

import type { ImageInputs, Registry } from "./inputs.ts";
import { registryHost } from "./registry.ts";

export interface Workspace {
  readonly metadata: string;
  /** Folder of the inline Dockerfile. */
  readonly inline?: string;
  /** For `DOCKER_CONFIG`, if the build has logins of its own. */
  readonly dockerConfig?: string;
  remove(): void;
}

export function createWorkspace(inputs: ImageInputs, environment: NodeJS.ProcessEnv = process.env): Workspace {
  // mkdtemp makes it with mode 0700.
  const folder = mkdtempSync(join(tmpdir(), "image-build-"));
  const remove = () => {
    process.off("exit", remove);
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", remove);
  try {
    const inline = inputs.dockerfile?.inline;
    if (inline) writeFileSync(join(folder, "Dockerfile"), inline);
    const logins = inputs.registries ?? [];
    if (logins.length > 0) {
      const config = JSON.stringify(withLogins(readDockerConfig(environment), logins));
      writeFileSync(join(folder, "config.json"), config, { mode: 0o600 });
    }
    return {
      metadata: join(folder, "metadata.json"),
      remove,
      ...(inline ? { inline: folder } : {}),
      ...(logins.length > 0 ? { dockerConfig: folder } : {}),
    };
  } catch (error) {
    remove();
    throw error;
  }
}

export interface DockerConfig {
  readonly auths?: Readonly<Record<string, unknown>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

/** The user's own logins stay; those of the image win over them and over any credential helper. */
export function withLogins(config: DockerConfig, logins: readonly Registry[]): DockerConfig {
  const auths: Record<string, unknown> = { ...config.auths };
  const credHelpers: Record<string, string> = { ...config.credHelpers };
  for (const { address, username = "", password = "" } of logins) {
    auths[address] = { auth: Buffer.from(`${username}:${password}`).toString("base64") };
    // An empty helper means: look in this file.
    credHelpers[address] = "";
    credHelpers[registryHost(address)] = "";
  }
  return { ...config, auths, credHelpers };
}

function readDockerConfig(environment: NodeJS.ProcessEnv): DockerConfig {
  const folder = environment["DOCKER_CONFIG"] ?? join(homedir(), ".docker");
  try {
    return JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) as DockerConfig;
  } catch {
    return {};
  }
}
