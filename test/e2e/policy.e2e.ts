import assert from "node:assert/strict";

import { adaptPolicyPacks } from "../../local/policy-pack.ts";
import { repository } from "../../local/paths.ts";
import { Program } from "./support.ts";

describe("the policy pack in Pulumi", () => {
  const pack = adaptPolicyPacks(["--policy-pack", "policy"], repository);
  let program: Program;
  before(async () => {
    program = await Program.create();
  });
  after(() => program.remove());

  it("finds nothing in this project's program", async () => {
    const output = await program.pulumi("preview", ...pack);
    assert.match(output, /Policies:\n.*meridian@v0\.1\.0/);
    assert.doesNotMatch(output, /mandatory/);
  });

  it("refuses a program with an image that is another one tomorrow, and makes nothing", async () => {
    program.edit("index.ts", "image: image.ref", 'image: "hello:latest"');
    const { code, output } = await program.attempt("preview", ...pack);
    assert.notEqual(code, 0);
    assert.match(output, /\[mandatory\] +no-latest +\(kubernetes:apps\/v1:Deployment: hello\)/);
    assert.match(output, /container app runs hello:latest, which is another image at another time: name a version/);
  });
});
