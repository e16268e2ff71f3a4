import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Image, type ImageArgs } from "@pulumi/docker-build";
import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation/index.js";

import { build } from "../../local/plugins/docker-build/build.ts";
import { repository as project } from "../../local/paths.ts";
import { withDefaults } from "../../local/plugins/docker-build/inputs.ts";

/** Needs what `npm run e2e` sets up: `pulumi` and `buildctl` on PATH, BUILDKIT_HOST, and this registry. */
const registry = process.env["E2E_REGISTRY"] ?? "localhost:5001";

const manifestTypes =
  "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json";

const askForManifest = (method: string, repository: string, digest: string): Promise<Response> =>
  fetch(`http://${registry}/v2/${repository}/manifests/${digest}`, { method, headers: { accept: manifestTypes } });

async function answer(method: string, repository: string, digest: string): Promise<number> {
  return (await askForManifest(method, repository, digest)).status;
}

/** What a node has to pull, in bytes. */
async function layersSize(repository: string, digest: string): Promise<number> {
  const manifest = await (await askForManifest("GET", repository, digest)).json();
  return (manifest as { layers: { size: number }[] }).layers.reduce((sum, { size }) => sum + size, 0);
}

describe("an image from a real builder", function () {
  this.timeout(120_000);
  const repository = `e2e/${randomUUID()}`;
  let folder: string;
  let context: string;
  let args: ImageArgs;
  let stack: Stack;
  const pushed = new Set<string>();

  const write = (name: string, text: string) => writeFileSync(join(context, name), text);
  /** `pulumi up`: what happened to the image, and its outputs. */
  async function up() {
    const { summary, outputs } = await stack.up();
    const { digest, ref } = outputs as Record<string, { value: string } | undefined>;
    if (digest) pushed.add(digest.value);
    return { changes: summary.resourceChanges ?? {}, digest: digest?.value ?? "", ref: ref?.value ?? "" };
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "image-e2e-"));
    context = join(folder, "app");
    mkdirSync(context);
    args = {
      push: true,
      tags: [`${registry}/${repository}:v1`],
      context: { location: context },
      buildOnPreview: false,
    };
    const program = async () => {
      const image = new Image("app", args);
      return { digest: image.digest, ref: image.ref };
    };
    stack = await LocalWorkspace.createOrSelectStack(
      { stackName: "e2e", projectName: "image-e2e", program },
      {
        envVars: { PULUMI_BACKEND_URL: `file://${folder}`, PULUMI_CONFIG_PASSPHRASE: "e2e" },
        projectSettings: { name: "image-e2e", runtime: "nodejs", backend: { url: `file://${folder}` } },
      },
    );
  });
  beforeEach(() => {
    write("Dockerfile", "FROM scratch\nCOPY a.txt /\n");
    write("a.txt", "one");
    write(".dockerignore", "*.log\n");
  });
  after(async () => {
    await stack.destroy();
    // Earlier releases outlive an update on purpose.
    for (const digest of pushed) await answer("DELETE", repository, digest);
    rmSync(folder, { recursive: true, force: true });
  });

  it("is pushed, named by its digest, and not touched by a second `up`, not even from another checkout", async () => {
    await stack.preview();
    assert.equal((await fetch(`http://${registry}/v2/${repository}/tags/list`)).status, 404);
    const first = await up();
    assert.deepEqual(first.changes, { create: 2 });
    assert.match(first.digest, /^sha256:[0-9a-f]{64}$/);
    assert.equal(first.ref, `${registry}/${repository}:v1@${first.digest}`);
    assert.equal(await answer("HEAD", repository, first.digest), 200);
    write("new.log", "left out");
    assert.deepEqual((await up()).changes, { same: 2 });
    const checkout = join(folder, "checkout");
    cpSync(context, checkout, { recursive: true });
    const given = args;
    args = { ...args, context: { location: checkout } };
    assert.deepEqual((await up()).changes, { same: 2 });
    args = given;
  });

  it("is another one for another source, and the same one again, without cache, for the same", async () => {
    const first = await up();
    write("a.txt", "two");
    const second = await up();
    assert.deepEqual(second.changes, { same: 1, update: 1 });
    assert.notEqual(second.digest, first.digest);
    // Whoever rolls back needs it.
    assert.equal(await answer("HEAD", repository, first.digest), 200);
    write("a.txt", "one");
    args = { ...args, noCache: true };
    assert.equal((await up()).digest, first.digest);
  });

  it("of the app is at most 60 % of what its folder on the same Node would be", async () => {
    const given = args;
    const size = async (more: Partial<ImageArgs>) => {
      args = { ...given, ...more, context: { location: join(project, "app") } };
      return layersSize(repository, (await up()).digest);
    };
    const inline = "FROM node:24-slim\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD npm start\n";
    const naive = await size({ dockerfile: { inline } });
    const ours = await size({});
    args = given;
    assert.ok(ours <= 0.6 * naive, `${ours} of ${naive} bytes`);
  });

  it("says which line of the Dockerfile fails, and keeps what there was", async () => {
    const { digest } = await up();
    write("Dockerfile", "FROM scratch\nCOPY a.txt /\nCOPY nowhere /\n");
    await assert.rejects(stack.up(), /the build failed: .*"\/nowhere": not found[^]*3 \| >>> COPY nowhere \//);
    assert.equal(await answer("HEAD", repository, digest), 200);
  });

  it("uses secrets without leaving them anywhere", async () => {
    const secret = `secret-${randomUUID()}`;
    // "node" is the base image of the kit's own registry.
    const run = `RUN --mount=type=secret,id=token node -e "console.log(fs.readFileSync('/run/secrets/token', 'utf8')); process.exit(3)"`;
    write("Dockerfile", `FROM node:24-slim\n${run}\n`);
    args = { ...args, secrets: { token: secret } };
    await assert.rejects(stack.up(), (error: Error) => {
      assert.match(error.message, /\[secret\]/);
      assert.ok(!error.message.includes(secret));
      return true;
    });
    write("Dockerfile", "FROM scratch\nCOPY a.txt /\n");
    await up();
    assert.ok(!readFileSync(join(folder, ".pulumi", "stacks", "image-e2e", "e2e.json"), "utf8").includes(secret));
  });

  it("stops building when it is cancelled", async () => {
    // A download that never ends, so that the builder is busy for as long as the test wants.
    const cancel = new AbortController();
    let closed = () => {};
    const connectionClosed = new Promise<void>((resolve) => (closed = resolve));
    const server = createServer((request) => {
      request.socket.once("close", closed);
      cancel.abort();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${randomUUID()}`;
    const inputs = withDefaults({
      context: { location: context },
      dockerfile: { inline: `FROM scratch\nADD ${url} /\n` },
    });
    const quiet = () => undefined;
    const cancelled = build(inputs, false, { signal: cancel.signal, status: quiet, log: quiet });
    await assert.rejects(cancelled, { message: "the build was cancelled and its builder told to stop" });
    await connectionClosed;
    server.close();
  });

  it("is built again when a refresh finds it missing, and deleted with the stack", async () => {
    const { digest } = await up();
    assert.equal(await answer("DELETE", repository, digest), 202);
    await stack.refresh();
    const again = await up();
    assert.deepEqual([again.changes, again.digest], [{ create: 1, same: 1 }, digest]);
    assert.equal(await answer("HEAD", repository, digest), 200);
    await stack.destroy();
    assert.equal(await answer("HEAD", repository, digest), 404);
  });
});
