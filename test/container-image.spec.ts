import assert from "node:assert/strict";

import { ContainerImage } from "../components/index.ts";
import type { ContainerImageArgs } from "../components/index.ts";
import { created, digest, graph, only, recordOptions, secret, useMocks, valueOf } from "./mocks.ts";

const imageType = "docker-build:index:Image";
const baseArgs: ContainerImageArgs = { repository: "registry.example/team/hello", tags: ["v0.0.1"] };

describe("ContainerImage", () => {
  beforeEach(() => useMocks());

  it("builds ./app, pushes it, and builds nothing in a preview", async () => {
    new ContainerImage("hello", baseArgs);

    assert.deepEqual(await graph(), ["docker-build:index:Image hello", "meridian:index:ContainerImage hello"]);
    assert.deepEqual((await only(imageType)).inputs, {
      context: { location: "./app" },
      dockerfile: { location: "./app/Dockerfile" },
      tags: ["registry.example/team/hello:v0.0.1"],
      push: true,
      buildOnPreview: false,
      network: "default",
    });
  });

  it("is known by its digest, whatever its tags", async () => {
    const image = new ContainerImage("hello", { ...baseArgs, tags: ["v0.0.1", "latest"] });

    assert.equal(await valueOf(image.ref), `registry.example/team/hello@${digest}`);
    assert.deepEqual((await only(imageType)).inputs["tags"], [
      "registry.example/team/hello:v0.0.1",
      "registry.example/team/hello:latest",
    ]);
  });

  it("passes on everything that decides the build", async () => {
    new ContainerImage("hello", {
      ...baseArgs,
      context: "services/hello",
      dockerfile: "services/Dockerfile",
      target: "production",
      buildArgs: { VERSION: "v0.0.1" },
      labels: { "org.opencontainers.image.version": "v0.0.1" },
      platforms: ["linux/amd64", "linux/arm64"],
      cacheTag: "cache",
    });

    const cache = "registry.example/team/hello:cache";
    assert.deepEqual((await only(imageType)).inputs, {
      context: { location: "services/hello" },
      dockerfile: { location: "services/Dockerfile" },
      target: "production",
      buildArgs: { VERSION: "v0.0.1" },
      labels: { "org.opencontainers.image.version": "v0.0.1" },
      platforms: ["linux/amd64", "linux/arm64"],
      cacheFrom: [{ registry: { ref: cache } }],
      cacheTo: [
        {
          registry: {
            ref: cache,
            mode: "max",
            imageManifest: true,
            ociMediaTypes: true,
          },
        },
      ],
      tags: ["registry.example/team/hello:v0.0.1"],
      push: true,
      buildOnPreview: false,
      network: "default",
    });
  });

  it("keeps secrets and passwords encrypted, and leaves the image in the registry when it is deleted", async () => {
    const { options, transformations } = recordOptions();
    const args = {
      ...baseArgs,
      secrets: { NPM_TOKEN: "a token" },
      registry: { address: "registry.example", username: "me", password: "a password" },
    };
    new ContainerImage("hello", args, { transformations });

    const { inputs } = await only(imageType);
    assert.deepEqual(inputs["secrets"], secret({ NPM_TOKEN: "a token" }));
    assert.deepEqual(inputs["registries"], secret([args.registry]));
    const { retainOnDelete, additionalSecretOutputs } = options.get("docker-build:index:Image hello")!;
    assert.equal(retainOnDelete, true);
    assert.deepEqual(additionalSecretOutputs, ["registries", "secrets"]);
  });

  it("builds nothing if there is an image already", async () => {
    const prebuilt = `registry.example/team/hello@sha256:${"a".repeat(64)}`;
    const image = new ContainerImage("hello", { ...baseArgs, prebuilt });

    assert.equal(await valueOf(image.ref), prebuilt);
    assert.deepEqual(await created(imageType), []);
  });

  const refused: [string, Partial<ContainerImageArgs>, string][] = [
    [
      "a repository with a tag",
      { repository: "ghcr.io/me/hello:v1" },
      'repository must be "registry/path" in lower case without a tag, such as "ghcr.io/me/hello", got "ghcr.io/me/hello:v1"',
    ],
    [
      "a repository in capitals",
      { repository: "ghcr.io/Me/hello" },
      'repository must be "registry/path" in lower case without a tag, such as "ghcr.io/me/hello", got "ghcr.io/Me/hello"',
    ],
    ["no tag", { tags: [] }, "tags must hold at least one tag, got []"],
    ["a malformed tag", { tags: ["-v1"] }, 'tags[0] must be 1 to 128 letters, digits, "_", "." and "-", got "-v1"'],
    ["a tag given twice", { tags: ["v1", "v1"] }, 'tags must each be given once, got "v1" twice or more'],
    [
      "a context of this machine only",
      { context: "/app" },
      `context must be a path relative to the program's folder, got "/app"`,
    ],
    [
      "an existing image without its digest",
      { prebuilt: "ghcr.io/me/hello:v1" },
      'prebuilt must be a reference by digest, "repository@sha256:" and 64 hexadecimal digits, got "ghcr.io/me/hello:v1"',
    ],
  ];
  for (const [what, args, message] of refused) {
    it(`refuses ${what} before anything is built`, async () => {
      assert.throws(() => new ContainerImage("hello", { ...baseArgs, ...args }), { name: "Error", message });
      assert.deepEqual(await created(imageType), []);
    });
  }
});
