import assert from "node:assert/strict";

import * as pulumi from "@pulumi/pulumi";

import { parseConfig } from "../config.ts";
import { defaultConfig, only, runProgram, specOf, useConfig, useMocks, valueOf } from "./mocks.ts";

const nearest = {
  policy: "nearest",
  hostname: "www.example.com",
  latency: { eu: { us: 90 } },
  clients: { eu: ["203.0.113.0/24"] },
};
const stack = { cdn: "true", regions: '["eu","us"]' };
const problemsOf = (dns: unknown) =>
  parseConfig({ ...defaultConfig(), ...stack, cdnDns: JSON.stringify(dns) }).problems;

describe("the stack's name for its CDN", () => {
  const right = [
    {},
    nearest,
    { ...nearest, ttlSeconds: 5, serverRegions: ["us"] },
    { policy: "latency", hostname: "www.example.com", awsRegions: { eu: "eu-central-1", us: "us-east-1" } },
    { policy: "geo", hostname: "www.example.com", continents: { eu: "EU", us: "*" }, healthCheckIds: { eu: "4a1b" } },
  ];
  for (const dns of right) it(`can be ${JSON.stringify(dns)}`, () => assert.deepEqual(problemsOf(dns), []));

  const alone = "--path cdnDns.policy nearest";
  const wrong: [unknown, string, string][] = [
    ["www.example.com", 'cdnDns must be an object, got "www.example.com"', alone],
    [{ hostname: "a.example" }, 'cdnDns.policy must be one of "nearest", "latency", "geo", got undefined', alone],
    [
      { ...nearest, policy: "toString" },
      'cdnDns.policy must be one of "nearest", "latency", "geo", got "toString"',
      alone,
    ],
    [{ ...nearest, hostname: undefined }, "cdnDns.hostname must be a text, got undefined", alone],
    [
      { ...nearest, latency: undefined },
      "cdnDns.latency must be milliseconds by pairs of regions, got undefined",
      alone,
    ],
    [
      { ...nearest, latency: { eu: { us: "90" } } },
      'cdnDns.latency must be milliseconds by pairs of regions, got {"eu":{"us":"90"}}',
      alone,
    ],
    [
      { ...nearest, clients: { eu: "10.0.0.0/8" } },
      'cdnDns.clients must be a list of networks for each region, got {"eu":"10.0.0.0/8"}',
      alone,
    ],
    [{ ...nearest, ttlSeconds: "5" }, 'cdnDns.ttlSeconds must be a number, got "5"', alone],
    [{ ...nearest, client: {} }, 'cdnDns.client is no part of policy "nearest": did you mean cdnDns.clients?', alone],
    [
      { ...nearest, hostname: "WWW" },
      'cdnDns.hostname must be a host name in lower case such as "www.example.com", got "WWW"',
      "--path 'cdnDns.hostname' www.example.com",
    ],
    [
      { ...nearest, latency: {} },
      'cdnDns.latency must say how far "eu" and "us" are from each other, in milliseconds, such as { "eu": { "us": 90 } }',
      "--path 'cdnDns.latency.eu.us' 90",
    ],
    [
      { ...nearest, clients: { mars: [] } },
      'cdnDns.clients must name regions among "eu", "us", got "mars"',
      "--path 'cdnDns.clients.eu[0]' 203.0.113.0/24",
    ],
  ];
  for (const [dns, problem, example] of wrong) {
    it(`cannot be ${JSON.stringify(dns)}`, () =>
      assert.deepEqual(problemsOf(dns), [`${problem}; for example: pulumi config set ${example}`]));
  }

  it("is not looked at without a CDN, but for its form", () => {
    const problems = (dns: string) => parseConfig({ ...defaultConfig(), cdnDns: dns }).problems;
    assert.deepEqual(problems(JSON.stringify({ ...nearest, latency: {} })), []);
    assert.equal(problems("[]").length, 1);
  });

  it("is answered by name servers in the regions", async () => {
    await useMocks();
    const image = "registry.example/coredns:1";
    useConfig({ ...stack, cdnDns: JSON.stringify(nearest), cdnDnsImage: image });
    const { cdnNameServers } = await runProgram();

    assert.deepEqual(await valueOf(pulumi.output(cdnNameServers)), [
      { region: "eu", address: "192.0.2.10" },
      { region: "us", address: "192.0.2.10" },
    ]);
    const { template } = await specOf("kubernetes:apps/v1:Deployment", "meridian-dns-us");
    assert.match(JSON.stringify(template), /"image":"registry\.example\/coredns:1"/);
    const { data } = (await only("kubernetes:core/v1:ConfigMap", "meridian-dns")).inputs as {
      data: Record<string, string>;
    };
    assert.match(data["Corefile"]!, /incidr\(client_ip\(\), '203\.0\.113\.0\/24'\)/);
  });

  it("is left to external-dns with the policies of a cloud", async () => {
    await useMocks();
    useConfig({ ...stack, cdnDns: JSON.stringify(right[3]), cdnDnsImage: "ignored:1" });
    await runProgram();
    const { metadata } = (await only("kubernetes:core/v1:Service", "meridian-us")).inputs as {
      metadata: { annotations: Record<string, string> };
    };
    assert.equal(metadata.annotations["external-dns.alpha.kubernetes.io/aws-region"], "us-east-1");
  });
});
