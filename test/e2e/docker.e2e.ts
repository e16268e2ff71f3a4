import assert from "node:assert/strict";

import { dockerHost } from "../../local/docker.ts";
import { edgeImage, seedEdgeImage, seedStoreImage } from "../../local/images.ts";
import { leadsIntoCluster } from "../../local/network.ts";
import { ports } from "../../local/paths.ts";
import { dockerPlugin } from "../../local/plugins/docker/provider.ts";
import type { Call } from "../../local/plugins/provider.ts";
import { assertSpread, assertUnchanged, docker, madeOnEngine, startEngine } from "./docker-engine.ts";
import { Program, until } from "./support.ts";

describe("the app on one Docker host", function () {
  this.timeout(300_000);
  let program: Program;
  let url: string;
  /** What was there before: an engine keeps what a run that was killed has left. */
  let there: ReadonlySet<string>;
  const config: Record<string, unknown> = {
    target: "docker",
    version: "v0.0.2",
    store: true,
    storeProtected: false,
    cdnImage: edgeImage,
  };
  const ask = async (): Promise<{ counter?: number; name: string; pod: string; version: string }> =>
    (await (await fetch(`${url}/api?close`)).json()) as {
      counter?: number;
      name: string;
      pod: string;
      version: string;
    };
  /** The running replicas. */
  const replicas = () => docker.listContainers({ filters: { name: ["^/hello-[0-9]+-"] } });

  before(async () => {
    await startEngine();
    await Promise.all([seedStoreImage(), seedEdgeImage()]);
    program = await Program.create(config);
    program.env["DOCKER_HOST"] = dockerHost;
    there = await madeOnEngine(program.image);
    await program.up();
    url = await program.output("url");
  });
  after(() => program.remove());

  it("spreads 100 requests over three replicas", async () => {
    await assertSpread(url);
  });

  it("has its port of localhost, which the cluster would have first", async () => {
    assert.equal(await leadsIntoCluster(Number(new URL(url).port)), false);
    assert.equal(await leadsIntoCluster(ports.registry), true);
  });

  it("changes nothing the second time", async () => {
    assertUnchanged(await program.up());
  });

  it("gets back a replica whose program was killed, and the count goes on", async () => {
    const before = (await ask()).counter ?? assert.fail();
    const victim = docker.getContainer((await replicas())[0]!.Id);
    process.kill((await victim.inspect()).State.Pid, "SIGKILL");
    await until("the killed replica to be healthy again", async () => {
      const { RestartCount, State } = await victim.inspect();
      return RestartCount === 1 && State.Health?.Status === "healthy";
    });
    assert.ok(((await ask()).counter ?? 0) > before);
  });

  it("keeps its count when the store is killed", async () => {
    const before = (await ask()).counter ?? assert.fail();
    const [store] = await docker.listContainers({ filters: { name: ["^/hello-store-"] } });
    // What was written within the last second may not be on disk yet.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    process.kill((await docker.getContainer(store!.Id).inspect()).State.Pid, "SIGKILL");
    let counter: number | undefined;
    await until("the store to count again", async () => (counter = (await ask()).counter) !== undefined);
    assert.ok(counter! > before);
  });

  it("refuses a port that is taken, and a volume that is there with other options, each with a sentence", async () => {
    const plugin = dockerPlugin();
    await plugin.configure!({ host: dockerHost }, call("docker"));
    const create = (kind: string, inputs: Record<string, unknown>) =>
      plugin.create({ inputs: inputs as never, preview: false, timeoutSeconds: 0, secrets: [] }, call(kind));

    const port = Number(new URL(url).port);
    const container = {
      name: `${program.namespace}-port`,
      image: edgeImage,
      ports: [{ internal: 80, external: port }],
    };
    await assert.rejects(create("Container", container), {
      message: `port ${port} of the machine with the Docker engine at ${dockerHost} is taken; stop what uses it (\`docker ps --filter publish=${port}\` may name it), or choose another port`,
    });
    const name = `${program.namespace}-volume`;
    await create("Volume", { name });
    try {
      await assert.rejects(create("Volume", { name, driverOpts: { type: "tmpfs", device: "tmpfs" } }), {
        message: `the volume ${name} exists already with other options, ["local",{}]; remove it (\`docker volume rm ${name}\`, with its data), or choose another name`,
      });
    } finally {
      await docker.getVolume(name).remove();
    }
  });

  it("keeps the traffic where it is when a version crashes, says why, and goes back to the version before", async () => {
    const crash = `command: ["node", "-e", "console.log('no licence'); process.exit(3)"],`;
    const edit = ["image: image.ref,\n  replicas", `image: image.ref,\n  ${crash}\n  replicas`] as const;
    const port = Number(new URL(url).port);
    const names = { namespace: program.namespace, repository: program.image, port };
    program.edit("on-docker.ts", ...edit);
    program.configure({ ...names, ...config, version: "v0.0.3" });
    const { code, output } = await program.attempt("up", "--yes", "--skip-preview");

    assert.notEqual(code, 0);
    assert.match(output, /the container hello-1-\w+ ended with exit code 3; its last words:\s+no licence/);
    assert.equal((await ask()).version, "v0.0.2");
    assert.equal((await replicas()).length, 3);

    program.edit("on-docker.ts", edit[1], edit[0]);
    program.configure({ ...names, ...config });
    await program.up();
    assert.equal((await ask()).version, "v0.0.2");
    assert.equal((await replicas()).length, 3);
  });

  it("leaves no container, volume, network or image behind", async () => {
    const ours = [...(await madeOnEngine(program.image))].filter((name) => !there.has(name));
    assert.equal(ours.filter((name) => name.startsWith("/")).length, 6);
    await program.pulumi("destroy", "--yes", "--skip-preview");
    const left = await madeOnEngine(program.image);
    assert.deepEqual(
      ours.filter((name) => left.has(name)),
      [],
    );
  });
});

const call = (kind: string): Call => ({
  urn: `urn:pulumi:e2e::meridian::docker:index:${kind}::test`,
  type: `docker:index:${kind}`,
  name: "test",
  signal: new AbortController().signal,
  status: () => undefined,
  log: () => undefined,
});
