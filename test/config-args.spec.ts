import assert from "node:assert/strict";

import { cdnArgs, imageArgs, monitoringArgs, serviceArgs } from "../config-args.ts";
import { parseConfig } from "../config.ts";
import type { Config } from "../config.ts";
import { defaultConfig, digest } from "./mocks.ts";

/** The configuration of these texts on top of Pulumi.yaml's defaults. */
function configOf(texts: Record<string, string>): Config {
  const { config, problems } = parseConfig({ ...defaultConfig(), ...texts });
  assert.deepEqual(problems, []);
  return config;
}

describe("what the configuration asks for", () => {
  const image = `localhost:5001/meridian/hello@${digest}`;
  const old = { version: "v0.0.1", image };
  const older = { version: "v0.0.0", image };
  const previous = JSON.stringify([old, older].map((release) => `${release.version}=${release.image}`));
  const ingress = undefined;
  const route = undefined;
  const service = (texts: Record<string, string>) => serviceArgs(configOf(texts));

  it("is an image from the app's Dockerfile, unless there is one already", () => {
    const texts = { repository: "ghcr.io/me/hello", version: "v1.0.0", platforms: '["linux/arm64"]' };
    const built = {
      repository: "ghcr.io/me/hello",
      tags: ["v1.0.0"],
      buildArgs: { VERSION: "v1.0.0" },
      platforms: ["linux/arm64"],
    };
    assert.deepEqual(imageArgs(configOf(texts)), { ...built, prebuilt: undefined });
    assert.deepEqual(imageArgs(configOf({ ...texts, image })), { ...built, prebuilt: image });
  });

  it("is an image that says where it comes from", () => {
    const { tags, buildArgs } = imageArgs(configOf({ revision: "072ff3c", source: "https://github.com/me/hello" }));
    assert.deepEqual(tags, ["v0.0.1", "072ff3c"]);
    assert.deepEqual(buildArgs, { VERSION: "v0.0.1", REVISION: "072ff3c", SOURCE: "https://github.com/me/hello" });
  });

  it("is a Service of a type, and who may come in", () => {
    assert.deepEqual(service({ serviceType: "NodePort" }).service, {
      type: "NodePort",
      loadBalancerSourceRanges: [],
    });
    assert.deepEqual(service({ loadBalancerSourceRanges: '["192.0.2.0/24"]' }).service, {
      type: "LoadBalancer",
      loadBalancerSourceRanges: ["192.0.2.0/24"],
    });
  });

  const gateway = { host: "hello.example.com", gateway: "infra/public" };
  for (const [texts, expected] of [
    [{}, { ingress, route }],
    [{ host: "hello.example.com" }, { ingress: { host: "hello.example.com" }, route }],
    [
      { host: "hello.example.com", tls: "true" },
      { ingress: { host: "hello.example.com", tlsSecretName: "hello-tls" }, route },
    ],
    [
      gateway,
      {
        ingress,
        route: { host: "hello.example.com", gateway: { name: "public", namespace: "infra" }, isTls: false },
      },
    ],
    [
      { ...gateway, tls: "true" },
      { ingress, route: { host: "hello.example.com", gateway: { name: "public", namespace: "infra" }, isTls: true } },
    ],
  ] as const) {
    it(`is reached as ${JSON.stringify(texts)} says`, () => {
      const { ingress, route } = service(texts);
      assert.deepEqual({ ingress, route }, expected);
    });
  }

  it("keeps the assets of the releases that are kept", () => {
    assert.equal(service({}).assetStore, undefined);
    assert.deepEqual(service({ assetStore: "true", release: "blueGreen", version: "v0.0.2", previous }).assetStore, {
      folder: "/app/dist",
      previous: [old, older],
    });
  });

  it("is a blue/green release that answers before it gets the traffic, with as many others as are kept", () => {
    const texts = { release: "blueGreen", version: "v0.0.2", previous, keepPrevious: "1", minReadySeconds: "2" };
    const release = {
      kind: "blueGreen",
      minReadySeconds: 2,
      smokeTest: { expect: [{ path: "/", body: '"hello":"world"' }, { path: "/readyz" }] },
      previous: [old],
      promote: "auto",
      active: undefined,
      scaleDownDelaySeconds: 30,
    };
    assert.deepEqual(service(texts).release, release);
    assert.deepEqual(service({ ...texts, active: "v0.0.1" }).release, { ...release, active: "v0.0.1" });
    assert.deepEqual(service({ ...texts, promote: "manual" }).release, { ...release, promote: "manual" });
  });

  it("is a canary beside the latest release that was kept", () => {
    assert.deepEqual(service({ release: "canary", version: "v0.0.2", previous, weight: "50" }).release, {
      kind: "canary",
      minReadySeconds: 0,
      stable: old,
      weight: 50,
    });
  });

  it("is an edge in each region that never keeps a page for longer than its release", () => {
    const texts = { regions: '["eu","us"]', cdnReplicas: "1", cdnCacheSize: "1Gi", cdnHosts: '["a.example"]' };
    const edge = { replicas: 1, cacheSize: "1Gi" };
    const expected = {
      image: undefined,
      regions: [
        { name: "eu", ...edge },
        { name: "us", ...edge },
      ],
      shield: undefined,
      hosts: ["a.example"],
      release: { path: "/version", header: "X-Version", keep: ["/assets/"] },
      port: 8889,
      tlsSecretName: undefined,
      dns: undefined,
    };
    assert.deepEqual(cdnArgs(configOf(texts)), expected);
    assert.equal(cdnArgs(configOf({ ...texts, cdn: "true", cdnShield: "us" })).shield, "us");
    assert.equal(cdnArgs(configOf({ ...texts, cdnImage: image })).image, image);
    assert.equal(cdnArgs(configOf({ ...texts, cdnTlsSecret: "www-tls" })).tlsSecretName, "www-tls");
  });

  it("is one name for the CDN, with an image only where it has name servers of its own", () => {
    const latency = { policy: "latency", hostname: "www.example.com", awsRegions: { eu: "eu-central-1" } };
    const nearest = { policy: "nearest", hostname: "www.example.com", latency: {}, clients: {} };
    const dnsOf = (dns: object, texts = {}) =>
      cdnArgs(configOf({ cdn: "true", regions: '["eu"]', cdnDns: JSON.stringify(dns), ...texts })).dns;
    const cdnDnsImage = `ghcr.io/me/dns@${digest}`;
    assert.deepEqual(dnsOf(latency, { cdnDnsImage }), latency);
    assert.deepEqual(dnsOf(nearest), { ...nearest, image: undefined });
    assert.deepEqual(dnsOf(nearest, { cdnDnsImage }), { ...nearest, image: cdnDnsImage });
  });

  for (const [texts, expected] of [
    [{}, undefined],
    [{ monitoring: "annotations" }, { service: "hello", cdn: undefined, scrape: "annotations" }],
    [
      { monitoring: "podMonitor", cdn: "true", regions: '["eu"]' },
      { service: "hello", cdn: "meridian", scrape: "podMonitor" },
    ],
  ] as const) {
    it(`is monitoring as ${JSON.stringify(texts)} says`, () =>
      assert.deepEqual(monitoringArgs(configOf(texts)), expected));
  }
});
