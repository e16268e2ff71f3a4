import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { dockerHost } from "../../local/docker.ts";
import { namesOnEngine, startEngine } from "./docker-engine.ts";
import { Program, until } from "./support.ts";

const fixture = "test/e2e/fixtures/compose/compose.yaml";

for (const target of ["kubernetes", "docker", "swarm"] as const) {
  describe(`a Compose file, target ${target}`, function () {
    this.timeout(300_000);
    let program: Program;
    let url: string;
    const port = 20_000 + Math.floor(Math.random() * 10_000);

    before(async () => {
      if (target !== "kubernetes") await startEngine({ swarm: target === "swarm" });
      program = await Program.create({ port });
      program.env["DOCKER_HOST"] = dockerHost;
      for (const image of ["image: ${IMAGE:?the app's image}\n", "image: ${IMAGE}\n"]) {
        program.edit(fixture, image, `${image}    build: ../../../../app\n`);
      }
      if (target === "swarm") {
        // Without IPVS in the kernel there is neither the routing mesh nor the one address of a service.
        const port = "- target: 3100\n        published: ${WEB_PORT}\n        mode: host";
        program.edit(fixture, "- ${WEB_PORT:-8080}:3100", port);
        program.edit(fixture, "      replicas: 2", "      replicas: 2\n      endpoint_mode: dnsrr");
      }
      const variables = { IMAGE: `${program.image}:v0.0.1`, WEB_PORT: String(port) };
      writeFileSync(
        join(program.folder, "main.ts"),
        `import * as k8s from "@pulumi/kubernetes";
import { ComposeApp } from "./components/index.ts";
const namespace = "${program.namespace}";
const places = "${target}" === "kubernetes" ? [new k8s.core.v1.Namespace("pair", { metadata: { name: namespace } })] : [];
const variables = ${JSON.stringify(variables)};
export const { services } = new ComposeApp("pair", { file: "${fixture}", target: "${target}", namespace, variables }, { dependsOn: places });
`,
      );
      await program.up();
      url = `http://localhost:${port}`;
    });
    after(() => program.remove());

    it("is healthy where one service reaches the other by the name of its link, and answers on its port", async () => {
      let answer: Record<string, unknown> = {};
      await until("an answer", async () => {
        const response = await fetch(`${url}/api`).catch(() => undefined);
        answer = response?.ok === true ? ((await response.json()) as Record<string, unknown>) : {};
        return response?.ok === true;
      });
      assert.equal(answer["version"], "v0.0.1");
      assert.equal(answer["region"], "compose");
    });

    it("changes nothing the second time", async () => {
      assert.doesNotMatch(await program.up(), /[+~-] +\d+ (?:created|updated|replaced|deleted)/);
    });

    it("is refused for a key that cannot be carried over, with nothing changed", async () => {
      program.edit(fixture, "    env_file:", "    privileged: true\n    env_file:");
      const { code, output } = await program.attempt("up", "--yes", "--skip-preview");
      assert.notEqual(code, 0);
      assert.match(
        output,
        new RegExp(`services\\.web\\.privileged is not carried over to ${target}, got true; leave it out`),
      );
      assert.doesNotMatch(output, /[+~-] +\d+ (?:created|updated|replaced|deleted)/);
      assert.equal((await fetch(`${url}/api`)).status, 200);
    });

    it("leaves nothing behind", async () => {
      await program.pulumi("destroy", "--yes", "--skip-preview");
      if (target === "kubernetes") {
        assert.deepEqual(await program.list("pods", ".metadata.name").catch(() => []), []);
        return;
      }
      assert.deepEqual(
        (await namesOnEngine()).filter((name) => /^\/?pair-/.test(name)),
        [],
      );
    });
  });
}
