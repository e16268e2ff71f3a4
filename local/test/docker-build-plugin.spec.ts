import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { build, explainFailure } from "../plugins/docker-build/build.ts";
import { withDefaults } from "../plugins/docker-build/inputs.ts";
import { dockerBuild } from "../plugins/docker-build/provider.ts";
import { RegistryClient } from "../plugins/docker-build/registry.ts";
import { withLogins } from "../plugins/docker-build/workspace.ts";
import { type Bag, unknownValue } from "../plugins/serve.ts";
import { app, callOf, digest, files, folder, useFolder, withBuildctl } from "./docker-build-fixtures.ts";

useFolder();

describe("docker-build: a build", () => {
  const inputs = () => ({
    ...withDefaults({ context: { location: files(app) }, push: true, tags: ["localhost:5001/app:v1"] }),
  });
  const writeDigest = `while [ "$1" != --metadata-file ]; do shift; done; echo '{"containerimage.digest":"${digest}"}' > "$2"`;

  it("gives digest and ref, and cleans up its folder with the logins", async () => {
    const log = join(folder, "log");
    const script = `echo "$DOCKER_CONFIG $(stat -c %a "$DOCKER_CONFIG") $(cat "$DOCKER_CONFIG/config.json")" > ${log}\n${writeDigest}`;
    const bag = { ...inputs(), registries: [{ address: "r.test", username: "u", password: "p" }] } as unknown as Bag;
    const made = await withBuildctl(script, () =>
      dockerBuild.create({ inputs: bag, preview: false, timeoutSeconds: 0, secrets: [] }, callOf()),
    );
    assert.deepEqual([made.id, made.outputs["ref"]], [digest, `localhost:5001/app:v1@${digest}`]);
    assert.deepEqual(made.secrets, [["registries"]]);
    const [config = "", mode] = readFileSync(log, "utf8").split(" ");
    assert.deepEqual([mode, existsSync(config)], ["700", false]);
  });

  it("runs in a preview only if buildOnPreview says so, and then promises only what is there already", async () => {
    const preview = (buildOnPreview: boolean, oldOutputs: Bag, script: string) =>
      withBuildctl(script, async () => {
        const bag = { ...inputs(), buildOnPreview } as unknown as Bag;
        const request = {
          id: digest,
          inputs: bag,
          oldInputs: {},
          oldOutputs,
          ignoreChanges: [],
          preview: true,
          timeoutSeconds: 0,
          secrets: [],
        };
        const { outputs } = await dockerBuild.update(request, callOf());
        return [outputs["digest"], outputs["ref"]];
      });
    const old = { digest, ref: `localhost:5001/app:v1@${digest}` };
    assert.deepEqual(await preview(false, old, "exit 1"), [unknownValue, unknownValue]);
    assert.deepEqual(await preview(true, {}, writeDigest), [unknownValue, unknownValue]);
    assert.deepEqual(await preview(true, old, writeDigest), [old.digest, old.ref]);
  });

  it("shows the end of a failed one without its secrets", async () => {
    const script = `echo '#1 DONE 0.1s' >&2; echo "#2 it is $BUILD_SECRET_0" >&2; echo 'error: failed to solve: exit code: 3' >&2; exit 1`;
    const failing = withBuildctl(script, () => build({ ...inputs(), secrets: { t: "sesame" } }, false, callOf()));
    await assert.rejects(failing, { message: "the build failed: exit code: 3\n#2 it is [secret]" });
  });

  it("names the builder that it cannot reach", () => {
    const line =
      'error: listing workers: Unavailable: connection error: desc = "dial tcp 127.0.0.1:9: connect: connection refused"';
    assert.equal(
      explainFailure([line], "tcp://127.0.0.1:9"),
      "cannot reach the BuildKit builder at tcp://127.0.0.1:9 (connection refused): start it, or set BUILDKIT_HOST to the address of one that runs",
    );
  });

  it("stops with its child when it is cancelled", async () => {
    const cancel = new AbortController();
    const script = "trap 'exit 1' INT; echo '#1 waiting' >&2; while :; do sleep 0.05; done";
    const status = () => cancel.abort();
    const cancelled = withBuildctl(script, () => build(inputs(), false, callOf({ signal: cancel.signal, status })));
    await assert.rejects(cancelled, { message: "the build was cancelled and its builder told to stop" });
  });

  it("lets the image's logins win over the user's own and their helpers", () => {
    const own = { auths: { "own.test": {} }, credsStore: "pass" };
    assert.deepEqual(withLogins(own, [{ address: "https://r.test/v1/", username: "u", password: "p" }]), {
      auths: { "own.test": {}, "https://r.test/v1/": { auth: "dTpw" } },
      credHelpers: { "https://r.test/v1/": "", "r.test": "" },
      credsStore: "pass",
    });
  });
});

describe("docker-build: a pushed image", () => {
  /** A registry that asks for a token and has one image. Returns what was asked for. */
  async function withRegistry(use: (host: string) => Promise<void>): Promise<readonly string[]> {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      const { method = "", url = "", headers } = request;
      asked.push(`${method} ${url} ${headers.authorization ?? "-"}`);
      if (url.startsWith("/token")) return void response.end('{"token":"t"}');
      const realm = `http://${headers.host ?? ""}/token`;
      if (!headers.authorization) response.setHeader("www-authenticate", `Bearer realm="${realm}",service="s"`);
      response.statusCode = !headers.authorization
        ? 401
        : method === "DELETE"
          ? 405
          : url.includes("/app/")
            ? 200
            : 404;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      await use(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.close();
    }
    return asked;
  }

  it("is looked for with the image's login, and its absence is told from an unreachable registry", async () => {
    const asked = await withRegistry(async (host) => {
      const client = new RegistryClient([{ address: host, username: "u", password: "p" }]);
      assert.equal(await client.has(`${host}/app:v1`, digest), "found");
      assert.equal(await client.has(`${host}/gone:v1`, digest), "missing");
      assert.equal(await client.delete(`${host}/app:v1`, digest), "refused");
    });
    const url = `/v2/app/manifests/${digest}`;
    assert.deepEqual(asked.slice(0, 3), [`HEAD ${url} -`, "GET /token?service=s Basic dTpw", `HEAD ${url} Bearer t`]);
    assert.equal(await new RegistryClient().has("127.0.0.1:9/app:v1", digest), "unreachable");
  });

  it("is dropped from the state when it is gone, kept when nobody can tell, and cannot be imported", async () => {
    await withRegistry(async (host) => {
      const read = (tag: string) => {
        const outputs = { push: true, tags: [tag], digest };
        return dockerBuild.read({ id: digest, inputs: {}, outputs, secrets: [] }, callOf());
      };
      assert.equal(await read(`${host}/gone:v1`), undefined);
      assert.deepEqual((await read("127.0.0.1:9/app:v1"))?.outputs["tags"], ["127.0.0.1:9/app:v1"]);
    });
    const imported = dockerBuild.read({ id: "x", inputs: {}, outputs: {}, secrets: [] }, callOf());
    await assert.rejects(imported, /^Error: an image cannot be imported, got "x"/);
    const index = dockerBuild.delete(
      { id: "", outputs: {}, oldInputs: {}, timeoutSeconds: 0 },
      callOf({ type: "docker-build:index:Index" }),
    );
    await assert.rejects(index, /^Error: docker-build:index:Index is not supported by the local kit/);
  });
});
