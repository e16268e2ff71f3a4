import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const drill = (...args: string[]) => {
  const file = fileURLToPath(new URL("../drill.ts", import.meta.url));
  const env = { ...process.env, KUBECONFIG: "/nowhere/kubeconfig" };
  const { status, stderr } = spawnSync(process.execPath, ["--no-warnings", file, ...args], { encoding: "utf8", env });
  return { status, stderr };
};

describe("npm run drill", () => {
  it("breaks nothing in a cluster that is not the local one, unless that is named", () => {
    for (const args of [["pod"], ["region", "eu"], ["release", "rolling"], ["--context", "other", "pod"]]) {
      assert.deepEqual(drill(...args), {
        status: 2,
        stderr:
          "error: This is not the local cluster but none: `npm run drill` breaks things there; " +
          "`--context NAME` says that you mean it.\n",
      });
    }
  }).timeout(30_000);

  it("names the drills and kinds that there are", () => {
    assert.deepEqual(drill("release", "canari"), {
      status: 2,
      stderr:
        "error: command-argument value 'canari' is invalid for argument 'kind'. there are rolling, blueGreen, canary.\n",
    });
    assert.equal(drill("pods").stderr, "error: unknown command 'pods'\n(Did you mean pod?)\n");
  }).timeout(30_000);
});
