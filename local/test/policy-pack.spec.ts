import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { repository } from "../paths.ts";

/** Runs a module's function in a process of its own, where the kit's folder is another one. */
function adapted(cache: string, args: readonly string[]): string[] {
  const code = `
    import { adaptPolicyPacks } from ${JSON.stringify(join(repository, "local/policy-pack.ts"))};
    try {
      console.log(JSON.stringify(adaptPolicyPacks(${JSON.stringify(args)}, ${JSON.stringify(repository)})));
    } catch (error) {
      console.log(JSON.stringify(["refused", error.message]));
    }`;
  const env = { ...process.env, XDG_CACHE_HOME: cache };
  const text = execFileSync(process.execPath, ["--no-warnings", "--input-type=module", "--eval", code], { env });
  return JSON.parse(text.toString()) as string[];
}

describe("policy packs under the kit's language host", function () {
  this.timeout(30_000);
  let cache: string;
  before(() => {
    cache = mkdtempSync(join(tmpdir(), "policy-pack-"));
  });
  after(() => rmSync(cache, { recursive: true }));

  it("are handed over with all their files, under a runtime that the kit brings", () => {
    const args = adapted(cache, ["preview", "--policy-pack", "policy", "--policy-pack=policy", "--diff"]);

    const folder = join(cache, "meridian", "pulumi", "policy-packs", "policy");
    assert.deepEqual(args, ["preview", "--policy-pack", folder, `--policy-pack=${folder}`, "--diff"]);
    assert.deepEqual(readdirSync(folder).sort(), readdirSync(join(repository, "policy")).sort());
    assert.match(readFileSync(join(folder, "PulumiPolicy.yaml"), "utf8"), /^runtime: meridian$/m);
    assert.equal(realpathSync(join(folder, "index.ts")), join(repository, "policy", "index.ts"));
    const analyzer = "analyzer-policy-meridian-v1.0.0/pulumi-analyzer-policy-meridian";
    const script = readFileSync(join(cache, "meridian", "pulumi", "plugins", analyzer), "utf8");
    assert.match(script, /^#!\/bin\/sh\nexec "\/.*" --no-warnings /);
  });

  it("leave other arguments as they are", () => {
    assert.deepEqual(adapted(cache, ["up", "--yes", "policy"]), ["up", "--yes", "policy"]);
  });

  it("are refused in one sentence if they are none", () => {
    const [, message] = adapted(cache, ["preview", "--policy-pack", "app"]);
    assert.match(
      message ?? "",
      /app is no policy pack, it has no PulumiPolicy\.yaml that can be read; this project's is policy\.$/,
    );
  });
});
