import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import * as components from "../components/index.ts";
import { graph, useMocks } from "./mocks.ts";

describe("the examples in the components' documentation", () => {
  beforeEach(() => useMocks());

  for (const [file, type] of [
    ["container-image", "docker-build:index:Image hello"],
    ["docker-app", "docker:index/container:Container hello-1"],
    ["swarm-app", "docker:index/service:Service hello"],
    ["dashboard", "kubernetes:apps/v1:Deployment dashboard"],
    ["key-value-store", "kubernetes:apps/v1:StatefulSet store"],
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

describe("the example programs", () => {
  beforeEach(() => useMocks());

  for (const [name, components] of [
    ["one-service", ["WebService hello"]],
    ["image-to-service", ["ContainerImage shop", "KeyValueStore carts", "WebService shop"]],
  ] as const) {
    it(`make ${components.join(", ")} in examples/${name}`, async () => {
      await import(`../examples/${name}/index.ts`);
      const made = (await graph()).filter((resource) => resource.startsWith("meridian:index:"));
      assert.deepEqual(
        made,
        components.map((component) => `meridian:index:${component}`),
      );
      const text = readFileSync(new URL(`../examples/${name}/index.ts`, import.meta.url), "utf8");
      assert.ok(text.trimEnd().split("\n").length <= 15);
    });
  }
});
