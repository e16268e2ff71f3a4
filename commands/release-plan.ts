/** A release that was deployed before, as the stack's configuration notes it. */
export interface Earlier {
  readonly version: string;
  readonly image: string;
}

/** What the stack's configuration and outputs say about its releases. */
export interface Releases {
  readonly kind: string;
  /** The newest release. */
  readonly version: string;
  /** The image of the newest release, by digest; undefined if it was never deployed with success. */
  readonly image: string | undefined;
  /** Whether something of the newest release did not become ready. */
  readonly failed: boolean;
  /** Whether a new blueGreen release waits on its preview, manual, or not, auto. */
  readonly promote: string;
  /** The version that has the traffic. */
  readonly active: string;
  /** The latest first. */
  readonly previous: readonly Earlier[];
  /** How many of `previous` go on running under blueGreen. */
  readonly keepPrevious: number;
  /** The newest release's share of the replicas under canary, as a percentage. */
  readonly weight: number;
}

/** What is asked for. */
export type Wish =
  | {
      readonly kind: "release";
      readonly version: string;
      /** Earlier releases that go on running under blueGreen; undefined for as many as now. */
      readonly keep?: number | undefined;
      /** Whether the new release waits on its preview to be promoted. */
      readonly hold: boolean;
      /** The new kind of releases; undefined for the one that there is. */
      readonly releaseKind?: string | undefined;
    }
  | { readonly kind: "rollback" }
  | { readonly kind: "promote" };

/** Values of the stack's configuration to set; a list of releases is set as a whole. */
export interface Settings {
  readonly version?: string;
  readonly image?: string;
  readonly release?: string;
  readonly active?: string;
  readonly previous?: readonly Earlier[];
  readonly keepPrevious?: number;
  readonly weight?: number;
}

/** So many earlier releases are remembered: their images to go back to, their assets for tabs that are still open. */
const remembered = 5;

/** The settings that fulfil a wish, for `pulumi up` to make true. @throws Error with one sentence if that is impossible */
export function plan(now: Releases, wish: Wish): Settings {
  switch (wish.kind) {
    case "release":
      return release(now, wish);
    case "rollback":
      return rollback(now);
    case "promote":
      if (now.active === now.version && now.weight === 100) {
        throw new Error(`No release waits: ${now.version} has the traffic.`);
      }
      return now.weight === 100 ? { active: own(now, now.version) } : { weight: 100 };
  }
}

/** What gives the traffic to the newest release. */
const own = (now: Releases, version: string): string => (now.promote === "manual" ? version : "");

function release(now: Releases, { version, keep, releaseKind, ...wish }: Wish & { kind: "release" }): Settings {
  const kind = releaseKind ?? now.kind;
  const isManual = now.promote === "manual";
  const hold = wish.hold || isManual;
  if (!/^v\d+\.\d+\.\d+(-[-A-Za-z0-9.]*[A-Za-z0-9])?$/.test(version)) {
    throw new Error(`A version looks like v0.0.2 or v1.2.0-rc.1, not like ${JSON.stringify(version)}.`);
  }
  if (hold && kind !== "blueGreen") {
    const otherwise = isManual ? ", or pulumi config set promote auto" : "";
    throw new Error(
      `Only a blueGreen release can be held back, and this stack's releases are ${kind}: add --kind blueGreen${otherwise}.`,
    );
  }
  if (hold && (keep ?? now.keepPrevious) < 1) {
    const why = isManual ? 'promote "manual"' : "--hold";
    throw new Error(`${why} needs --keep 1 or more: the active release has to stay.`);
  }
  if (now.weight < 100) {
    const choice = "`promote` gives it the rest, `rollback` drops it";
    throw new Error(`${now.version} is under way with ${now.weight} % of the traffic: ${choice}.`);
  }
  if (now.active !== now.version) {
    const choice = "`promote` gives it the traffic, `rollback` drops it";
    throw new Error(`${now.version} is deployed beside ${now.active}, which has the traffic: ${choice}.`);
  }
  if (version === now.version && now.image !== undefined && !now.failed) {
    throw new Error(`${version} has the traffic already; a new release needs a new version.`);
  }
  if (now.previous.some((earlier) => earlier.version === version)) {
    throw new Error(`${version} was released before: \`rollback\` goes back to it.`);
  }
  // What never worked is nothing to go back to.
  const worked = now.image !== undefined && !now.failed && version !== now.version;
  const known = worked ? [{ version: now.version, image: now.image }, ...now.previous] : now.previous;
  const previous = known.slice(0, Math.max(remembered, keep ?? 0));
  if (kind === "canary" && previous.length === 0) {
    throw new Error("A canary needs a release that works beside it, and there is none yet.");
  }
  const active = hold ? (previous[0]?.version ?? "") : "";
  if (hold && active === "") {
    const otherwise = isManual ? "pulumi config set promote auto" : "leave out --hold";
    throw new Error(`There is no release yet that could keep the traffic: ${otherwise}.`);
  }
  const changes = {
    ...(keep === undefined ? {} : { keepPrevious: keep }),
    ...(kind === now.kind ? {} : { release: kind }),
  };
  return { version, image: "", active, previous, ...changes };
}

function rollback(now: Releases): Settings {
  const [latest, ...others] = now.previous;
  if (latest === undefined) {
    throw new Error(`There is no earlier release to go back to: ${now.version} is the only one that is known.`);
  }
  if (now.kind === "blueGreen" && now.keepPrevious > 0 && !now.failed && now.active === now.version) {
    return { active: latest.version };
  }
  // The newest release goes: it does not work, or it was taken out of the traffic before, or there is room for one only.
  const weight = now.weight === 100 ? {} : { weight: 100 };
  return {
    version: latest.version,
    image: latest.image,
    active: own(now, latest.version),
    previous: others,
    ...weight,
  };
}
