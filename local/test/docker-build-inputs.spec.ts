import assert from "node:assert/strict";
import { join } from "node:path";

import { buildCommand } from "../plugins/docker-build/arguments.ts";
import { type ImageInputs, withDefaults } from "../plugins/docker-build/inputs.ts";
import { dockerBuild } from "../plugins/docker-build/provider.ts";
import { parseReference, preferredReference, withDigest } from "../plugins/docker-build/reference.ts";
import { validate } from "../plugins/docker-build/validate.ts";
import { unknownValue } from "../plugins/serve.ts";
import { app, callOf, digest, files, folder, useFolder } from "./docker-build-fixtures.ts";

useFolder();

describe("docker-build: references", () => {
  it("takes them apart", () => {
    assert.deepEqual(parseReference("localhost:5001/team/app:v1"), {
      domain: "localhost:5001",
      path: "team/app",
      tag: "v1",
    });
    assert.deepEqual(parseReference("team/app"), { path: "team/app" });
    for (const bad of ["", "UPPER/app", "app:", "app:v 1", "-app", "http://host/app"])
      assert.equal(parseReference(bad), undefined, bad);
  });

  it("names a pushed image by its first complete tag and its digest", () => {
    assert.equal(withDigest("localhost:5001/app", digest), `localhost:5001/app:latest@${digest}`);
    assert.equal(preferredReference(["app:1", "r.test/app:2"], digest), `r.test/app:2@${digest}`);
    assert.equal(preferredReference(["app:1"], digest), "app:1");
    assert.equal(preferredReference([], ""), "");
  });
});

describe("docker-build: the command line", () => {
  const inputs: ImageInputs = {
    context: { location: "/ctx", named: { lib: { location: "/lib" } } },
    dockerfile: { location: "/ctx/docker/Dockerfile.prod" },
    tags: ["localhost:5001/app:v1", "localhost:5001/app:latest", "r.test/app:v1"],
    push: true,
    buildArgs: { B: "2", A: "1" },
    labels: { team: "web" },
    platforms: ["linux/amd64", "linux/arm64"],
    addHosts: ["db.test:10.0.0.7", "six:[::1]"],
    target: "run",
    pull: true,
    noCache: true,
    network: "host",
    cacheFrom: [{ registry: { ref: "localhost:5001/cache" } }, { disabled: true, raw: "type=gha" }],
    cacheTo: [{ local: { dest: "cache", mode: "max" } }, { inline: {} }],
    secrets: { token: "sesame" },
  };

  it("has every input in its place, and the secrets in the environment only", () => {
    const { args, env } = buildCommand(inputs, { metadata: "/m.json" }, false, {});
    const options = [
      "context:lib=local:named-lib",
      "build-arg:A=1",
      "build-arg:B=2",
      "build-arg:SOURCE_DATE_EPOCH=0",
      "label:team=web",
      "target=run",
      "platform=linux/amd64,linux/arm64",
      "add-hosts=db.test=10.0.0.7,six=::1",
      "image-resolve-mode=pull",
    ].flatMap((option) => ["--opt", option]);
    assert.deepEqual(args, [
      ...["build", "--progress=plain", "--frontend=dockerfile.v0", "--metadata-file", "/m.json"],
      ...["--local", "context=/ctx", "--local", "dockerfile=/ctx/docker", "--opt", "filename=Dockerfile.prod"],
      ...["--local", "named-lib=/lib", ...options, "--no-cache", "--opt", "force-network-mode=host"],
      ...["--allow", "network.host", "--import-cache", "registry.insecure=true,type=registry,ref=localhost:5001/cache"],
      ...["--export-cache", "type=local,dest=cache,mode=max", "--export-cache", "type=inline", "--output"],
      'type=image,"name=localhost:5001/app:v1,localhost:5001/app:latest",rewrite-timestamp=true,registry.insecure=true,push=true',
      ...["--output", "type=image,name=r.test/app:v1,rewrite-timestamp=true,push=true"],
      ...["--secret", "id=token,env=BUILD_SECRET_0"],
    ]);
    assert.deepEqual(env, { BUILD_SECRET_0: "sesame" });
  });

  it("pushes nothing in a preview, and lets the user choose the timestamp", () => {
    const { args } = buildCommand({ ...inputs, buildArgs: { SOURCE_DATE_EPOCH: "5" } }, { metadata: "m" }, true, {});
    assert.ok(args.includes("build-arg:SOURCE_DATE_EPOCH=5"));
    assert.deepEqual(
      args.filter((arg) => arg.includes("push=")).map((arg) => /push=\w+/.exec(arg)?.[0]),
      ["push=false"],
    );
  });

  it("sends a remote context's address, with an inline Dockerfile instead of its own", () => {
    const remote = { context: { location: "https://git.test/app.git" }, dockerfile: { inline: "FROM scratch" } };
    const { args } = buildCommand(remote, { metadata: "m", inline: "/tmp/x" }, false, {});
    for (const option of ["context=https://git.test/app.git", "dockerfilekey=dockerfile"])
      assert.ok(args.includes(option));
  });
});

