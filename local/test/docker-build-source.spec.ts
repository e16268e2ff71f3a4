import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";

import { contextHash } from "../plugins/docker-build/context-hash.ts";
import { diffImage, hashOf } from "../plugins/docker-build/diff.ts";
import { parseIgnoreRules } from "../plugins/docker-build/dockerignore.ts";
import { type ImageInputs, withDefaults } from "../plugins/docker-build/inputs.ts";
import { app, files, useFolder } from "./docker-build-fixtures.ts";

useFolder();

function hashed(context: string): string {
  return contextHash({ context, dockerfile: join(context, "Dockerfile") });
}

describe("docker-build: contextHash", () => {
  it("is the hash of the Dockerfile, then of content, path and mode of every file in order", () => {
    const context = files(app);
    const text = `${app.Dockerfile}${app.Dockerfile}Dockerfile-rw-r--r--helloa.txt-rw-r--r--bsrc/b.txt-rw-r--r--`;
    assert.equal(hashed(context), createHash("sha256").update(text).digest("hex"));
  });

  it("is the same in another folder and at another time", () => {
    const [here, there] = [files(app), files(app, "elsewhere")];
    utimesSync(join(there, "a.txt"), 0, 0);
    assert.equal(hashed(here), hashed(there));
  });

  for (const [what, change] of Object.entries<(context: string) => void>({
    content: () => files({ "a.txt": "other" }),
    mode: (context) => chmodSync(join(context, "a.txt"), 0o755),
    "a new file": () => files({ "src/c.txt": "" }),
    "a Dockerfile that .dockerignore leaves out": () => files({ Dockerfile: "FROM scratch\n" }),
  })) {
    it(`changes with ${what}`, () => {
      const context = files({ ...app, ".dockerignore": "Dockerfile\n" });
      const before = hashed(context);
      change(context);
      assert.notEqual(hashed(context), before);
    });
  }

  it("does not change with what .dockerignore leaves out, and <Dockerfile>.dockerignore wins", () => {
    const context = files({ ...app, ".dockerignore": "*.log\nnode_modules\n" });
    const before = hashed(context);
    files({ "x.log": "1", "node_modules/p/index.js": "" });
    assert.equal(hashed(context), before);
    files({ "Dockerfile.dockerignore": "src\n" });
    assert.notEqual(hashed(context), before);
  });

  it("follows a link inside of the context, and counts any other as its own text", () => {
    const secret = join(files({ secret: "1" }, "outside"), "secret");
    const context = files(app);
    symlinkSync("a.txt", join(context, "inner"));
    symlinkSync(secret, join(context, "outer"));
    symlinkSync("nowhere", join(context, "broken"));
    const before = hashed(context);
    files({ secret: "2" }, "outside");
    assert.equal(hashed(context), before);
  });

  it("knows the exceptions, the case and the signs of .dockerignore", () => {
    const rules = parseIgnoreRules("# all\n*\n!src/*/keep\n!Docs\nc++\n");
    const table = { "a.txt": true, "src/x/keep": false, "src/x/other": true, Docs: false, docs: true, "c++": true };
    for (const [path, ignored] of Object.entries(table)) assert.equal(rules.ignores(path), ignored, path);
    assert.deepEqual(
      ["src", "src/x", "lib"].map((path) => rules.skipsTree(path)),
      [false, false, true],
    );
    assert.equal(parseIgnoreRules("*\n!**/keep\n").skipsTree("lib"), false);
  });
});

describe("docker-build: diff", () => {
  const built = (inputs: ImageInputs) => ({ ...inputs, contextHash: hashOf(inputs) });
  const base = () => withDefaults({ context: { location: files(app) }, push: true, tags: ["localhost:5001/app"] });
  const diff = (olds: ImageInputs, news: ImageInputs) => diffImage(built(olds), news, () => false);

  it("is empty for the same source, from whatever folder", () => {
    const [here, there] = [
      base(),
      withDefaults({ ...base(), dockerfile: {}, context: { location: files(app, "copy") } }),
    ];
    assert.deepEqual(diff(here, there), {});
    assert.deepEqual(diff(here, { ...here, load: false, cacheTo: [] }), {});
  });

  it("names what changed", () => {
    const news = { ...base(), labels: { a: "1" }, buildOnPreview: false };
    const olds = built(base());
    files({ "a.txt": "other" });
    const expected = { buildOnPreview: "update", contextHash: "update", labels: "add" };
    assert.deepEqual(
      diffImage(olds, news, () => false),
      expected,
    );
    assert.deepEqual(diff(base(), { ...base(), pull: true }), { pull: "add", contextHash: "update" });
  });

  it("counts a new user of a registry, but neither a new password nor a secret to be ignored", () => {
    const login = (username: string, password: string) => ({ registries: [{ address: "r.test", username, password }] });
    assert.deepEqual(diff({ ...base(), ...login("a", "1") }, { ...base(), ...login("a", "2") }), {});
    assert.deepEqual(diff({ ...base(), ...login("a", "1") }, { ...base(), ...login("b", "1") }), {
      registries: "update",
    });
    const [olds, news] = [
      { ...base(), secrets: { t: "1" } },
      { ...base(), secrets: { t: "2" } },
    ];
    assert.deepEqual(diff(olds, news), { secrets: "update" });
    assert.deepEqual(diff(olds, { ...news, ignoreSecretsInDiffCalculation: ["t"] }), {});
  });
});
