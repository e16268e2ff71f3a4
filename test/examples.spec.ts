import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import * as components from "../components/index.ts";
import { graph, useMocks } from "./mocks.ts";

describe("the examples in the components' documentation", () => {
  beforeEach(() => useMocks());

  for (const [file, type] of [
    ["container-image", "docker-build:index:Image hello"],
    ["web-service", "kubernetes:apps/v1:Deployment hello"],
  ] as const) {
    it(`make a ${type} in components/${file}.ts`, async () => {
      const text = readFileSync(new URL(`../components/${file}.ts`, import.meta.url), "utf8");
      const [, comment] = /@example\n((?: \* .*\n)+)/.exec(text)!;
      const program = comment!.replaceAll(/^ \* (export )?/gm, "");
      new Function(...Object.keys(components), program)(...Object.values(components));
      assert.ok((await graph()).includes(type));
    });
  }
});
