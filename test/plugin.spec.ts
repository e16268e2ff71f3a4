import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { SimpleKeyValueStore, SimpleWebService } from "../plugin/index.ts";
import { digest, graph, specOf, useMocks } from "./mocks.ts";

const folder = new URL("../plugin", import.meta.url).pathname;
const json = (file: string) => JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8")) as Manifest;

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}
interface Definition {
  readonly inputs: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly outputs: Readonly<Record<string, unknown>>;
}
interface AnalyzerModule {
  readonly Analyzer: new (
    folder: string,
    name: string,
    manifest: Manifest,
    components: ReadonlySet<string>,
  ) => {
    analyze(): { readonly components: Readonly<Record<string, Definition>> };
  };
}

describe("the plugin for other languages", () => {
  beforeEach(() => useMocks());

  it("has a schema, as Pulumi reads it from the source", function () {
    this.timeout(60_000);
    const { Analyzer } = createRequire(import.meta.url)(
      "@pulumi/pulumi/provider/experimental/analyzer.js",
    ) as AnalyzerModule;
    const names = new Set(["SimpleWebService", "SimpleKeyValueStore", "Dashboard"]);
    const { components } = new Analyzer(folder, "meridian", json("../plugin/package.json"), names).analyze();

    const required = (name: string) =>
      Object.entries(components[name]!.inputs).flatMap(([key, { optional }]) => (optional === true ? [] : key));
    assert.deepEqual([...names].map(required), [["image"], ["image"], ["image"]]);
    assert.deepEqual(
      [...names].map((name) => Object.keys(components[name]!.outputs).toSorted()),
      [
        ["clusterUrl", "url"],
        ["password", "url"],
        ["openCommand", "tokenCommand"],
      ],
    );
  });

  it("depends on the versions that the program uses, and has its version", () => {
    const [own, program] = [json("../plugin/package.json"), json("../package.json")];
    assert.equal(own.version, program.version);
    for (const [name, version] of Object.entries(own.dependencies)) {
      assert.equal(version, program.dependencies[name], name);
    }
  });

  it("makes what the components make", async () => {
    new SimpleWebService("hello", { image: `hello@${digest}`, port: 80, replicas: 2, regions: ["eu"] });
    new SimpleKeyValueStore("store", { image: `valkey@${digest}`, size: "2Gi" });

    assert.equal((await graph()).length, 16);
    assert.equal((await specOf("kubernetes:apps/v1:Deployment"))["replicas"], 2);
    const { ports } = await specOf("kubernetes:core/v1:Service", "hello");
    assert.deepEqual(ports, [{ name: "http", port: 80, targetPort: "http" }]);
  });

  it("refuses in its own words what is wrong", () => {
    assert.throws(() => new SimpleKeyValueStore("store", { image: "valkey", size: "2 GB" }), {
      message: 'size must be a Kubernetes quantity above 0 such as "32Mi" or "1Gi", got "2 GB"',
    });
  });
});
