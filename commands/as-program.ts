import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Runs a command if its file is what was started, rather than imported, and ends with its exit code.
 * @param file `import.meta.url`
 */
export async function asProgram(file: string, main: () => Promise<number>): Promise<void> {
  if (process.argv[1] === undefined || realpathSync(process.argv[1]) !== fileURLToPath(file)) return;
  endWithReader();
  process.exitCode = await main();
}

/** Whoever reads may have seen enough, as `| head` has: that is no failure. A full disk is. */
function endWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // What a command has broken or begun is put back as after Ctrl-C, where it takes care of that.
    if (process.listenerCount("SIGINT") > 0) return void process.emit("SIGINT");
    if (error.code !== "EPIPE") process.stderr.write(`error: the output cannot be written: ${error.message}\n`);
    process.exit(error.code === "EPIPE" ? 0 : 1);
  });
}
