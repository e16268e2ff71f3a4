import * as pulumi from "@pulumi/pulumi";

import { checkLabelValue, checkName, checkOneOf, checkPattern, checkUnique, show } from "./components/check.ts";
import { checkDigestReference, checkRepository } from "./components/container-image.ts";
import { checkCidr, serviceTypes } from "./components/service.ts";
import { checkCacheSize, checkHost } from "./components/edge/settings.ts";
import { scrapeKinds } from "./components/monitoring.ts";
import { promotions } from "./components/release.ts";
import type { Bytes, PreviousRelease } from "./components/index.ts";
import type { ServiceType } from "./components/service.ts";
import { boolean, integer, list, optional, parseJson, string, unknownKey } from "./config-keys.ts";
import type { Key } from "./config-keys.ts";
import { checkDnsRegions, dns } from "./config-dns.ts";
import type { DnsSettings } from "./config-dns.ts";

const platforms = ["linux/amd64", "linux/arm64"] as const;
const monitoring = ["off", ...scrapeKinds] as const;
const targets = ["kubernetes", "docker", "swarm"] as const;
const publishModes = ["ingress", "balancer"] as const;
const releases = ["rolling", "blueGreen", "canary"] as const;

/** The stack's configuration. Pulumi.yaml describes each key and holds its default. */
export interface Config {
  readonly target: (typeof targets)[number];
  readonly swarmPublish: (typeof publishModes)[number];
  readonly namespace: string;
  readonly repository: string;
  readonly version: string;
  readonly revision: string;
  readonly source: string;
  readonly image: string;
  readonly platforms: readonly (typeof platforms)[number][];
  readonly replicas: number;
  readonly maxReplicas: number;
  readonly regions: readonly string[];
  readonly serviceType: ServiceType;
  readonly port: number;
  readonly loadBalancerSourceRanges: readonly string[];
  readonly host: string;
  readonly gateway: string;
  readonly tls: boolean;
  readonly release: (typeof releases)[number];
  readonly promote: (typeof promotions)[number];
  readonly active: string;
  readonly previous: readonly PreviousRelease[];
  readonly keepPrevious: number;
  readonly scaleDownDelaySeconds: number;
  readonly assetStore: boolean;
  readonly weight: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
  readonly minReadySeconds: number;
  readonly store: boolean;
  readonly storePasswordVersion: number;
  readonly storeProtected: boolean;
  readonly dashboardImage: string;
  readonly monitoring: (typeof monitoring)[number];
  readonly cdn: boolean;
  readonly cdnImage: string;
  readonly cdnPort: number;
  readonly cdnHosts: readonly string[];
  readonly cdnReplicas: number;
  readonly cdnCacheSize: Bytes;
  readonly cdnShield: string;
  readonly cdnTlsSecret: string;
  readonly cdnDns: DnsSettings;
  readonly cdnDnsImage: string;
}

const keys: Readonly<Record<keyof Config, Key>> = {
  target: string((property, value) => checkOneOf(property, value, targets), "target kubernetes"),
  swarmPublish: string((property, value) => checkOneOf(property, value, publishModes), "swarmPublish ingress"),
  namespace: string(checkName, "namespace meridian"),
  repository: string(checkRepository, "repository ghcr.io/me/hello"),
  version: string(checkVersion, "version v0.0.1"),
  revision: string(optional(checkRevision), 'revision "$(git rev-parse HEAD)"'),
  source: string(optional(checkSource), "source https://github.com/me/hello"),
  image: string(optional(checkDigestReference), 'image ""'),
  platforms: list((property, value) => checkOneOf(property, value, platforms), "--path 'platforms[0]' linux/amd64"),
  replicas: integer(1, 100, "replicas 3"),
  maxReplicas: integer(0, 1000, "maxReplicas 10"),
  regions: list(checkLabelValue, "--path 'regions[0]' eu"),
  serviceType: string((property, value) => checkOneOf(property, value, serviceTypes), "serviceType LoadBalancer"),
  port: integer(1, 65535, "port 8888"),
  loadBalancerSourceRanges: list(checkCidr, "--path 'loadBalancerSourceRanges[0]' 203.0.113.0/24"),
  host: string(optional(checkHost), "host hello.example.com"),
  gateway: string(checkGateway, "gateway gateway-system/public"),
  tls: boolean("tls true"),
  release: string((property, value) => checkOneOf(property, value, releases), "release rolling"),
  promote: string((property, value) => checkOneOf(property, value, promotions), "promote auto"),
  active: string(optional(checkVersion), 'active ""'),
  previous: {
    ...list(checkPrevious, "--path 'previous[0]' v0.0.1=ghcr.io/me/hello@sha256:…"),
    parse: parsePrevious,
  },
  keepPrevious: integer(0, 10, "keepPrevious 1"),
  scaleDownDelaySeconds: integer(0, 3600, "scaleDownDelaySeconds 30"),
  assetStore: boolean("assetStore true"),
  weight: integer(1, 100, "weight 100"),
  maxSurge: integer(0, 100, "maxSurge 1"),
  maxUnavailable: integer(0, 100, "maxUnavailable 0"),
  minReadySeconds: integer(0, 100, "minReadySeconds 0"),
  store: boolean("store true"),
  storePasswordVersion: integer(1, 1_000_000, "storePasswordVersion 2"),
  storeProtected: boolean("storeProtected false"),
  dashboardImage: string(optional(checkDigestReference), 'dashboardImage ""'),
  monitoring: string((property, value) => checkOneOf(property, value, monitoring), "monitoring annotations"),
  cdn: boolean("cdn true"),
  cdnImage: string(checkText, 'cdnImage ""'),
  cdnPort: integer(1, 65535, "cdnPort 8889"),
  cdnHosts: list(checkHost, "--path 'cdnHosts[0]' www.example.com"),
  cdnReplicas: integer(1, 100, "cdnReplicas 2"),
  cdnCacheSize: string(checkCacheSize, "cdnCacheSize 256Mi"),
  cdnShield: string(optional(checkLabelValue), "cdnShield eu"),
  cdnTlsSecret: string(optional(checkHost), "cdnTlsSecret www-tls"),
  cdnDns: dns(),
  cdnDnsImage: string(checkText, 'cdnDnsImage ""'),
};

