import * as dockerBuild from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";

import { checkName, checkPattern, checkUnique, refuse, validated } from "./check.ts";

/** How a `ContainerImage` is built, or which one it is. */
export interface ContainerImageArgs {
  /** Where the image is pushed to, without tag: `registry/path`, such as `ghcr.io/me/hello`. */
  readonly repository: pulumi.Input<string>;
  /** Tags that the image gets, at least one. Deployments do not go by them: see `ref`. */
  readonly tags: readonly string[];
  /**
   * The digest reference of an image that exists already, `repository@sha256:…`. Nothing is built then, and the other
   * arguments have no effect: the way back to an earlier image.
   *
   * @default - the image is built
   */
  readonly prebuilt?: pulumi.Input<string> | undefined;
  /**
   * The folder with the Dockerfile, relative to the program's, so that it is the same on every machine.
   *
   * @default "./app"
   */
  readonly context?: string | undefined;
  /**
   * The Dockerfile, relative to the program's folder.
   *
   * @default - `Dockerfile` in `context`
   */
  readonly dockerfile?: string | undefined;
  /**
   * The stage of the Dockerfile to build.
   *
   * @default - the last one
   */
  readonly target?: string | undefined;
  /**
   * Values of the Dockerfile's ARGs. They can be read from the image: use `secrets` for what must not be.
   *
   * @default {}
   */
  readonly buildArgs?: Readonly<Record<string, pulumi.Input<string>>> | undefined;
  /**
   * Values for `RUN --mount=type=secret,id=…`: encrypted in the state, and in no layer.
   *
   * @default {}
   */
  readonly secrets?: Readonly<Record<string, pulumi.Input<string>>> | undefined;
  /**
   * Labels, best those of the OCI image specification.
   *
   * @default {}
   * @see https://github.com/opencontainers/image-spec/blob/main/annotations.md
   */
  readonly labels?: Readonly<Record<string, pulumi.Input<string>>> | undefined;
  /**
   * Platforms to build for, such as `linux/arm64`.
   *
   * @default - the builder's own
   */
  readonly platforms?: readonly dockerBuild.Platform[] | undefined;
  /**
   * The user who may push.
   *
   * @default - as `docker login` has it
   */
  readonly registry?: Registry | undefined;
  /**
   * Tag of the repository that holds the build cache, shared by all who build.
   *
   * @default - the builder's own cache
   */
  readonly cacheTag?: string | undefined;
}

/** A registry and who may push to it. */
export interface Registry {
  /** The registry's host, such as `ghcr.io`. */
  readonly address: pulumi.Input<string>;
  /** The user's name. */
  readonly username: pulumi.Input<string>;
  /** The password or token, encrypted in the state. */
  readonly password: pulumi.Input<string>;
}

/**
 * An image, built from a Dockerfile by BuildKit and pushed, and known by its digest: another source is another reference,
 * and the same source is no change at all. `pulumi preview` builds nothing. Images stay in the registry when their turn is
 * over, so that an earlier one can come back.
 *
 * @example
 * const image = new ContainerImage("hello", { repository: "ghcr.io/me/hello", tags: ["v0.0.1"] });
 * export const imageRef = image.ref;
 *
 * @see https://www.pulumi.com/registry/packages/docker-build/
 */
export class ContainerImage extends pulumi.ComponentResource {
  /** The image by its digest, `repository@sha256:…`. */
  readonly ref: pulumi.Output<string>;

  constructor(name: string, args: ContainerImageArgs, opts?: pulumi.ComponentResourceOptions) {
    // The arguments stay out of the state, since secrets may be among them.
    super("meridian:index:ContainerImage", name, {}, opts);
    refuse([...checkName("name", name), ...checkContainerImage(args)], this);

    this.ref =
      args.prebuilt === undefined
        ? this.#build(name, args)
        : validated(args.prebuilt, (value) => checkDigestReference("prebuilt", value), this);
    this.registerOutputs({ ref: this.ref });
  }

  #build(name: string, args: ContainerImageArgs): pulumi.Output<string> {
    const repository = validated(args.repository, (value) => checkRepository("repository", value), this);
    const image = new dockerBuild.Image(name, imageArgs(args, repository), {
      parent: this,
      retainOnDelete: true,
      additionalSecretOutputs: ["registries"],
    });
    return pulumi.interpolate`${repository}@${image.digest}`;
  }
}

function imageArgs(args: ContainerImageArgs, repository: pulumi.Output<string>): dockerBuild.ImageArgs {
  const { context = "./app", dockerfile = `${context}/Dockerfile`, platforms = [], cacheTag, registry } = args;
  const cache = cacheTag === undefined ? undefined : pulumi.interpolate`${repository}:${cacheTag}`;
  return {
    context: { location: context },
    dockerfile: { location: dockerfile },
    target: args.target,
    buildArgs: args.buildArgs,
    secrets: args.secrets && pulumi.secret(args.secrets),
    labels: args.labels,
    platforms: platforms.length > 0 ? [...platforms] : undefined,
    tags: args.tags.map((tag) => pulumi.interpolate`${repository}:${tag}`),
    push: true,
    buildOnPreview: false,
    registries: registry && [{ ...registry, password: pulumi.secret(registry.password) }],
    cacheFrom: cache && [{ registry: { ref: cache } }],
    cacheTo: cache && [{ registry: { ref: cache, mode: "max", imageManifest: true, ociMediaTypes: true } }],
  };
}

/** A sentence on why `value` is not a repository such as `ghcr.io/me/hello`; none if it is. */
export function checkRepository(property: string, value: unknown): string[] {
  const pattern = /^[a-zA-Z0-9.-]+(:\d+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)+$/;
  return checkPattern(
    property,
    value,
    pattern,
    `"registry/path" in lower case without a tag, such as "ghcr.io/me/hello"`,
  );
}

/** A sentence on why `value` is not a reference by digest; none if it is. */
export function checkDigestReference(property: string, value: unknown): string[] {
  const pattern = /^[^\s@:/]+(:\d+)?(\/[^\s@:/]+)*@sha256:[0-9a-f]{64}$/;
  return checkPattern(
    property,
    value,
    pattern,
    `a reference by digest, "repository@sha256:" and 64 hexadecimal digits`,
  );
}

/** A sentence on why `value` cannot be a tag; none if it can. */
export function checkTag(property: string, value: unknown): string[] {
  return checkPattern(property, value, /^\w[\w.-]{0,127}$/, `1 to 128 letters, digits, "_", "." and "-"`);
}

function checkContainerImage({ tags, context = "./app", dockerfile, cacheTag }: ContainerImageArgs): string[] {
  const relative = (property: string, path: string) =>
    checkPattern(property, path, /^[^/]/, "a path relative to the program's folder");
  return [
    ...(tags.length > 0 ? [] : ["tags must hold at least one tag, got []"]),
    ...tags.flatMap((tag, index) => checkTag(`tags[${index}]`, tag)),
    ...checkUnique("tags", tags),
    ...relative("context", context),
    ...(dockerfile === undefined ? [] : relative("dockerfile", dockerfile)),
    ...(cacheTag === undefined ? [] : checkTag("cacheTag", cacheTag)),
  ];
}
