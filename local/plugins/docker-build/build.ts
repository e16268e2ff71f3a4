/** Runs one build with `buildctl` and tells what became of it. */

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import type { Call } from "../provider.ts";
import { buildCommand } from "./arguments.ts";
import type { ImageInputs } from "./inputs.ts";
import { createWorkspace } from "./workspace.ts";

/** How many lines of a failed build are shown: enough for the step's own output and the line in the Dockerfile. */
const shownLines = 30;
/** How long the builder gets to stop by itself after an interrupt. */
const stopSeconds = 5;
const statusIntervalMs = 100;

/** What a call gives a build to talk to the user with. */
export type Progress = Pick<Call, "signal" | "status" | "log">;

/** Builds the image and pushes it unless this is a preview. Returns its digest, empty if nothing was exported. */
export async function build(inputs: ImageInputs, preview: boolean, progress: Progress): Promise<string> {
  progress.signal.throwIfAborted();
  const workspace = createWorkspace(inputs);
  try {
    const { args, env } = buildCommand(inputs, workspace, preview);
    const environment = {
      ...process.env,
      ...env,
      ...(workspace.dockerConfig === undefined ? {} : { DOCKER_CONFIG: workspace.dockerConfig }),
    };
    const output = await run(args, environment, confidential(inputs), progress);
    if (output.code !== 0) throw new Error(explainFailure(output.lines, builderAddress()));
    for (const warning of buildWarnings(output.lines)) progress.log("warning", warning);
    return readDigest(workspace.metadata);
  } finally {
    workspace.remove();
  }
}

export function builderAddress(environment: NodeJS.ProcessEnv = process.env): string {
  return environment["BUILDKIT_HOST"] || "unix:///run/buildkit/buildkitd.sock";
}

interface Output {
  readonly code: number | null;
  readonly lines: readonly string[];
}

async function run(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  hidden: readonly string[],
  progress: Progress,
): Promise<Output> {
  const child = spawn("buildctl", args, { env, stdio: ["ignore", "ignore", "pipe"] });
  const stop = stopper(child);
  progress.signal.addEventListener("abort", stop.interrupt, { once: true });
  process.once("exit", stop.kill);
  const lines: string[] = [];
  let shownAt = 0;
  createInterface({ input: child.stderr }).on("line", (text) => {
    const line = mask(text, hidden);
    lines.push(line);
    const status = statusOf(line);
    if (status === undefined || Date.now() - shownAt < statusIntervalMs) return;
    shownAt = Date.now();
    progress.status(status);
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", (error) => reject(explainStart(error)));
      child.once("close", resolve);
    });
    if (progress.signal.aborted) throw new Error("the build was cancelled and its builder told to stop");
    return { code, lines };
  } finally {
    progress.signal.removeEventListener("abort", stop.interrupt);
    process.off("exit", stop.kill);
    stop.done();
  }
}

/** An interrupt lets `buildctl` tell the builder; without an answer it is killed, which the builder notices too. */
function stopper(child: ChildProcess) {
  let timer: NodeJS.Timeout | undefined;
  const kill = () => void child.kill("SIGKILL");
  return {
    kill,
    interrupt: () => {
      child.kill("SIGINT");
      timer = setTimeout(kill, stopSeconds * 1000);
    },
    done: () => clearTimeout(timer),
  };
}

function explainStart(error: Error): Error {
  if (!("code" in error) || error.code !== "ENOENT") return error;
  return new Error("buildctl is not on PATH: install BuildKit's client, or start the local kit, which brings it");
}

/** What the progress line shows of a line such as `#5 [2/3] RUN npm ci` or `#5 1.204 added 96 packages`. */
export function statusOf(line: string): string | undefined {
  const text = /^#\d+ (?:\d+\.\d+ )?(.*)$/.exec(line)?.[1]?.trim();
  return text === undefined || text === "" || /^(?:DONE|CACHED|sha256:)/.test(text) ? undefined : text;
}

/** Lines of a failed build that say nothing about the failure. */
const routine = /^#\d+ (?:DONE|CACHED|transferring|\[internal\])/;

/** One sentence, followed by the end of the output, which names the line of the Dockerfile. */
export function explainFailure(lines: readonly string[], address: string): string {
  const last = lines.findLast((line) => line.startsWith("error: ")) ?? lines.at(-1) ?? "no output";
  const reason = last.replace(/^error: (?:failed to solve: )?/, "");
  if (!lines.some((line) => /^#\d+ /.test(line)) && /connection error|Unavailable|error while dialing/i.test(reason)) {
    const cause = /(?:connect|dial|lookup)[^:"]*: ([^:"]+)"?$/.exec(reason)?.[1] ?? reason;
    return `cannot reach the BuildKit builder at ${address} (${cause}): start it, or set BUILDKIT_HOST to the address of one that runs`;
  }
  const shown = lines.filter((line) => line.trim() !== "" && line !== last && !routine.test(line)).slice(-shownLines);
  return [`the build failed: ${reason}`, ...shown].join("\n");
}

/** What the Dockerfile's checks have to say. */
export function buildWarnings(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => /^#?\d*\s*(?: - |WARN: )(\w+: .*)$/.exec(line)?.[1] ?? []);
}

/** Values that no output may show, however a build step prints them. */
function confidential(inputs: ImageInputs): readonly string[] {
  const passwords = (inputs.registries ?? []).map(({ password }) => password ?? "");
  const values = [...Object.values(inputs.secrets ?? {}), ...passwords].flatMap((value) => value.split(/\r?\n/));
  // Very short values would blank out half of the output and are no secrets worth the name.
  return values.filter((value) => value.length >= 4).sort((a, b) => b.length - a.length);
}

export function mask(line: string, hidden: readonly string[]): string {
  return hidden.reduce((text, value) => text.replaceAll(value, "[secret]"), line);
}

function readDigest(metadata: string): string {
  try {
    const parsed = JSON.parse(readFileSync(metadata, "utf8")) as Record<string, unknown>;
    return String(parsed["containerimage.digest"] ?? "");
  } catch {
    // The builder writes no metadata where nothing was exported.
    return "";
  }
}