/** Reads the stack's configuration; ends the program with a sentence for each thing that is wrong with it. */
export function readConfig(): Config {
  const prefix = `${pulumi.getProject()}:`;
  const ours = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(prefix));
  const { config, problems } = parseConfig(
    Object.fromEntries(ours.map(([key, text]) => [key.slice(prefix.length), text])),
  );
  refuseConfig(problems);
  return config;
}

/** Ends the program with all `problems`, if there are any. */
export function refuseConfig(problems: readonly string[]): void {
  if (problems.length > 0) {
    throw new pulumi.RunError(["The stack's configuration cannot be used:", ...problems].join("\n  "));
  }
}

/** The configuration that these texts stand for, right only if there are no problems. */
export function parseConfig(texts: Readonly<Record<string, string>>): { config: Config; problems: string[] } {
  const problems = Object.keys(texts)
    .filter((key) => !Object.hasOwn(keys, key))
    .map((key) => unknownKey(key, Object.keys(keys)));
  const right: Record<string, unknown> = {};
  for (const [key, { parse, check, example }] of Object.entries(keys)) {
    const text = texts[key];
    const value = text === undefined ? undefined : parse(text);
    const wrong = value === undefined ? [`${key} is missing`] : check(key, value);
    if (wrong.length === 0) {
      right[key] = value;
    }
    problems.push(...wrong.map((problem) => `${problem}; for example: pulumi config set ${example}`));
  }
  return { config: right as unknown as Config, problems: [...problems, ...checkTogether(right)] };
}

/** Sentences on values that are right by themselves but do not go together. */
function checkTogether(right: Partial<Config>): string[] {
  const { release, replicas = 0, maxReplicas = 0, serviceType = "LoadBalancer", loadBalancerSourceRanges = [] } = right;
  const problems = [];
  if (release === "rolling" && right.maxSurge === 0 && right.maxUnavailable === 0) {
    problems.push("maxSurge and maxUnavailable must not both be 0; for example: pulumi config set maxSurge 1");
  }
  if (maxReplicas > 0 && maxReplicas < replicas) {
    const fix = `for example: pulumi config set maxReplicas ${replicas}`;
    problems.push(`maxReplicas must be 0 or at least replicas, which is ${replicas}, got ${maxReplicas}; ${fix}`);
  }
  if (maxReplicas > 0 && (release === "blueGreen" || release === "canary")) {
    const fix = "for example: pulumi config set release rolling";
    problems.push(`maxReplicas must be 0 with release "${release}", got ${maxReplicas}; ${fix}`);
  }
  problems.push(...checkReleases(right), ...checkHostKeys(right), ...checkCdnRegions(right));
  if (loadBalancerSourceRanges.length > 0 && serviceType !== "LoadBalancer") {
    const fix = "for example: pulumi config rm loadBalancerSourceRanges";
    problems.push(
      `loadBalancerSourceRanges must be empty with serviceType "${serviceType}", got ${show(loadBalancerSourceRanges)}; ${fix}`,
    );
  }
  return problems;
}

