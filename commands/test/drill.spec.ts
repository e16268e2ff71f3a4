import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { healed, someReplicas } from "../drills/drill.ts";
import { parseEvents } from "../drills/events.ts";
import { measure, verdict } from "../drills/run.ts";
import { Undo } from "../drills/undo.ts";
import { nearest, unknown } from "../nearest.ts";

const file = fileURLToPath(new URL("../drill.ts", import.meta.url));
const env = { ...process.env, KUBECONFIG: "/nowhere/kubeconfig", NO_COLOR: undefined };

const drill = (...args: string[]) => {
  const { status, stderr } = spawnSync(process.execPath, ["--no-warnings", file, ...args], { encoding: "utf8", env });
  return { status, stderr };
};

describe("npm run drill", function () {
  this.timeout(60_000);

  it("breaks nothing in a cluster that is not the local one, unless that is named", () => {
    for (const args of [["pod"], ["region", "eu"], ["release", "rolling"], ["--confirm", "other", "pod"]]) {
      assert.deepEqual(drill(...args), {
        status: 2,
        stderr:
          "error: this is not the local cluster but none, and a drill breaks things there; " +
          "--confirm CONTEXT says that you mean it.\n",
      });
    }
  });

  it("names the drills that there are, and the one that was likely meant", () => {
    const all = "There are pod, node, region, origin, release, registry, control-plane.";
    assert.deepEqual(drill("regoin"), {
      status: 2,
      stderr: `error: there is no drill "regoin", did you mean region? ${all}\n`,
    });
    assert.match(drill().stderr, /^error: which drill shall it be\? There are pod, .*control-plane\.\n$/);
    assert.equal(drill("region").stderr, "error: the drill region has to be told the name: the region, such as eu.\n");
    const kind = "error: the drill release has to be told the kind: rolling, blueGreen, canary.\n";
    assert.deepEqual(drill("release"), { status: 2, stderr: kind });
    assert.match(drill("pod", "--outage", "0").stderr, /'0' is invalid\. it must be an integer from 1 to 600\.\n$/);
  });

  it("asks on a terminal which one it shall be, until there is one, in 60 columns", () => {
    const { stdout } = onTerminal(60, ["", "regoin", "1"]);
    assert.match(stdout, /^ {2}1 {2}pod +delete a replica$/m);
    assert.match(stdout, /there is no drill "regoin", did you mean region\?/);
    assert.match(stdout, /error: this is not the local cluster but none/);
  });

  it("ends without a word on the app when the question is not answered", () => {
    const { stdout, status } = onTerminal(60, []);
    assert.equal(status, 130);
    assert.match(stdout, /What shall break/);
  });

  /** Runs the command on a terminal of so many columns: each line is typed as soon as there is a question. */
  function onTerminal(columns: number, lines: readonly string[]) {
    const program = `
import json, os, pty, sys, struct, fcntl, termios
pid, fd = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:-2])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[-2]), 0, 0))
seen, typed, lines = b"", 0, json.loads(sys.argv[-1])
while True:
    try: more = os.read(fd, 65536)
    except OSError: break
    if not more: break
    seen += more
    if seen.count(b"name: ") > typed and typed <= len(lines):
        os.write(fd, (lines[typed] + "\\r").encode() if typed < len(lines) else b"\\x04")
        typed += 1
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;
    const args = ["-c", program, process.execPath, "--no-warnings", file, String(columns), JSON.stringify(lines)];
    const { stdout, stderr, status } = spawnSync("python3", args, { encoding: "utf8", env });
    assert.equal(stderr, "");
    return { stdout: stdout.replaceAll("\r\n", "\n"), status };
  }
});

describe("the replicas of a drill", () => {
  const path = process.env["PATH"];
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "meridian-replicas-"));
    process.env["PATH"] = `${folder}:${path}`;
  });
  afterEach(() => {
    process.env["PATH"] = path;
    rmSync(folder, { recursive: true });
  });

  /** What `kubectl get pods` gives from now on: an earlier release that ends, and these. */
  function pods(...names: string[]): void {
    const created = { creationTimestamp: "2026-01-01T00:00:00Z" };
    const status = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
    const items = [
      { metadata: { name: "earlier", deletionTimestamp: "2026-01-01T00:01:00Z", ...created }, spec: {}, status },
      { metadata: { name: "lost with its node", ...created }, spec: {}, status: { phase: "Failed" } },
      ...names.map((name) => ({ metadata: { name, ...created }, spec: { nodeName: "eu" }, status })),
    ];
    writeFileSync(join(folder, "kubectl"), `#!/bin/sh\ncat <<'END'\n${JSON.stringify({ items })}\nEND\n`, {
      mode: 0o755,
    });
  }

  it("are those that are to stay, not those of an earlier release that end meanwhile", async () => {
    pods("one", "two");
    const before = await someReplicas("shop");
    assert.deepEqual(
      before.map(({ name, ready }) => [name, ready]),
      [
        ["one", true],
        ["two", true],
      ],
    );
    await assert.rejects(healed("shop", 2, ["one"], 0), /^Error: as many ready replicas as before did not come/);
    pods("two", "three");
    await healed("shop", 2, ["one"], 0);
    await assert.rejects(healed("shop", 2, ["earlier"], 0), /did not come within 0 s\.$/);
  });

  it("have to be there for anything to break", async () => {
    pods();
    await assert.rejects(someReplicas("shop"), new Error("there is no replica of the app in the namespace shop."));
  });
});

