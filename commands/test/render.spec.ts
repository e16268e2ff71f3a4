import assert from "node:assert/strict";

import { parseAllDocuments } from "yaml";

import { manifests, stackConfig } from "../manifests.ts";
import { parseArguments, toYaml } from "../render.ts";

describe("render", () => {
  it("gives every object of the program a kind, a name and a place, the namespace first", async () => {
    const objects = await manifests(stackConfig("dev", { namespace: "shop" }));

    assert.deepEqual(
      objects.map(({ kind, metadata: { name, namespace } }) => `${kind} ${namespace ?? "-"}/${name}`).toSorted(),
      [
        "Deployment shop/hello",
        "Namespace -/shop",
        "NetworkPolicy shop/hello",
        "PodDisruptionBudget shop/hello",
        "Service shop/hello",
        "ServiceAccount shop/hello",
      ],
    );
    assert.equal(objects[0]?.kind, "Namespace");
  });

  it("leaves out what is secret, and stands in for what is not known yet", async () => {
    const objects = await manifests(stackConfig("dev", { store: "true", release: "blueGreen" }));

    const secrets = objects.filter(({ kind }) => kind === "Secret");
    assert.equal(secrets.length, 2);
    for (const { stringData } of secrets) {
      assert.deepEqual(new Set(Object.values(stringData as object)), new Set(["[secret]"]));
    }
    const text = toYaml(objects);
    assert.match(text, new RegExp(`image: localhost:5001/meridian/hello@sha256:0{64}`));
    assert.match(text, /app.kubernetes.io\/instance: hello-00000000/);
    assert.doesNotMatch(text, /undefined|\[object/);
  });

  it("refuses a wrong configuration as an update would", async () => {
    await assert.rejects(
      manifests(stackConfig("dev", { replicas: "0" })),
      /replicas must be an integer from 1 to 100, got 0/,
    );
  });

  it("writes one YAML document for each object", async () => {
    const objects = await manifests(stackConfig("dev"));
    const read = parseAllDocuments(toYaml(objects)).map((document) => document.toJS() as unknown);

    assert.deepEqual(read, JSON.parse(JSON.stringify(objects)));
  });

  it("takes the stack and changes of its configuration from the command line", () => {
    assert.deepEqual(parseArguments([]), { stack: "dev", config: {}, format: "kubernetes", quiet: false });
    assert.deepEqual(parseArguments(["--stack", "prod", "--config", "replicas=6", "--config", "meridian:image=a=b"]), {
      stack: "prod",
      config: { replicas: "6", image: "a=b" },
      format: "kubernetes",
      quiet: false,
    });
  });

  for (const args of [["--config", "replicas"], ["--config", "=6"], ["--fast"], ["x"]]) {
    it(`refuses ${args.join(" ")}`, () => {
      assert.throws(() => parseArguments(args), { name: /CommanderError|InvalidArgumentError/ } as unknown as Error);
    });
  }

  it("has a stack's values before the defaults, and those that are given before both", () => {
    const { regions, replicas, port } = stackConfig("dev", { port: "80" });
    assert.deepEqual({ regions, replicas, port }, { regions: '["eu","us","ap"]', replicas: "3", port: "80" });
    const message = 'there is no stack "nowhere": its file Pulumi.nowhere.yaml is missing.';
    assert.throws(() => stackConfig("nowhere"), { message });
  });
});
