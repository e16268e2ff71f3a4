/** The inputs of `docker-build:index:Image`, as the SDK sends them. */

import { posix } from "node:path";

/** One entry of `exports`, `cacheFrom` or `cacheTo`: exactly one kind is set. */
export interface Entry {
  readonly raw?: string;
  readonly disabled?: boolean;
  readonly [kind: string]: Options | string | boolean | undefined;
}

export type OptionValue = string | number | boolean | readonly string[] | Readonly<Record<string, string>>;
export type Options = Readonly<Record<string, OptionValue | undefined>>;

export interface Registry {
  readonly address: string;
  readonly username?: string;
  readonly password?: string;
}

export interface ImageInputs {
  readonly addHosts?: readonly string[];
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly buildOnPreview?: boolean;
  readonly builder?: { readonly name?: string };
  readonly cacheFrom?: readonly Entry[];
  readonly cacheTo?: readonly Entry[];
  readonly context?: { readonly location: string; readonly named?: Readonly<Record<string, { location: string }>> };
  readonly dockerfile?: { readonly location?: string; readonly inline?: string };
  readonly exec?: boolean;
  readonly exports?: readonly Entry[];
  readonly ignoreSecretsInDiffCalculation?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly load?: boolean;
  readonly network?: "default" | "host" | "none";
  readonly noCache?: boolean;
  readonly platforms?: readonly string[];
  readonly pull?: boolean;
  readonly push?: boolean;
  readonly registries?: readonly Registry[];
  readonly secrets?: Readonly<Record<string, string>>;
  readonly ssh?: readonly { readonly id: string; readonly paths?: readonly string[] }[];
  readonly tags?: readonly string[];
  readonly target?: string;
}

/** The context as every step after `withDefaults` may rely on it. */
export function contextOf(inputs: ImageInputs): string {
  return inputs.context?.location || ".";
}

/** The named contexts as `[name, location]`, in an order that does not depend on the program's. */
export function namedContexts(inputs: ImageInputs): readonly (readonly [string, string])[] {
  return Object.entries(inputs.context?.named ?? {})
    .map(([name, { location }]) => [name, location] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Whether a context or Dockerfile is fetched by the builder instead of being read from this machine's disk. */
export function isRemote(location: string): boolean {
  return /^(?:https?:\/\/|git:\/\/|git@|ssh:\/\/|github\.com\/|docker-image:\/\/)/.test(location);
}

/** Fills in what the official provider fills in, so that the state of either can be read by the other. */
export function withDefaults(inputs: ImageInputs): ImageInputs {
  const location = contextOf(inputs);
  const dockerfile = { ...inputs.dockerfile };
  if (!dockerfile.location && !dockerfile.inline && !isRemote(location)) {
    dockerfile.location = posix.join(location, "Dockerfile");
  }
  return {
    ...inputs,
    context: { ...inputs.context, location },
    ...(Object.keys(dockerfile).length > 0 ? { dockerfile } : {}),
    buildOnPreview: inputs.buildOnPreview ?? true,
    network: inputs.network ?? "default",
  };
}
