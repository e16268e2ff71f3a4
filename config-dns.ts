import { nearest } from "./commands/nearest.ts";
import { checkOneOf, isBag, show } from "./components/check.ts";
import { checkDns } from "./components/dns/options.ts";
import type { DnsOptions } from "./components/index.ts";
import { parseJson } from "./config-keys.ts";
import type { Key } from "./config-keys.ts";

/** How clients find the CDN by one name, but for what is no setting; nothing for no name. */
export type DnsSettings = DnsOptions | Record<string, never>;

interface Property {
  readonly rule: string;
  readonly isFine: (value: unknown) => boolean;
  /** What follows `pulumi config set --path cdnDns.`, to give it a right value. */
  readonly example: string;
}

const isText = (value: unknown): value is string => typeof value === "string";
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const each = (is: (value: unknown) => boolean) => (value: unknown) => isBag(value) && Object.values(value).every(is);
const texts = (example: string): Property => ({ rule: "a text for each region", isFine: each(isText), example });

const properties: Readonly<Record<string, Property>> = {
  policy: { rule: "a text", isFine: isText, example: "policy nearest" },
  hostname: { rule: "a text", isFine: isText, example: "hostname www.example.com" },
  ttlSeconds: { rule: "a number", isFine: Number.isFinite, example: "ttlSeconds 60" },
  latency: {
    rule: "milliseconds by pairs of regions",
    isFine: each(each(Number.isFinite)),
    example: "latency.eu.us 90",
  },
  clients: {
    rule: "a list of networks for each region",
    isFine: each(isTexts),
    example: "clients.eu[0] 203.0.113.0/24",
  },
  serverRegions: { rule: "a list of regions", isFine: isTexts, example: "serverRegions[0] eu" },
  awsRegions: texts("awsRegions.eu eu-central-1"),
  continents: texts("continents.eu EU"),
  healthCheckIds: texts("healthCheckIds.eu 4a1b…"),
};
/** What each policy has, and what of that it cannot do without. */
const policies: Readonly<Record<string, { readonly needs: readonly string[]; readonly takes: readonly string[] }>> = {
  nearest: { needs: ["latency", "clients"], takes: ["serverRegions"] },
  latency: { needs: ["awsRegions"], takes: ["healthCheckIds"] },
  geo: { needs: ["continents"], takes: ["healthCheckIds"] },
};

/** The key of the stack that holds the settings. */
export function dns(): Key {
  return {
    parse: parseJson,
    check: checkShape,
    example: "--path cdnDns.policy nearest",
  };
}

/** Sentences on settings that do not suit the CDN's regions. */
export function checkDnsRegions(key: string, settings: DnsSettings, regions: readonly string[]): string[] {
  if (!hasName(settings)) return [];
  return checkDns(settings, regions, regions).map((sentence) => {
    const [, property = ""] = /^dns\.(\w+)/.exec(sentence) ?? [];
    const example = properties[property]?.example ?? "policy nearest";
    return `${sentence.replace(/^dns\./, `${key}.`)}; for example: pulumi config set --path '${key}.${example.replace(" ", "' ")}`;
  });
}

/** Whether there is to be a name. */
export function hasName(settings: DnsSettings): settings is DnsOptions {
  return Object.keys(settings).length > 0;
}

function checkShape(key: string, value: unknown): string[] {
  if (!isBag(value)) return [`${key} must be an object, got ${show(value)}`];
  if (Object.keys(value).length === 0) return [];
  const { policy } = value;
  if (!isText(policy) || !Object.hasOwn(policies, policy))
    return checkOneOf(`${key}.policy`, policy, Object.keys(policies));
  const { needs, takes } = policies[policy]!;
  const known = ["policy", "hostname", "ttlSeconds", ...needs, ...takes];
  return [
    ...Object.keys(value)
      .filter((name) => !known.includes(name))
      .map((name) => `${key}.${name} is no part of policy "${policy}": did you mean ${key}.${nearest(name, known)}?`),
    ...known.flatMap((name) => {
      const { rule, isFine } = properties[name]!;
      const isLeftOut = value[name] === undefined && name !== "hostname" && !needs.includes(name);
      return isLeftOut || isFine(value[name]) ? [] : [`${key}.${name} must be ${rule}, got ${show(value[name])}`];
    }),
  ];
}
