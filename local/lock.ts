/** One command of the kit at a time may change the machine. */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { interruption, UserError } from "./exec.ts";
import { cache } from "./paths.ts";
import { say } from "./progress.ts";

/**
 * Holds the kit's lock while `work` runs; waits (and says so) when another command has it.
 * The lock is held by `flock` in a child that ends with our standard input pipe: whatever happens to this process, even
 * `kill -9`, the kernel frees it.
 * @param name of the lock, for what may go on beside the kit's other commands
 */
export async function withLock<T>(work: () => Promise<T>, name = "lock"): Promise<T> {
  mkdirSync(cache, { recursive: true });
  const file = join(cache, name);
  // A group of its own: Ctrl-C in the terminal must not take the lock away before our own clean-up has ended.
  const holder = spawn("flock", ["--close", file, "sh", "-c", "echo held; exec cat >/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  const patience = setTimeout(() => say("• waiting for another command of this kit to finish (Ctrl-C gives up)"), 500);
  try {
    await new Promise<void>((resolve, reject) => {
      interruption.signal.addEventListener("abort", () => reject(interruption.signal.reason as Error));
      holder.once("error", () =>
        reject(new UserError("flock is missing; install the package util-linux and try again.")),
      );
      holder.once("exit", (code) => reject(new UserError(`${file} could not be locked (flock ended with ${code}).`)));
      holder.stdout.once("data", () => resolve());
    });
    clearTimeout(patience);
    return await work();
  } finally {
    clearTimeout(patience);
    holder.removeAllListeners("exit").stdin.end();
  }
}
