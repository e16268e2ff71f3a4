/** Running other programs. */
import { spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";

/** A mistake or a misfortune that the user can do something about: printed as one sentence, without a stack trace. */
export class UserError extends Error {}

/** Aborted by Ctrl-C (see main.ts): whatever waits or runs a program then ends with one sentence. */
export const interruption = new AbortController();

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Text for standard input. Default: none. */
  readonly input?: string;
  /** Called with every line of output, for progress. */
  readonly onLine?: (line: string) => void;
  /** Milliseconds after which the program is ended. Default: no limit. */
  readonly timeout?: number;
}

/** A program that ended with a status other than 0. */
export class CommandError extends UserError {
  readonly output: string;
  constructor(command: string, why: string, output: string) {
    const end = output.trimEnd().split("\n").slice(-15).join("\n");
    super(`\`${command}\` ${why}${end === "" ? "." : `:\n${end}`}`);
    this.output = output;
  }
}

/** Runs a program to its end and returns its standard output. @throws CommandError when it fails, with the end of its output. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const spawnOptions: SpawnOptions = { stdio: ["pipe", "pipe", "pipe"] };
  if (options.cwd !== undefined) spawnOptions.cwd = options.cwd;
  if (options.env !== undefined) spawnOptions.env = options.env;
  if (options.timeout !== undefined) spawnOptions.timeout = options.timeout;
  const child = spawn(command, args, spawnOptions);
  const words = [command.split("/").at(-1), ...args].join(" ");
  const shown = words.length > 100 ? `${words.slice(0, 100)}…` : words;
  let stdout = "";
  let all = "";
  let rest = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      all += text;
      const lines = (rest + text).split(/[\r\n]+/);
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.trim() !== "") options.onLine?.(line);
    });
  }
  // A program may end without reading its input.
  child.stdin?.on("error", () => undefined).end(options.input ?? "");
  let code: number | null;
  let signal: NodeJS.Signals | null;
  try {
    [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  } catch (error) {
    throw new CommandError(shown, `could not be run: ${(error as Error).message}`, "");
  }
  if (code !== 0) {
    // Ctrl-C in a terminal ends our children as well.
    interruption.signal.throwIfAborted();
    const late = options.timeout !== undefined && signal === "SIGTERM";
    const why = late ? `took longer than ${options.timeout / 1000} s` : `failed with ${signal ?? `exit code ${code}`}`;
    throw new CommandError(shown, why, all);
  }
  return stdout;
}

/**
 * Runs a program on this terminal and returns its exit code. Ctrl-C reaches it by itself; what only this process is told
 * (SIGTERM) is handed on as the same wish.
 */
export async function attach(
  command: string,
  args: readonly string[],
  { cwd, env }: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<number> {
  const child = spawn(command, args, { stdio: "inherit", ...(cwd !== undefined && { cwd }), env: env ?? process.env });
  const ask = (): void => void child.kill("SIGINT");
  process.on("SIGTERM", ask).on("SIGHUP", ask);
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    return code ?? 130;
  } catch (error) {
    throw new UserError(`${command} could not be run: ${(error as Error).message}.`);
  } finally {
    process.off("SIGTERM", ask).off("SIGHUP", ask);
  }
}

/** Runs a program and tells only whether it succeeded. */
export async function succeeds(command: string, args: readonly string[], options: RunOptions = {}): Promise<boolean> {
  try {
    await run(command, args, options);
    return true;
  } catch (error) {
    if (error instanceof CommandError) return false;
    throw error;
  }
}

/**
 * Waits until `condition` holds, asking again every `interval` milliseconds.
 * @throws UserError that says what did not happen, and the last thing that `condition` threw.
 */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  { seconds = 60, interval = 100 }: { seconds?: number; interval?: number } = {},
): Promise<void> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    interruption.signal.throwIfAborted();
    let reason = "";
    try {
      if (await condition()) return;
    } catch (error) {
      if (error instanceof UserError && !(error instanceof CommandError)) throw error;
      reason = ` (${(error as Error).message.split("\n").slice(0, 3).join(" ")})`;
    }
    if (Date.now() > end) throw new UserError(`${what} did not happen within ${seconds} s${reason}.`);
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}