describe("what a drill has to put back", () => {
  let folder: string;
  let note: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "meridian-undo-"));
    note = join(folder, "out", "undo.json");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const append = (text: string): [string, ...string[]] => ["sh", "-c", `printf ${text} >> ${join(folder, "done")}`];
  const done = (): string => readFileSync(join(folder, "done"), "utf8");

  it("is put back once, the last first, and then forgotten", async () => {
    const undo = Undo.begin(note);
    undo.note("a is back", append("a"));
    undo.note("b is back", append("b"));
    assert.ok(existsSync(note));
    assert.deepEqual(await undo.run(), ["b is back", "a is back"]);
    assert.deepEqual(await undo.run(), []);
    assert.equal(done(), "ba");
    assert.equal(existsSync(note), false);
    assert.equal(Undo.leftBehind(note), undefined);
  });

  it("is left to the next drill when a drill was killed, or could not do it", async () => {
    const undo = Undo.begin(note);
    undo.note("a is back", append("a"));
    undo.note("b is back", ["sh", "-c", "echo no hands >&2; exit 1"]);
    await assert.rejects(undo.run(), /^Error: it could not be put back that b is back: .* failed: no hands; the next/);
    const text = readFileSync(note, "utf8").replace("echo no hands >&2; exit 1", "true");
    writeFileSync(note, text.replace(/"pid": \d+/, `"pid": ${spawnSync("true").pid}`));
    assert.deepEqual(await Undo.leftBehind(note)?.run(), ["b is back", "a is back"]);
  });

  it("is not touched while the drill still runs", () => {
    const command = ["-e", "setTimeout(() => {}, 20000)", "drill"];
    const script = `"$0" "$@" & echo $!`;
    const { stdout } = spawnSync(
      "sh",
      ["-c", `${script.replace("&", ">/dev/null 2>&1 &")}`, process.execPath, ...command],
      {
        encoding: "utf8",
      },
    );
    const pid = Number(stdout);
    try {
      Undo.begin(note).note("a is back", append("a"));
      writeFileSync(note, readFileSync(note, "utf8").replace(/"pid": \d+/, `"pid": ${pid}`));
      assert.throws(() => Undo.leftBehind(note), {
        message: `another drill is under way (process ${pid}); one at a time.`,
      });
    } finally {
      process.kill(pid);
    }
  });
});

describe("what a drill tells", () => {
  const second = (failed: number) => ({ failed });

  it("is how long it took until all was as before, and until nothing failed any more", () => {
    const marks = [
      { at: 1.5, text: "broken" },
      { at: 9, text: "mended" },
    ];
    const seconds = [0, 0, 3, 1, 0, 0].map(second);
    assert.deepEqual(measure(marks, seconds), { secondsToRecover: 7.5, secondsOfFailures: 2.5 });
    assert.deepEqual(measure(marks, [second(0)]), { secondsToRecover: 7.5, secondsOfFailures: 0 });
    const counts = { requests: 400, failed: 4, failures: { "fresh: ECONNREFUSED": 4 } };
    assert.equal(
      verdict({ ...counts, secondsToRecover: 7.5, secondsOfFailures: 2.5 }, "out/drill-pod"),
      "400 requests, 4 failed within 3 s (4 × fresh: ECONNREFUSED); as before after 7.5 s. " +
        "Also in out/drill-pod.svg and .json.",
    );
  });

  it("is what Kubernetes did since then, to the nodes and in the app's namespace, once each and in order", () => {
    const event = (kind: string, name: string, namespace: string, lastTimestamp: string, reason: string) => ({
      involvedObject: { kind, name, namespace },
      ...{ lastTimestamp, reason, message: "some\nwords", type: "Warning" },
    });
    const items = [
      event("Pod", "late", "meridian", "2026-01-01T00:00:20Z", "Killing"),
      event("Node", "eu", "", "2026-01-01T00:00:10Z", "NodeNotReady"),
      event("Node", "eu", "", "2026-01-01T00:00:11Z", "NodeNotReady"),
      event("Pod", "other", "elsewhere", "2026-01-01T00:00:12Z", "Killing"),
      event("Pod", "early", "meridian", "2025-12-31T23:59:59Z", "Killing"),
    ];
    const began = Date.parse("2026-01-01T00:00:00.500Z");
    const common = { message: "some words", isWarning: true };
    assert.deepEqual(parseEvents(JSON.stringify({ items }), began, "meridian"), [
      { at: 9.5, object: "Node/eu", reason: "NodeNotReady", ...common },
      { at: 19.5, object: "Pod/late", reason: "Killing", ...common },
    ]);
  });

  it("is the nearest name, if there is none such", () => {
    assert.equal(nearest("EU", ["us", "eu", "ap"]), "eu");
    assert.equal(
      unknown("region", "uss", ["eu", "us"]),
      'there is no region "uss", did you mean us? There are eu, us.',
    );
    assert.equal(unknown("region", "nowhere", ["eu", "us"]), 'there is no region "nowhere"; there are eu, us.');
    assert.equal(unknown("node", "a", []), 'there is no node "a"; there are none at all.');
  });
});
