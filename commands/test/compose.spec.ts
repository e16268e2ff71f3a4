import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { parse } from "yaml";

import { compose } from "../compose.ts";
import type { Compose, Service } from "../compose.ts";
import { stackConfig } from "../manifests.ts";
import { parseArguments, writeCompose } from "../render.ts";

const schema = JSON.parse(readFileSync(new URL("fixtures/compose-spec.json", import.meta.url), "utf8")) as object;
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
// A duration such as 1m30s, a format of this schema only.
ajv.addFormat("duration", /^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$/);
const isValid = ajv.compile(schema);

const render = (format: "compose" | "stack", changed: Record<string, string> = {}): Promise<Compose> =>
  compose(format, stackConfig("dev", changed), "../..");

describe("render --format compose and stack", () => {
  for (const format of ["compose", "stack"] as const) {
    for (const changed of [
      {},
      { store: "true" },
      { swarmPublish: "balancer", store: "true", replicas: "7" },
    ] as const) {
      it(`writes a valid ${format} file with ${JSON.stringify(changed)}`, async () => {
        const { document } = await render(format, changed);
        assert.ok(isValid(document), JSON.stringify(isValid.errors, null, 2));
      });
    }
  }

  it("tells a wrong file from a valid one", () => {
    assert.ok(!isValid({ services: { hello: { image: 1 } } }));
    assert.ok(!isValid({ services: { hello: { image: "a", imagePort: 1 } } }));
  });

  it("makes one service of all replicas, built from the app's Dockerfile", async () => {
    const { document } = await render("compose", { replicas: "4", version: "v0.0.2" });

    assert.deepEqual(Object.keys(document.services).toSorted(), ["hello", "hello-balancer"]);
    const { image, build, deploy } = document.services["hello"] as Service;
    assert.equal(image, "localhost:5001/meridian/hello:v0.0.2");
    assert.deepEqual(build, { context: "../../app", args: { VERSION: "v0.0.2" } });
    assert.deepEqual(deploy, { replicas: 4 });
  });

  it("keeps what makes the containers safe", async () => {
    const { document } = await render("compose", { store: "true" });

    for (const [name, service] of Object.entries(document.services)) {
      assert.equal(service["read_only"], true, name);
      assert.deepEqual(service["cap_drop"], ["ALL"], name);
      assert.deepEqual(service["security_opt"], ["no-new-privileges:true"], name);
      assert.match(String(service["user"]), /^[1-9]\d*:[1-9]\d*$/, name);
    }
  });

  it("has the balancer wait for replicas that are healthy, and these for the store", async () => {
    const { services } = (await render("compose", { store: "true" })).document;

    assert.deepEqual(services["hello-balancer"]?.["depends_on"], { hello: { condition: "service_healthy" } });
    assert.deepEqual(services["hello"]?.["depends_on"], { "hello-store": { condition: "service_healthy" } });
    assert.equal(services["hello-store"]?.["depends_on"], undefined);
  });

  it("leads the balancer to the replicas by the name that they have", async () => {
    const { document, files } = await render("compose");

    const { aliases } = (document.services["hello"]!["networks"] as { hello: { aliases: string[] } }).hello;
    assert.equal(files.get("configs/hello-release-name")?.text.trim(), aliases[0]);
    assert.ok(
      (document.services["hello-balancer"]!["configs"] as { target: string }[]).some(
        ({ target }) => target === "/release/name",
      ),
    );
  });

  it("names no volume, config or secret that it does not have, and has none that nobody uses", async () => {
    for (const format of ["compose", "stack"] as const) {
      const { document, files } = await render(format, { store: "true", swarmPublish: "balancer" });
      const used = (kind: string) =>
        Object.values(document.services)
          .flatMap((service) => (service[kind] ?? []) as { source?: string }[])
          .flatMap(({ source }) => source ?? []);
      for (const kind of ["volumes", "configs", "secrets"]) {
        assert.deepEqual(new Set(used(kind)), new Set(Object.keys(document[kind] as object)), `${format}, ${kind}`);
      }
      const named = ["configs", "secrets"].flatMap((kind) =>
        Object.values(document[kind] as Record<string, { file: string }>).map(({ file }) => file.replace("./", "")),
      );
      assert.deepEqual(new Set(named), new Set(files.keys()));
    }
  });

  it("keeps the updates of a Swarm's service", async () => {
    const { services } = (await render("stack", { swarmPublish: "ingress" })).document;

    const { deploy, ports } = services["hello"] as { deploy: Record<string, unknown>; ports: unknown };
    assert.deepEqual(deploy["update_config"], {
      parallelism: 1,
      delay: "0s",
      order: "start-first",
      failure_action: "rollback",
      monitor: "10s",
      max_failure_ratio: 0,
    });
    assert.deepEqual((deploy["resources"] as { limits: unknown }).limits, { cpus: "0.25", memory: "512000000b" });
    assert.deepEqual(ports, [{ target: 3000, published: 8888, mode: "ingress" }]);
  });

  it("doubles a $ in the file, which would stand for a variable, and not in the files that it names", async () => {
    const { document, files } = await render("compose", { store: "true" });

    const { test } = document.services["hello-store"]!["healthcheck"] as { test: string[] };
    assert.match(test[1]!, /\$\$\(REDISCLI_AUTH="\$\$\(sed/);
    assert.match(files.get("configs/hello-balancer-nginx-conf")!.text, /[^$]\$balancer_name/);
  });

  it("writes files with a stand-in for secrets, and leaves alone the secrets that are there", async () => {
    const folder = mkdtempSync(join(tmpdir(), "compose-"));
    try {
      const rendered = await render("compose", { store: "true" });
      const secret = join(folder, "secrets", "hello-store-password");
      const first = writeCompose(folder, "compose.yaml", rendered);
      assert.ok(first.includes(`${secret} is written: replace [secret] in it`));
      assert.equal(statSync(secret).mode & 0o777, 0o600);
      writeFileSync(secret, "mine");

      const again = writeCompose(folder, "compose.yaml", rendered);

      assert.ok(again.includes(`${secret} is kept as it is`));
      assert.equal(readFileSync(secret, "utf8"), "mine");
      assert.deepEqual(parse(readFileSync(join(folder, "compose.yaml"), "utf8")), rendered.document);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("takes the format and the folder from the command line", () => {
    const { format, out } = parseArguments(["--format", "stack", "--out", "there"]);
    assert.deepEqual({ format, out }, { format: "stack", out: "there" });
    assert.throws(() => parseArguments(["--format", "helm"]), /Allowed choices are kubernetes, compose, stack/);
  });
});
