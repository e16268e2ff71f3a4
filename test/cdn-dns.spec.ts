import assert from "node:assert/strict";

import * as k8s from "@pulumi/kubernetes";

import { Cdn } from "../components/cdn.ts";
import type { CdnArgs } from "../components/cdn.ts";
import health from "../components/dns/health.js";
import { nearestFirst } from "../components/dns/options.ts";
import type { NearestDns } from "../components/dns/options.ts";
import { created, graph, only, useMocks, valueOf } from "./mocks.ts";

const latency = { eu: { us: 90, ap: 160 }, us: { ap: 150 } };
const nearest = {
  policy: "nearest",
  hostname: "shop.example",
  latency,
  clients: { eu: ["192.0.2.0/24"], us: ["198.51.100.0/24", "2001:db8::/32"] },
} satisfies NearestDns;

const make = (dns: unknown, args: Partial<CdnArgs> = {}) =>
  new Cdn("meridian", {
    origin: "http://hello.shop.svc:8888",
    namespace: "shop",
    regions: [{ name: "eu" }, { name: "us" }, { name: "ap" }],
    dns: dns as CdnArgs["dns"],
    ...args,
  });

describe("the DNS of a Cdn", () => {
  beforeEach(() => useMocks());

  it("puts a name server into each of the first three regions, and gives their addresses", async () => {
    const withAfrica = { ...nearest, latency: { ...latency, af: { eu: 120, us: 200, ap: 220 } } };
    const cdn = make(withAfrica, { regions: ["eu", "us", "ap", "af"].map((name) => ({ name })) });
    assert.deepEqual(
      (await created("kubernetes:apps/v1:Deployment")).map(({ name }) => name).filter((name) => name.includes("dns")),
      ["meridian-dns-eu", "meridian-dns-us", "meridian-dns-ap"],
    );
    assert.deepEqual(await valueOf(cdn.nameServers), [
      { region: "eu", address: "192.0.2.10" },
      { region: "us", address: "192.0.2.10" },
      { region: "ap", address: "192.0.2.10" },
    ]);
  });
  it("has a zone for the clients of each region, in the order of its round trips", async () => {
    make(nearest);
    const { inputs } = await only("kubernetes:core/v1:ConfigMap", "meridian-dns");
    const data = inputs["data"] as Record<string, string>;
    assert.match(
      data["Corefile"]!,
      /view region-us \{\n\s+expr incidr\(client_ip\(\), '198\.51\.100\.0\/24'\) \|\| incidr\(client_ip\(\), '2001:db8::\/32'\)/,
    );
    const { orders, regions, ttlSeconds } = JSON.parse(data["regions.json"]!) as Record<
      string,
      Record<string, unknown>
    >;
    assert.deepEqual(orders, {
      "region-eu": ["eu", "us", "ap"],
      "region-us": ["us", "eu", "ap"],
      others: ["eu", "us", "ap"],
    });
    assert.deepEqual(regions!["ap"], { url: "http://192.0.2.10:80", address: "192.0.2.10" });
    assert.equal(ttlSeconds, 1);
    assert.deepEqual(nearestFirst(latency, ["eu", "us", "ap"], "ap"), ["ap", "us", "eu"]);
  });

  it("names the nearest region that is not lost, and the nearest at all if every one seems to be", () => {
    const order = ["ap", "us", "eu"];
    assert.equal(health.choose(order, []), "ap");
    assert.equal(health.choose(order, ["ap"]), "us");
    assert.equal(health.choose(order, ["us", "ap"]), "eu");
    assert.equal(health.choose(order, ["ap", "eu", "us"]), "ap");
  });

  it("writes a zone with the address, the name servers and the time to live", () => {
    const config = { hostname: "shop.example", ttlSeconds: 2, nameServers: ["192.0.2.1", "192.0.2.2"] };
    assert.equal(
      health.zone(config, "192.0.2.10", 7),
      "$ORIGIN shop.example.\n$TTL 2\n@ IN SOA ns1 hostmaster 7 60 10 3600 2\n@ IN NS ns1\n@ IN NS ns2\n" +
        "ns1 IN A 192.0.2.1\nns2 IN A 192.0.2.2\n@ IN A 192.0.2.10\n",
    );
  });

  const annotationsOf = async (region: string) => {
    const { inputs } = await only("kubernetes:core/v1:Service", `meridian-${region}`);
    const { annotations } = inputs["metadata"] as { annotations: Record<string, string> };
    const prefix = "external-dns.alpha.kubernetes.io/";
    return Object.fromEntries(
      Object.entries(annotations).flatMap(([key, value]) =>
        key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
      ),
    );
  };

  it("leaves the records to external-dns, which asks Route 53 for the lowest latency", async () => {
    make({
      policy: "latency",
      hostname: "shop.example",
      awsRegions: { eu: "eu-central-1", us: "us-east-1", ap: "ap-southeast-2" },
      healthCheckIds: { eu: "4a1b" },
    });
    const common = { hostname: "shop.example", ttl: "60" };
    assert.deepEqual(await annotationsOf("eu"), {
      ...common,
      "set-identifier": "eu",
      "aws-region": "eu-central-1",
      "aws-health-check-id": "4a1b",
    });
    assert.deepEqual(await annotationsOf("us"), { ...common, "set-identifier": "us", "aws-region": "us-east-1" });
    assert.ok((await graph()).every((resource) => !resource.includes("CdnDns")));
  });

  it("leaves the records to external-dns, by continents", async () => {
    make({ policy: "geo", hostname: "shop.example", ttlSeconds: 30, continents: { eu: "EU", us: "*", ap: "AS" } });
    const common = { hostname: "shop.example", ttl: "30" };
    assert.deepEqual(await annotationsOf("ap"), {
      ...common,
      "set-identifier": "ap",
      "aws-geolocation-continent-code": "AS",
    });
    assert.deepEqual(await annotationsOf("us"), {
      ...common,
      "set-identifier": "us",
      "aws-geolocation-country-code": "*",
    });
  });

  for (const [dns, message] of [
    [{ policy: "random" }, 'dns.policy must be one of "nearest", "latency", "geo", got "random"'],
    [
      { ...nearest, latency: { eu: { us: 90 }, us: { ap: 150 } } },
      'dns.latency must say how far "eu" and "ap" are from each other, in milliseconds, such as { "eu": { "ap": 90 } }',
    ],
    [
      { ...nearest, latency: { ...latency, us: { ap: -1 } } },
      "dns.latency.us.ap must be a number of milliseconds above 0, got -1",
    ],
    [
      { ...nearest, latency: { ...latency, mars: { eu: 1 } } },
      'dns.latency must name regions among "eu", "us", "ap", got "mars"',
    ],
    [
      { ...nearest, clients: { eu: ["192.0.2.0"] } },
      'dns.clients.eu[0] must be a CIDR block such as "203.0.113.0/24" or "2001:db8::/32", got "192.0.2.0"',
    ],
    [{ ...nearest, serverRegions: ["mars"] }, 'dns.serverRegions must name regions among "eu", "us", "ap", got "mars"'],
    [
      { policy: "latency", hostname: "shop.example", awsRegions: { eu: "eu-central-1", us: "us-east-1" } },
      'dns.awsRegions.ap must be a region of Amazon\'s such as "eu-central-1", got undefined',
    ],
    [
      { policy: "geo", hostname: "shop.example", continents: { eu: "EU", us: "NA", ap: "XX" } },
      'dns.continents.ap must be one of "AF", "AN", "AS", "EU", "NA", "OC", "SA", "*", got "XX"',
    ],
    [
      { ...nearest, hostname: "Shop" },
      'dns.hostname must be a host name in lower case such as "www.example.com", got "Shop"',
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(dns)}`, async () => {
      assert.throws(() => make(dns), { message });
      assert.deepEqual(await graph(), ["meridian:index:Cdn meridian"]);
    });
  }

  it("refuses an origin that is the CDN's own name", () => {
    const message = 'origin must not lead back to the CDN, got "http://shop.example", which is one of its hosts';
    assert.throws(() => make(nearest, { origin: "http://shop.example" }), { message });
  });

  it("takes regions that are clusters of their own, which hold no name server", async () => {
    const provider = (name: string) => new k8s.Provider(name, { kubeconfig: `{"of": "${name}"}` });
    make(nearest, {
      regions: [{ name: "eu", provider: provider("one") }, { name: "us", provider: provider("two") }, { name: "ap" }],
    });
    const names = (await created("kubernetes:apps/v1:Deployment")).map(({ name }) => name);
    assert.deepEqual(names.toSorted(), ["meridian-ap", "meridian-dns-ap", "meridian-eu", "meridian-us"]);
  });
});
