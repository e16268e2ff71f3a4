import assert from "node:assert/strict";

import { dockerHost } from "../../local/docker.ts";
import { edgeImage, seedEdgeImage } from "../../local/images.ts";
import { loseNothing, startEngine } from "./docker-engine.ts";
import { Program } from "./support.ts";

describe("a release on one Docker host, under load", function () {
  this.timeout(600_000);
  let program: Program;
  let url: string;
  const config: Record<string, unknown> = { target: "docker", version: "v0.0.1", cdnImage: edgeImage };

  before(async () => {
    await startEngine();
    await seedEdgeImage();
    program = await Program.create(config);
    program.env["DOCKER_HOST"] = dockerHost;
    await program.up();
    url = await program.output("url");
  });
  after(() => program.remove());

  it("is measured by a load that loses nothing while there is no release", async () => {
    const { versions } = await loseNothing(url, 2_000, async () => undefined);
    assert.deepEqual(Object.keys(versions), ["v0.0.1"]);
  });

  it("loses none of 20,000 requests", async () => {
    const { versions, backwards } = await loseNothing(url, 20_000, async () => {
      const port = Number(new URL(url).port);
      const names = { namespace: program.namespace, repository: program.image };
      program.configure({ ...names, port, ...config, version: "v0.0.2" });
      await program.up();
    });
    assert.deepEqual(Object.keys(versions).sort(), ["v0.0.1", "v0.0.2"]);
    // The balancer turns from one release to the other at once.
    assert.deepEqual(backwards, { fresh: 0, keepAlive: 0 });
  });
});
