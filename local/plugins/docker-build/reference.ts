/** Image references, by the grammar that registries and the Docker CLI share. */

/** A reference taken apart; `tag` and `digest` are missing where the text names none. */
export interface Reference {
  /** Host and port of the registry; missing for a short name such as `app:1`. */
  readonly domain?: string;
  readonly path: string;
  readonly tag?: string;
  readonly digest?: string;
}

const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const host = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const domain = `(?:(?:${host}(?:\\.${host})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?)`;
const grammar = new RegExp(
  `^(?:(${domain})/)?(${component}(?:/${component})*)(?::([\\w][\\w.-]{0,127}))?(?:@(sha256:[a-f0-9]{64}))?$`,
);

/** What `text` refers to, or `undefined` where it is not an image reference. */
export function parseReference(text: string): Reference | undefined {
  const match = grammar.exec(text);
  if (!match) return undefined;
  const [, first, rest = "", tag, digest] = match;
  // "team/app" has no registry: only a dot, a port or "localhost" makes the first part one.
  const isDomain = first !== undefined && (/[.:[]/.test(first) || first === "localhost");
  const path = isDomain || first === undefined ? rest : `${first}/${rest}`;
  if (path !== path.toLowerCase() || path.length > 255) return undefined;
  return {
    path,
    ...(isDomain ? { domain: first } : {}),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** `repository:tag@digest`, or `undefined` for a name without its registry, which nothing but the builder can resolve. */
export function withDigest(tag: string, digest: string): string | undefined {
  const reference = parseReference(tag);
  if (reference?.domain === undefined) return undefined;
  return `${reference.domain}/${reference.path}:${reference.tag ?? "latest"}@${digest}`;
}

/** The `ref` output: the first complete tag with the digest, else the first tag, else nothing. */
export function preferredReference(tags: readonly string[], digest: string): string {
  if (digest !== "") {
    for (const tag of tags) {
      const reference = withDigest(tag, digest);
      if (reference !== undefined) return reference;
    }
  }
  return tags.find((tag) => parseReference(tag) !== undefined) ?? "";
}

/** Whether a registry is on this machine, where no certificate can be expected of it. */
export function isLoopback(registry: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/.test(registry);
}
