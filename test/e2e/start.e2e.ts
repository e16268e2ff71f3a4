import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../..", import.meta.url));

function start(): string {
  const { status, stdout, stderr } = spawnSync("npm", ["start"], { cwd: repository, encoding: "utf8" });
  assert.equal(status, 0, `npm start failed:\n${stdout}${stderr}`);
  return stdout + stderr;
}

const pulumi = (...args: string[]): string =>
  execFileSync("pulumi", [...args, "--stack", "dev", "--yes", "--skip-preview", "--non-interactive"], {
    cwd: repository,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });

/** Names of the Deployments in the stack's namespace, with their ready replicas. */
function deployments(): string[] {
  const columns = "custom-columns=name:.metadata.name,ready:.status.readyReplicas";
  const text = execFileSync("kubectl", ["-n", "meridian", "get", "deployments", "--no-headers", "-o", columns], {
    encoding: "utf8",
  });
  return text.trim().split("\n");
}

/** Runs `pulumi` and kills it, with everything that it started, as soon as it prints `words`. */
async function killed(command: "up" | "destroy", words: string): Promise<void> {
  const child = spawn("pulumi", [command, "--stack", "dev", "--yes", "--skip-preview", "--non-interactive"], {
    cwd: repository,
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (output.includes(words) && child.pid !== undefined && child.exitCode === null)
      process.kill(-child.pid, "SIGKILL");
  });
  const [, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  assert.equal(signal, "SIGKILL", `pulumi ${command} ended before it was killed:\n${output}`);
}

describe("npm start", () => {
  it("ends with the app answering 100 requests from three regions, and is a no-op when run again", () => {
    assert.match(start(), /100 requests to http:\/\/localhost:8888 in .*: all answered/);
    const again = start();
    assert.match(again, /^ {4}\d+ unchanged$/m);
    assert.doesNotMatch(again, /created|updated|deleted|replaced/);
    for (const region of ["eu", "us", "ap"]) assert.match(again, new RegExp(`^\\S{10}  ${region}  v0\\.0\\.\\d`, "m"));
    assert.equal(deployments().length, 1);
  });

  it("recovers after pulumi was killed while the Deployment was being created, and leaves no orphan", async () => {
    pulumi("destroy");
    await killed("up", "Waiting for app ReplicaSet");
    const output = start();
    assert.match(output, /an earlier update was interrupted .*mending the stack/);
    assert.match(output, /all answered/);
    assert.match(deployments().join(), /^hello-[0-9a-f]+ +3$/);
  });

  it("recovers after pulumi was killed while it deleted the app", async () => {
    await killed("destroy", "to be deleted");
    assert.match(start(), /all answered/);
    assert.match(deployments().join(), /^hello-[0-9a-f]+ +3$/);
  });
});
