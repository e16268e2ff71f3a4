import type { NginxOptions } from "../components/edge/nginx-options.ts";
import { edgeSettings } from "../components/edge/settings.ts";
import type { EdgeOptions } from "../components/edge/settings.ts";

type Place = Pick<NginxOptions, "origin" | "shield" | "isShield">;

/** Options of the edge `www-eu` in front of a Service, the defaults for all that is not given. */
export function nginxOptions(args: EdgeOptions & Partial<Place> = {}): NginxOptions {
  const place = { cdn: "www", region: "eu", origin: "http://hello.shop.svc:8888", shield: undefined, isShield: false };
  const { origin = place.origin, shield, isShield = false, ...options } = args;
  return { ...place, ...edgeSettings(options, {}), origin, shield, isShield };
}

/** What nginx reads of a configuration, one line each: comments and indentation are for people. */
export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** Lines that `after` lacks and lines that it has on top, in their order. */
export function changesOf(before: string, after: string): { readonly gone: string[]; readonly come: string[] } {
  return { gone: without(linesOf(before), linesOf(after)), come: without(linesOf(after), linesOf(before)) };
}

function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return lines.filter((line) => {
    const index = left.indexOf(line);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}
