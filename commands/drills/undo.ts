/** What puts back what a drill breaks: written down first, so that even after `kill -9` the next drill can do it. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";

interface Step {
  /** What is so afterwards. */
  readonly what: string;
  readonly command: readonly [string, ...string[]];
}

interface Note {
  readonly pid: number;
  /** The cluster that the steps are for. */
  readonly kubeconfig: string | undefined;
  readonly steps: readonly Step[];
}

export class Undo {
  readonly #file: string;
  #steps: Step[];
  readonly #kubeconfig: string | undefined;

  private constructor(file: string, { steps, kubeconfig }: Omit<Note, "pid">) {
    this.#file = file;
    this.#steps = [...steps];
    this.#kubeconfig = kubeconfig;
  }

  /** For a new drill. */
  static begin(file: string): Undo {
    return new Undo(file, { steps: [], kubeconfig: process.env["KUBECONFIG"] });
  }

  /** What a drill has left that did not come to its end. @throws Error if that drill still runs */
  static leftBehind(file: string): Undo | undefined {
    if (!existsSync(file)) return undefined;
    const note = JSON.parse(readFileSync(file, "utf8")) as Note;
    if (runs(note.pid)) throw new Error(`another drill is under way (process ${note.pid}); one at a time.`);
    return new Undo(file, note);
  }

  /** To be called before something is broken: the command that mends it. */
  note(what: string, command: Step["command"]): void {
    this.#steps.push({ what, command });
    this.#write();
  }

  /** Puts everything back, the last first; a second call has nothing left to do. Returns what is so now. */
  async run(): Promise<string[]> {
    const done: string[] = [];
    for (let step = this.#steps.at(-1); step !== undefined; step = this.#steps.at(-1)) {
      await mend(step, this.#kubeconfig);
      done.push(step.what);
      this.#steps = this.#steps.slice(0, -1);
      this.#write();
    }
    return done;
  }

  #write(): void {
    if (this.#steps.length === 0) return rmSync(this.#file, { force: true });
    mkdirSync(dirname(this.#file), { recursive: true });
    const note: Note = { pid: process.pid, kubeconfig: this.#kubeconfig, steps: this.#steps };
    writeFileSync(this.#file, `${JSON.stringify(note, undefined, 2)}\n`);
  }
}

async function mend({ what, command: [program, ...args] }: Step, kubeconfig: string | undefined): Promise<void> {
  // A process group of its own: another Ctrl-C must not leave it half done.
  const env = { ...process.env, ...(kubeconfig !== undefined && { KUBECONFIG: kubeconfig }) };
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], detached: true, env });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (more: string) => (errors += more));
  const [code] = (await once(child, "close")) as [number | null];
  if (code === 0) return;
  const words = [program, ...args].join(" ");
  throw new Error(
    `it could not be put back that ${what}: \`${words}\` failed: ${errors.trim()}; the next drill tries again.`,
  );
}

function runs(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  // Numbers are given anew: where that can be seen, it has to be a drill.
  const commandLine = `/proc/${pid}/cmdline`;
  return !existsSync(commandLine) || readFileSync(commandLine, "utf8").includes("drill");
}
