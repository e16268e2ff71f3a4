import assert from "node:assert/strict";

import { dockerHost } from "../../local/docker.ts";
import { edgeImage, seedEdgeImage, seedStoreImage } from "../../local/images.ts";
import { assertSpread, assertUnchanged, docker, loseNothing, madeOnEngine, startEngine } from "./docker-engine.ts";
import { Program, until } from "./support.ts";

describe("the app on a Swarm", function () {
  this.timeout(600_000);
  let program: Program;
  let url: string;
  /** What was there before: an engine keeps what a run that was killed has left. */
  let there: ReadonlySet<string>;
  const config: Record<string, unknown> = {
    target: "swarm",
    // The kernel may have no IPVS, which Swarm's own balancing needs.
    swarmPublish: "balancer",
    version: "v0.0.1",
    store: true,
    storeProtected: false,
    cdnImage: edgeImage,
  };
  const ask = async (): Promise<{ counter?: number; name: string; version: string }> =>
    (await (await fetch(`${url}/api?close`)).json()) as { counter?: number; name: string; version: string };
  /** The app's tasks that can have requests. */
  const replicas = async () =>
    (await docker.listContainers({ filters: { health: ["healthy"] } })).filter(({ Labels }) =>
      /^hello-[0-9a-f]+$/.test(Labels["com.docker.swarm.service.name"] ?? ""),
    );
  const configure = (changes: Record<string, unknown>): void =>
    program.configure({
      namespace: program.namespace,
      repository: program.image,
      port: Number(new URL(url).port),
      ...Object.assign(config, changes),
    });

  before(async () => {
    await startEngine({ swarm: true });
    await Promise.all([seedStoreImage(), seedEdgeImage()]);
    program = await Program.create(config);
    program.env["DOCKER_HOST"] = dockerHost;
    // A quarter of a core is what the stack gives: enough for people, and too little for so many requests.
    program.edit("on-docker.ts", '? "0.25"', '? "1"');
    there = await madeOnEngine(program.image);
    await program.up();
    url = await program.output("url");
  });
  after(() => program.remove());

  it("spreads 100 requests over three replicas", async () => {
    await assertSpread(url);
  });

  it("changes nothing the second time", async () => {
    assertUnchanged(await program.up());
  });

  it("is measured by a load that loses nothing while there is no release", async () => {
    const { versions } = await loseNothing(url, 2_000, async () => undefined);
    assert.deepEqual(Object.keys(versions), ["v0.0.1"]);
  });

  it("loses none of 20,000 requests in a release", async () => {
    const { versions } = await loseNothing(url, 20_000, async () => {
      configure({ version: "v0.0.2" });
      await program.up();
    });
    assert.deepEqual(Object.keys(versions).sort(), ["v0.0.1", "v0.0.2"]);
  });

  it("gets back a task whose container was killed, and the count goes on", async () => {
    const before = (await ask()).counter ?? assert.fail();
    const [victim] = await replicas();
    await docker.getContainer(victim!.Id).kill();
    await until("another task in its place", async () => {
      const ids = (await replicas()).map(({ Id }) => Id);
      return ids.length === 3 && !ids.includes(victim!.Id);
    });
    assert.ok(((await ask()).counter ?? 0) > before);
  });

  it("is rolled back to the version before when a version crashes, and says why", async () => {
    const crash = `command: ["node", "-e", "process.exit(3)"],`;
    program.edit("on-docker.ts", "image: image.ref,\n  replicas", `image: image.ref,\n  ${crash}\n  replicas`);
    const { code, output } = await program.attempt("up", "--yes", "--skip-preview");

    assert.notEqual(code, 0);
    assert.match(output, /the update of hello-\w+ failed and was rolled back: task: non-zero exit \(3\)/);
    assert.equal((await ask()).version, "v0.0.2");
    assert.equal((await replicas()).length, 3);
  });

  it("leaves no container, service, volume, network, secret or image behind", async () => {
    const ours = [...(await madeOnEngine(program.image))].filter((name) => !there.has(name));
    // The store, the balancer and three tasks, which are the last of several.
    assert.ok(ours.filter((name) => name.startsWith("/")).length >= 5, ours.join(", "));
    for (const name of ["hello-", "hello-store-", "hello-balancer-"]) {
      assert.ok(ours.filter((made) => made.startsWith(name)).length >= 2, ours.join(", "));
    }
    await program.pulumi("destroy", "--yes", "--skip-preview");
    const left = await madeOnEngine(program.image);
    assert.deepEqual(
      ours.filter((name) => left.has(name)),
      [],
    );
  });
});
