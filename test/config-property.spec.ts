import assert from "node:assert/strict";

import fc from "fast-check";

import { parseConfig } from "../config.ts";
import { defaultConfig, graph, runProgram, useConfig, useMocks } from "./mocks.ts";

describe("any configuration", () => {
  it("is deployed or refused with sentences", async function () {
    this.timeout(120_000);
    let deployed = 0;
    await fc.assert(
      fc.asyncProperty(configurations(), async (texts) => {
        const { problems } = parseConfig(texts);
        for (const problem of problems) {
          assert.match(problem, /(; for example: pulumi config .+| removes it)$/s);
        }
        if (problems.length > 0) {
          return;
        }
        deployed += 1;
        await useMocks();
        useConfig(texts);
        await runProgram();
        assert.ok((await graph()).some((resource) => resource.startsWith("kubernetes:apps/v1:Deployment hello")));
      }),
      { numRuns: 1000 },
    );

    assert.ok(deployed >= 30, `only ${deployed} of 1,000 were deployed`);
  });
});

/** The defaults with some keys changed, to values that may well be right or to anything, and sometimes unknown keys. */
function configurations(): fc.Arbitrary<Record<string, string>> {
  const integer = (max: number) => fc.integer({ min: 0, max }).map(String);
  const list = (...items: string[]) => fc.subarray(items).map((some) => JSON.stringify(some));
  const sensible = {
    namespace: fc.constantFrom("shop", "a", "team-1"),
    repository: fc.constantFrom("ghcr.io/me/hello", "localhost:5000/x"),
    version: fc.constantFrom("v0.0.2", "v1.2.0-rc.1", "0.0.1"),
    revision: fc.constantFrom("", "072ff3c", "main"),
    source: fc.constantFrom("", "https://github.com/me/hello", "hello"),
    image: fc.constantFrom("", `ghcr.io/me/hello@sha256:${"a".repeat(64)}`),
    platforms: list("linux/amd64", "linux/arm64"),
    replicas: integer(101),
    maxReplicas: integer(1001),
    regions: list("eu", "us", "ap"),
    serviceType: fc.constantFrom("LoadBalancer", "NodePort", "ClusterIP"),
    port: integer(65536),
    loadBalancerSourceRanges: list("10.0.0.0/8", "2001:db8::/32"),
    release: fc.constantFrom("rolling", "blueGreen", "canary"),
    promote: fc.constantFrom("auto", "manual", "later"),
    active: fc.constantFrom("", "v0.0.1", "v0.0.2"),
    previous: list(`v0.0.2=ghcr.io/me/hello@sha256:${"a".repeat(64)}`, "v0.0.1=hello"),
    weight: integer(101),
    host: fc.constantFrom("", "hello.example.com", "Hello"),
    gateway: fc.constantFrom("", "gateway-system/public", "public"),
    tls: fc.constantFrom("true", "false"),
    maxSurge: integer(101),
    maxUnavailable: integer(101),
    minReadySeconds: integer(101),
    store: fc.constantFrom("true", "false"),
    storePasswordVersion: integer(3),
    storeProtected: fc.constantFrom("true", "false"),
    dashboardImage: fc.constantFrom("", `ghcr.io/headlamp-k8s/headlamp@sha256:${"b".repeat(64)}`),
    monitoring: fc.constantFrom("off", "annotations", "podMonitor", "all"),
    cdn: fc.constantFrom("true", "false"),
    cdnHosts: list("www.example.com", "example"),
    cdnCacheSize: fc.constantFrom("64Mi", "1Gi", "1Mi"),
    cdnShield: fc.constantFrom("", "eu", "us"),
    cdnTlsSecret: fc.constantFrom("", "www-tls", "www tls"),
    cdnDns: fc.constantFrom(
      "{}",
      '{"policy":"nearest","hostname":"www.example.com","latency":{"eu":{"us":90}},"clients":{"eu":["10.0.0.0/8"]}}',
      '{"policy":"latency","hostname":"www.example.com","awsRegions":{"eu":"eu-central-1","us":"us-east-1"}}',
      '{"policy":"geo","hostname":"www.example.com","continents":{"eu":"EU","us":"*"}}',
      '{"policy":"nearest","hostname":7}',
    ),
  };
  const likely = fc.oneof(...Object.entries(sensible).map(([key, text]) => fc.tuple(fc.constant(key), text)));
  const anything = fc.oneof(fc.string(), fc.json(), fc.integer().map(String), fc.double().map(String));
  const key = fc.oneof(fc.constantFrom(...Object.keys(sensible)), fc.string({ minLength: 1 }));
  return fc
    .array(fc.oneof(likely, fc.tuple(key, anything)), { minLength: 2, maxLength: 8 })
    .map((changes) => ({ ...defaultConfig(), ...Object.fromEntries(changes) }));
}