describe("docker-build: check", () => {
  const reasons = (inputs: Partial<ImageInputs>) =>
    validate(withDefaults({ context: { location: join(folder, "app") }, ...inputs })).map(({ reason }) => reason);

  it("says one clear sentence about each mistake", () => {
    files(app);
    files({ Dockerfile: "FORM x\n" }, "typo");
    const [cwd, gone, typo] = [process.cwd(), join(folder, "gone"), join(folder, "typo")];
    const table: readonly (readonly [Partial<ImageInputs>, string])[] = [
      [
        { context: { location: gone } },
        `context.location must be a folder or a URL, got "${gone}", which is neither (relative paths start at ${cwd})`,
      ],
      [
        { dockerfile: { location: gone } },
        `dockerfile.location must be a Dockerfile, got "${gone}", which does not exist (relative paths start at ${cwd})`,
      ],
      [
        { context: { location: typo } },
        `dockerfile.location must start with FROM or ARG, got unknown instruction FORM in line 1 in ${typo}/Dockerfile`,
      ],
      [
        { dockerfile: { location: "x", inline: "y" } },
        "dockerfile must have either location or inline, got both: leave one of them out",
      ],
      [
        { push: true },
        "tags must name at least one image when an image is pushed, got none: add for example localhost:5001/app:v1",
      ],
      [
        { exports: [{ registry: {} }] },
        "tags must name at least one image when an image is pushed, got none: add for example localhost:5001/app:v1",
      ],
      [
        { tags: ["App:1"] },
        'tags[0] must be [registry/]name[:tag] with a lower-case name, such as localhost:5001/app:v1, got "App:1"',
      ],
      [{ platforms: ["linux"] }, 'platforms[0] must be os/architecture, such as linux/amd64, got "linux"'],
      [
        { exports: [{ docker: {} }] },
        "exports[0] of kind docker must have a dest, got none: a BuildKit daemon has no Docker to load the image into",
      ],
      [
        { cacheTo: [{ s3: { secretAccessKey: "k" } }] },
        "cacheTo[0] must not hold secretAccessKey with this builder: set the environment of the builder instead",
      ],
      [
        { secrets: { big: "x".repeat(131072) } },
        "secrets.big must be text of less than 131072 bytes with this builder, got 131072 bytes",
      ],
    ];
    for (const [inputs, reason] of table) assert.deepEqual(reasons(inputs), [reason]);
    assert.deepEqual(reasons({ push: true, tags: ["localhost:5001/app"] }), []);
  });

  it("refuses what this builder cannot do, and waits for what a preview cannot know", async () => {
    files(app);
    assert.match(reasons({ ssh: [{ id: "default" }] })[0] ?? "", /^ssh must be empty with this builder/);
    assert.match(reasons({ load: true })[0] ?? "", /^load must be false with this builder/);
    const news = { push: true, tags: unknownValue, context: { location: unknownValue } };
    const { inputs, failures } = await dockerBuild.check({ olds: {}, news, randomSeed: Buffer.alloc(0) }, callOf());
    assert.deepEqual([failures, inputs["dockerfile"], inputs["tags"]], [[], undefined, unknownValue]);
  });
});
