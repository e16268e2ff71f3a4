import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";

import { parseConfig, readConfig } from "../config.ts";
import { defaultConfig, project, useConfig, useMocks } from "./mocks.ts";

const problemsOf = (texts: Record<string, string>) => parseConfig({ ...defaultConfig(), ...texts }).problems;

describe("the configuration", () => {
  beforeEach(() => useMocks());

  it("is Pulumi.yaml's defaults if the stack says nothing", () => {
    useConfig();
    assert.deepEqual(readConfig(), {
      target: "kubernetes",
      swarmPublish: "ingress",
      namespace: "meridian",
      repository: "localhost:5001/meridian/hello",
      version: "v0.0.1",
      revision: "",
      source: "",
      image: "",
      platforms: [],
      replicas: 3,
      maxReplicas: 0,
      regions: [],
      serviceType: "LoadBalancer",
      port: 8888,
      loadBalancerSourceRanges: [],
      host: "",
      gateway: "",
      tls: false,
      release: "rolling",
      promote: "auto",
      active: "",
      previous: [],
      keepPrevious: 1,
      scaleDownDelaySeconds: 30,
      assetStore: false,
      weight: 100,
      maxSurge: 1,
      maxUnavailable: 0,
      minReadySeconds: 0,
      store: false,
      storePasswordVersion: 1,
      storeProtected: true,
      dashboardImage: "",
      monitoring: "off",
      cdn: false,
      cdnImage: "",
      cdnPort: 8889,
      cdnHosts: [],
      cdnReplicas: 2,
      cdnCacheSize: "256Mi",
      cdnShield: "",
      cdnTlsSecret: "",
      cdnDns: {},
      cdnDnsImage: "",
    });
  });

  it("has a type, a description and a default for each key", () => {
    for (const [key, { type, description, default: value }] of Object.entries(project().config)) {
      assert.ok(["string", "integer", "array", "boolean", "object"].includes(type), `the type of ${key}`);
      assert.match(description, /^[A-Z].+\.$/, `the description of ${key}`);
      assert.notEqual(value, undefined, `the default of ${key}`);
    }
  });

  it("takes the dev stack's values", () => {
    const { config } = parse(readFileSync(new URL("../Pulumi.dev.yaml", import.meta.url), "utf8"));
    const texts = Object.entries(config).map(([key, value]) => [
      key.replace("meridian:", ""),
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
    useConfig(Object.fromEntries(texts));
    assert.deepEqual(readConfig().regions, ["eu", "us", "ap"]);
  });

  it("leaves the keys of other projects and providers alone", () => {
    useConfig();
    pulumi.runtime.setConfig("kubernetes:context", "kind-kind");
    assert.equal(readConfig().replicas, 3);
  });

  it("ends the program without a stack trace if it is wrong", () => {
    useConfig({ replicas: "three" });
    assert.throws(readConfig, (error) => pulumi.RunError.isInstance(error));
  });

  const wrong: [string, string, string][] = [
    [
      "revision",
      "main",
      'revision must be a commit of 7 to 64 hexadecimal digits or empty, got "main"; ' +
        'for example: pulumi config set revision "$(git rev-parse HEAD)"',
    ],
    [
      "source",
      "github.com/me/hello",
      'source must be a URL such as https://github.com/me/hello or empty, got "github.com/me/hello"; ' +
        "for example: pulumi config set source https://github.com/me/hello",
    ],
    ["replicas", "0", "replicas must be an integer from 1 to 100, got 0; for example: pulumi config set replicas 3"],
    [
      "replicas",
      "101",
      "replicas must be an integer from 1 to 100, got 101; for example: pulumi config set replicas 3",
    ],
    ["replicas", "-1", "replicas must be an integer from 1 to 100, got -1; for example: pulumi config set replicas 3"],
    [
      "replicas",
      "three",
      'replicas must be an integer from 1 to 100, got "three"; for example: pulumi config set replicas 3',
    ],
    [
      "replicas",
      "1e9",
      'replicas must be an integer from 1 to 100, got "1e9"; for example: pulumi config set replicas 3',
    ],
    ["replicas", "", 'replicas must be an integer from 1 to 100, got ""; for example: pulumi config set replicas 3'],
    [
      "replicas",
      "2.5",
      'replicas must be an integer from 1 to 100, got "2.5"; for example: pulumi config set replicas 3',
    ],
    [
      "maxReplicas",
      "1001",
      "maxReplicas must be an integer from 0 to 1000, got 1001; for example: pulumi config set maxReplicas 10",
    ],
    [
      "maxReplicas",
      "2",
      "maxReplicas must be 0 or at least replicas, which is 3, got 2; for example: pulumi config set maxReplicas 3",
    ],
    ["port", "65536", "port must be an integer from 1 to 65535, got 65536; for example: pulumi config set port 8888"],
    ["maxSurge", "0", "maxSurge and maxUnavailable must not both be 0; for example: pulumi config set maxSurge 1"],
    [
      "maxUnavailable",
      "101",
      "maxUnavailable must be an integer from 0 to 100, got 101; for example: pulumi config set maxUnavailable 0",
    ],
    [
      "minReadySeconds",
      "-1",
      "minReadySeconds must be an integer from 0 to 100, got -1; for example: pulumi config set minReadySeconds 0",
    ],
    [
      "namespace",
      "My Shop",
      'namespace must be 1 to 40 lower-case letters, digits and "-", beginning with a letter and not ending with "-", ' +
        'got "My Shop"; for example: pulumi config set namespace meridian',
    ],
    [
      "repository",
      "hello",
      'repository must be "registry/path" in lower case without a tag, such as "ghcr.io/me/hello", got "hello"; ' +
        "for example: pulumi config set repository ghcr.io/me/hello",
    ],
    [
      "version",
      "v 1",
      'version must be a version of up to 63 characters such as v0.0.1 or v1.2.0-rc.1, got "v 1"; ' +
        "for example: pulumi config set version v0.0.1",
    ],
    [
      "image",
      "ghcr.io/me/hello:v1",
      'image must be a reference by digest, "repository@sha256:" and 64 hexadecimal digits, got "ghcr.io/me/hello:v1"; ' +
        'for example: pulumi config set image ""',
    ],
    [
      "platforms",
      '["windows/amd64"]',
      'platforms[0] must be one of "linux/amd64", "linux/arm64", got "windows/amd64"; ' +
        "for example: pulumi config set --path \'platforms[0]\' linux/amd64",
    ],
    ["regions", "eu", `regions must be a list, got "eu"; for example: pulumi config set --path 'regions[0]' eu`],
    [
      "regions",
      '["eu","eu"]',
      `regions must each be given once, got "eu" twice or more; for example: pulumi config set --path 'regions[0]' eu`,
    ],
    [
      "regions",
      '["eu west"]',
      'regions[0] must be 1 to 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit, ' +
        `got "eu west"; for example: pulumi config set --path 'regions[0]' eu`,
    ],
    [
      "serviceType",
      "loadbalancer",
      'serviceType must be one of "LoadBalancer", "NodePort", "ClusterIP", got "loadbalancer"; ' +
        "for example: pulumi config set serviceType LoadBalancer",
    ],
    [
      "loadBalancerSourceRanges",
      '["10.0.0.0"]',
      'loadBalancerSourceRanges[0] must be a CIDR block such as "203.0.113.0/24" or "2001:db8::/32", got "10.0.0.0"; ' +
        "for example: pulumi config set --path \'loadBalancerSourceRanges[0]\' 203.0.113.0/24",
    ],
    [
      "release",
      "recreate",
      'release must be one of "rolling", "blueGreen", "canary", got "recreate"; for example: pulumi config set release rolling',
    ],
    [
      "Replica",
      "3",
      "Replica is not a key of this program: did you mean replicas? pulumi config rm Replica removes it",
    ],
    ["prot", "80", "prot is not a key of this program: did you mean port? pulumi config rm prot removes it"],
  ];
  for (const [key, text, sentence] of wrong) {
    it(`refuses ${key}: ${text || "(empty)"}`, () => assert.deepEqual(problemsOf({ [key]: text }), [sentence]));
  }

  it("refuses values that do not go together", () => {
    assert.deepEqual(problemsOf({ release: "blueGreen", maxReplicas: "5" }), [
      'maxReplicas must be 0 with release "blueGreen", got 5; for example: pulumi config set release rolling',
    ]);
    assert.deepEqual(problemsOf({ serviceType: "NodePort", loadBalancerSourceRanges: '["10.0.0.0/8"]' }), [
      'loadBalancerSourceRanges must be empty with serviceType "NodePort", got ["10.0.0.0/8"]; ' +
        "for example: pulumi config rm loadBalancerSourceRanges",
    ]);
  });

  it("refuses to give the traffic to a release that there is not, or that is there twice", () => {
    const previous = JSON.stringify([`v0.0.1=ghcr.io/me/hello@sha256:${"a".repeat(64)}`]);
    assert.deepEqual(problemsOf({ active: "v0.0.1" }), [
      'active must be empty with release "rolling", got "v0.0.1"; for example: pulumi config set active ""',
    ]);
    assert.deepEqual(problemsOf({ keepPrevious: "-1" }), [
      "keepPrevious must be an integer from 0 to 10, got -1; for example: pulumi config set keepPrevious 1",
    ]);
    assert.deepEqual(problemsOf({ release: "canary", previous, version: "v0.0.2", active: "v0.0.1" }), [
      'active must be empty with release "canary", got "v0.0.1"; for example: pulumi config set active ""',
    ]);
    assert.deepEqual(problemsOf({ release: "blueGreen", previous, version: "v0.0.2", weight: "50" }), [
      'weight 50 needs release "canary"; for example: pulumi config set weight 100',
    ]);
    assert.deepEqual(problemsOf({ weight: "50" }), [
      'weight 50 needs release "canary"; for example: pulumi config set weight 100',
    ]);
    assert.deepEqual(problemsOf({ release: "canary", weight: "50", replicas: "1" }), [
      "weight 50 needs a release in previous and 2 replicas or more; for example: pulumi config set weight 100",
    ]);
    const gateway = { host: "hello.example.com", gateway: "gateway-system/public" };
    assert.deepEqual(
      problemsOf({ ...gateway, release: "canary", weight: "50", replicas: "1", previous, version: "v0.0.2" }),
      [],
    );
    assert.deepEqual(problemsOf({ gateway: "gateway-system/public", tls: "true" }), [
      'host must be set with gateway "gateway-system/public", got ""; for example: pulumi config set host hello.example.com',
      'host must be set with tls true, got ""; for example: pulumi config set host hello.example.com',
    ]);
    assert.deepEqual(problemsOf({ host: "hello.example.com", gateway: "public" }), [
      'gateway must be a namespace and a name such as gateway-system/public, or empty, got "public"; for example: pulumi config set gateway gateway-system/public',
    ]);
    assert.deepEqual(problemsOf({ release: "blueGreen", version: "v0.0.2", previous, active: "v0.0.3" }), [
      'active must be one of "v0.0.2", "v0.0.1", got "v0.0.3"; for example: pulumi config set active ""',
    ]);
    assert.deepEqual(problemsOf({ release: "blueGreen", previous }), [
      'version and those in previous must each be given once, got "v0.0.1" twice or more; ' +
        "for example: pulumi config rm previous",
    ]);
    assert.deepEqual(problemsOf({ version: "v0.0.2", previous: '["v0.0.1","1=hello:1"]' }), [
      'previous[0] must be a version and its image, such as v0.0.1=repository@sha256:…, got "v0.0.1"; ' +
        "for example: pulumi config set --path 'previous[0]' v0.0.1=ghcr.io/me/hello@sha256:…",
      'previous[1]\'s version must be a version of up to 63 characters such as v0.0.1 or v1.2.0-rc.1, got "1"; ' +
        "for example: pulumi config set --path 'previous[0]' v0.0.1=ghcr.io/me/hello@sha256:…",
      'previous[1]\'s image must be a reference by digest, "repository@sha256:" and 64 hexadecimal digits, ' +
        "got \"hello:1\"; for example: pulumi config set --path 'previous[0]' v0.0.1=ghcr.io/me/hello@sha256:…",
    ]);
  });

  it("looks for values that do not go together among those that are right by themselves", () => {
    assert.deepEqual(problemsOf({ port: "0", maxSurge: "0", replicas: "many", maxReplicas: "1" }), [
      'replicas must be an integer from 1 to 100, got "many"; for example: pulumi config set replicas 3',
      "port must be an integer from 1 to 65535, got 0; for example: pulumi config set port 8888",
      "maxSurge and maxUnavailable must not both be 0; for example: pulumi config set maxSurge 1",
    ]);
  });

  it("names each key that is missing", () => {
    const { port, ...others } = defaultConfig();
    assert.equal(port, "8888");
    assert.deepEqual(parseConfig(others).problems, ["port is missing; for example: pulumi config set port 8888"]);
  });
});
