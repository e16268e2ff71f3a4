import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, globSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const files = globSync("commands/*.ts", { cwd: root }).filter((file) =>
  readFileSync(join(root, file), "utf8").includes("await asProgram("),
);

/** Runs a command whose output goes elsewhere, or nowhere: its exit code, and what it has printed. */
async function run(file: string, args: readonly string[], output: "kept" | "unread" | number) {
  const stdout = typeof output === "number" ? output : "pipe";
  const child = spawn(process.execPath, ["--no-warnings", file, ...args], {
    cwd: root,
    stdio: ["ignore", stdout, "pipe"],
  });
  let [text, errors] = ["", ""];
  if (output === "unread") child.stdout?.destroy();
  child.stdout?.setEncoding("utf8").on("data", (more: string) => (text += more));
  child.stderr?.setEncoding("utf8").on("data", (more: string) => (errors += more));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, text, errors };
}

describe("each command", function () {
  this.timeout(60_000);

  it("explains itself, and how it is quiet", async () => {
    assert.equal(files.length, 7, files.join());
    const helps = await Promise.all(files.map((file) => run(file, ["--help"], "kept")));
    for (const { code, text, errors } of helps) {
      assert.deepEqual([code, errors], [0, ""]);
      assert.match(text, /^Usage: [\s\S]*^ {2}--quiet /m);
    }
  });

  it("ends without a complaint when nobody reads on", async () => {
    const some = ["commands/spread.ts", "commands/drill.ts"];
    const ends = await Promise.all(some.map((file) => run(file, ["--help"], "unread")));
    for (const { code, errors } of ends) assert.deepEqual([code, errors], [0, ""]);
  });

  it("says with one sentence what is wrong with its arguments, and ends with 2", async () => {
    const ends = await Promise.all(files.map((file) => run(file, ["--colour"], "kept")));
    for (const { code, text, errors } of ends) {
      assert.deepEqual([code, text], [2, ""]);
      assert.match(errors, /^(error: )?unknown option '--colour'.*\n$/);
    }
  });

  it("fails when its output cannot be written", async function () {
    if (process.platform !== "linux") return this.skip();
    const full = openSync("/dev/full", "w");
    const { code, errors } = await run("commands/render.ts", [], full);
    closeSync(full);
    assert.equal(code, 1);
    assert.match(errors, /^error: the output cannot be written: .*ENOSPC.*\n$/);
  });
});