/** Sentences on releases that are not there, or that only blue/green can have. */
function checkReleases(right: Partial<Config>): string[] {
  const { release, version, replicas, active = "", previous = [], keepPrevious, weight, gateway = "" } = right;
  const versions = [version, ...previous.map((earlier) => earlier.version)];
  const running = versions.slice(0, 1 + (keepPrevious ?? previous.length));
  const wrong =
    release !== "blueGreen" && active !== ""
      ? [`active must be empty with release ${show(release)}, got ${show(active)}`]
      : active === ""
        ? []
        : checkOneOf("active", active, running);
  const needs =
    release === "canary"
      ? [
          ...(previous.length > 0 ? [] : ["a release in previous"]),
          ...(replicas === 1 && gateway === "" ? ["2 replicas or more"] : []),
        ]
      : ['release "canary"'];
  const light = weight !== undefined && weight < 100 && needs.length > 0;
  return [
    ...checkPromotion(right, running.length > 1),
    ...(light ? [`weight ${weight} needs ${needs.join(" and ")}; for example: pulumi config set weight 100`] : []),
    ...wrong.map((problem) => `${problem}; for example: pulumi config set active ""`),
    ...checkUnique("version and those in previous", versions).map(
      (problem) => `${problem}; for example: pulumi config rm previous`,
    ),
  ];
}

/** Sentences on a release that is to wait where none can keep the traffic meanwhile. */
function checkPromotion({ release, promote, active }: Partial<Config>, isKept: boolean): string[] {
  if (promote !== "manual") return [];
  const fix = "for example: pulumi config set promote auto";
  if (release !== "blueGreen") return [`promote must be "auto" with release ${show(release)}, got "manual"; ${fix}`];
  const needs = "a release in previous that keepPrevious keeps, which has the traffic until active names the new one";
  return isKept || active !== "" ? [] : [`promote "manual" needs ${needs}; ${fix}`];
}

/** Sentences on what needs a host name and has none. */
function checkHostKeys({ host, gateway = "", tls = false }: Partial<Config>): string[] {
  const fix = "for example: pulumi config set host hello.example.com";
  const alone = [...(gateway === "" ? [] : [`gateway ${show(gateway)}`]), ...(tls ? ["tls true"] : [])];
  return host === "" ? alone.map((setting) => `host must be set with ${setting}, got ""; ${fix}`) : [];
}

/** Sentences on a CDN that has no place to be, or a shield or a name that does not suit its regions. */
function checkCdnRegions({ cdn = false, cdnDns = {}, cdnShield = "", regions }: Partial<Config>): string[] {
  if (!cdn || regions === undefined) return [];
  return [
    ...checkDnsRegions("cdnDns", cdnDns, regions),
    ...(regions.length > 0
      ? []
      : [
          "regions must hold at least one with cdn true, got []; for example: pulumi config set --path 'regions[0]' eu",
        ]),
    ...(cdnShield === "" || regions.includes(cdnShield)
      ? []
      : checkOneOf("cdnShield", cdnShield, regions).map(
          (problem) => `${problem}; for example: pulumi config set cdnShield ""`,
        )),
  ];
}

function checkText(property: string, value: unknown): string[] {
  return value === "" ? [] : checkPattern(property, value, /^[^\s]+$/, "an image or empty");
}

function checkGateway(property: string, value: unknown): string[] {
  const name = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";
  const rule = "a namespace and a name such as gateway-system/public, or empty";
  return value === "" ? [] : checkPattern(property, value, new RegExp(`^${name}/${name}$`), rule);
}

function checkVersion(property: string, value: unknown): string[] {
  const pattern = /^(?=.{1,63}$)v\d+\.\d+\.\d+(-[-A-Za-z0-9.]*[A-Za-z0-9])?$/;
  return checkPattern(property, value, pattern, "a version of up to 63 characters such as v0.0.1 or v1.2.0-rc.1");
}

function checkRevision(property: string, value: unknown): string[] {
  const rule = "a commit of 7 to 64 hexadecimal digits or empty";
  return checkPattern(property, value, /^[0-9a-f]{7,64}$/, rule);
}

function checkSource(property: string, value: unknown): string[] {
  const rule = "a URL such as https://github.com/me/hello or empty";
  return checkPattern(property, value, /^https?:\/\/[!-~]+$/, rule);
}

/** Texts such as v0.0.1=ghcr.io/me/hello@sha256:… become releases; whatever is none stays as it is. */
function parsePrevious(text: string): unknown {
  const value = parseJson(text);
  if (!Array.isArray(value)) return value;
  return value.map((item: unknown) => {
    const [, version, image] = (typeof item === "string" && /^([^=]*)=(.*)$/s.exec(item)) || [];
    return version === undefined ? item : { version, image };
  });
}

function checkPrevious(property: string, value: unknown): string[] {
  const { version, image } = (typeof value === "object" && value !== null ? value : {}) as Partial<PreviousRelease>;
  return version === undefined || image === undefined
    ? [`${property} must be a version and its image, such as v0.0.1=repository@sha256:…, got ${show(value)}`]
    : [...checkVersion(`${property}'s version`, version), ...checkDigestReference(`${property}'s image`, image)];
}
