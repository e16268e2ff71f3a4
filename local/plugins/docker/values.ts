/** Reading inputs, which are plain JSON values, and turning them into what the engine's API wants. */
import { at, type Bag, isBag, type Path, type Value } from "../bag.ts";

export function text(bag: Value | undefined, ...path: Path): string | undefined {
  const value = at(bag, ...path);
  return typeof value === "string" ? value : undefined;
}

export function number(bag: Value | undefined, ...path: Path): number | undefined {
  const value = at(bag, ...path);
  return typeof value === "number" ? value : undefined;
}

export function flag(bag: Value | undefined, name: string, fallback: boolean): boolean {
  const value = at(bag, name);
  return typeof value === "boolean" ? value : fallback;
}

export function texts(bag: Value | undefined, ...path: Path): string[] {
  const value = at(bag, ...path);
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

export function bags(bag: Value | undefined, ...path: Path): Bag[] {
  const value = at(bag, ...path);
  return Array.isArray(value) ? value.filter(isBag) : [];
}

/** A map of texts. */
export function map(bag: Value | undefined, ...path: Path): Record<string, string> {
  const value = at(bag, ...path);
  return isBag(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, String(item)])) : {};
}

/** `[{label, value}]`, as the provider has it, as a map. */
export const labels = (bag: Value | undefined, ...path: Path): Record<string, string> =>
  Object.fromEntries(bags(bag, ...path, "labels").map((item) => [String(item["label"]), String(item["value"])]));

const units: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 3.6e12 };

/** Nanoseconds of a duration such as `1m30s`. */
export function nanoseconds(duration: string | undefined): number | undefined {
  if (duration === undefined) return undefined;
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)];
  if (parts.map(([part]) => part).join("") !== duration || parts.length === 0) {
    throw new Error(`a duration must be such as "500ms", "10s" or "1m30s", got "${duration}"`);
  }
  return parts.reduce((sum, [, digits, unit]) => sum + Number(digits) * units[unit!]!, 0);
}

/** The health check in the engine's form. */
export function healthcheck(bag: Value | undefined) {
  if (!isBag(bag)) return undefined;
  return {
    Test: texts(bag, "tests"),
    Interval: nanoseconds(text(bag, "interval")),
    Timeout: nanoseconds(text(bag, "timeout")),
    StartPeriod: nanoseconds(text(bag, "startPeriod")),
    Retries: number(bag, "retries"),
  };
}

/** Mounts in the engine's form, the same for containers and services. */
export function mounts(bag: Value | undefined) {
  return bags(bag, "mounts").map((mount) => ({
    Type: text(mount, "type") as "bind" | "volume" | "tmpfs",
    Source: text(mount, "source") ?? "",
    Target: text(mount, "target") ?? "",
    ReadOnly: flag(mount, "readOnly", false),
    ...(isBag(mount["tmpfsOptions"]) && {
      TmpfsOptions: {
        SizeBytes: number(mount, "tmpfsOptions", "sizeBytes") ?? 0,
        Mode: number(mount, "tmpfsOptions", "mode") ?? 0o1777,
      },
    }),
  }));
}
