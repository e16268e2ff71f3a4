import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import type { Command } from "commander";
import { examine, report } from "../doctor.ts";
import { UserError } from "../exec.ts";
import { program } from "../main.ts";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

/** A command with all that are below it. */
const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];

const run = (...args: string[]) =>
  spawnSync(process.execPath, ["--no-warnings", main, ...args], {
    encoding: "utf8",
    env: { ...process.env, COLUMNS: "60" },
  });

/** The same on a terminal of 60 columns: what is seen there. */
function onTerminal(args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const script = `
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
seen = b""
while True:
    try: more = os.read(fd, 65536)
    except OSError: break
    if not more: break
    seen += more
sys.stdout.buffer.write(seen)`;
  const { stdout, stderr } = spawnSync("python3", ["-c", script, process.execPath, "--no-warnings", main, ...args], {
    encoding: "utf8",
    env: { ...process.env, CI: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined, TERM: "xterm-256color", ...env },
  });
  assert.equal(stderr, "");
  return stdout.replaceAll("\r\n", "\n");
}

describe("the commands", function () {
  this.timeout(180_000);

  it("have a description, and one for each option, which fit 60 columns", () => {
    for (const command of all(program)) {
      assert.notEqual(command.description(), "", command.name());
      for (const { flags, description } of command.options) assert.notEqual(description, "", flags);
      command.configureHelp({ ...command.configureHelp(), helpWidth: 60 });
      const lines = command.helpInformation().split("\n");
      for (const line of lines) assert.ok(line.length <= 60 || !line.trim().includes(" "), line);
    }
  });

  it("tell what they are for with --help, without a cluster or anything built", () => {
    const names = program.commands.map((command) => command.name());
    for (const name of ["start", "cluster", "spread", "release", "drill", "cdn", "render", "bench", "e2e", "status"])
      assert.ok(names.includes(name), name);
    for (const name of ["drill", "status", "e2e"]) {
      const { status, stdout, stderr } = run(name, "--help");
      assert.deepEqual([status, stderr], [0, ""], name);
      assert.ok(stdout.length > 100, `${name} --help says: ${stdout}`);
    }
    assert.match(run("drill", "region", "--help").stdout, /Usage: drill region \[options\] <name>/);
  });

  it("end with an exit code other than 0 when they cannot be understood", () => {
    for (const args of [
      ["start", "--fast"],
      ["bench", "nonsense"],
    ]) {
      const { status, stderr } = run(...args);
      assert.ok(status !== 0 && stderr !== "", `${args.join(" ")}: ${status} ${stderr}`);
    }
    assert.match(run("cluster", "stopp").stderr, /Did you mean stop\?/);
  });

  it("colour a terminal only, unless NO_COLOR is set", () => {
    const escape = "\x1b[";
    assert.ok(onTerminal(["doctor"]).includes(`${escape}32m✓`));
    assert.ok(!onTerminal(["doctor"], { NO_COLOR: "1" }).includes(escape));
  });
});

describe("npm run doctor", () => {
  const checks = {
    fine: () => "there",
    broken: () => {
      throw new UserError("the wheel is off; put it on.");
    },
  };

  it("says of each thing whether it is there, and what to do where it is not", async () => {
    const findings = await examine(checks);
    assert.deepEqual(findings, [
      { name: "fine", state: "ok", detail: "there" },
      { name: "broken", state: "problem", detail: "the wheel is off; put it on." },
    ]);
    assert.equal(
      stripVTControlCharacters(report(findings)),
      "✓ fine    there\n✗ broken  the wheel is off; put it on.\n\n1 to mend before `npm start`, see ✗.",
    );
    assert.equal(stripVTControlCharacters(report(findings, true)), "✗ broken  the wheel is off; put it on.");
  });

  it("passes on what it did not expect", async () => {
    const surprise = (): string => {
      throw new TypeError("a defect");
    };
    await assert.rejects(examine({ surprise }), TypeError);
  });

  it("is JSON for programs, with what was tried on this machine", () => {
    const { stdout, status } = run("doctor", "--json");
    assert.ok(!stdout.includes("\x1b["));
    const findings = JSON.parse(stdout) as { name: string; state: string }[];
    for (const name of ["rights", "node", "disk", "memory", "kernel: overlayfs", "kernel: nf_tables", "ports"])
      assert.ok(
        findings.some((finding) => finding.name === name),
        name,
      );
    assert.equal(status, findings.some(({ state }) => state === "problem") ? 1 : 0);
  }).timeout(180_000);
});
