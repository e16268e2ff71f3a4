import assert from "node:assert/strict";

import { parseConfig } from "../config.ts";
import { defaultConfig } from "./mocks.ts";

const digest = `ghcr.io/me/hello@sha256:${"a".repeat(64)}`;
const previous = JSON.stringify([`v0.0.2=${digest}`, `v0.0.1=${digest}`]);
const blueGreen = { release: "blueGreen", version: "v0.0.3", previous };

const problemsOf = (texts: Record<string, string>) => parseConfig({ ...defaultConfig(), ...texts }).problems;
const title = (texts: Record<string, string>) => JSON.stringify(texts).replaceAll(/:a{64}/g, ":…");
const set = (problem: string, example: string) => `${problem}; for example: pulumi config ${example}`;

describe("the configuration's values together", () => {
  const right: Record<string, string>[] = [
    { maxReplicas: "3" },
    { maxSurge: "0", maxUnavailable: "1" },
    { release: "blueGreen", maxSurge: "0" },
    { loadBalancerSourceRanges: '["10.0.0.0/8"]' },
    { serviceType: "ClusterIP" },
    blueGreen,
    { ...blueGreen, active: "v0.0.3" },
    { ...blueGreen, active: "v0.0.2" },
    { ...blueGreen, active: "v0.0.1", keepPrevious: "2" },
    { ...blueGreen, promote: "manual" },
    { ...blueGreen, promote: "manual", active: "v0.0.3", keepPrevious: "0" },
    { ...blueGreen, release: "canary", weight: "99", replicas: "2" },
    { ...blueGreen, release: "canary", weight: "100", replicas: "1" },
    { cdn: "true", regions: '["eu","us"]', cdnShield: "us" },
    { cdn: "true", regions: '["eu"]' },
    { cdn: "false", cdnShield: "eu" },
    { cdnImage: "registry.example/nginx:1" },
    { storeProtected: "false", store: "true" },
    ...["v10.20.30", "v0.0.1-rc", "v1.2.0-rc.1", `v1.0.0-${"a".repeat(56)}`].map((version) => ({ version })),
  ];
  for (const texts of right) {
    it(`can be ${title(texts)}`, () => assert.deepEqual(problemsOf(texts), []));
  }

  const onlyKept = 'active must be one of "v0.0.3", "v0.0.2", got "v0.0.1"';
  const noRegion = "regions must hold at least one with cdn true, got []";
  const wrong: [Record<string, string>, string, string][] = [
    [{ maxReplicas: "1" }, "maxReplicas must be 0 or at least replicas, which is 3, got 1", "set maxReplicas 3"],
    [
      { release: "canary", maxReplicas: "5" },
      'maxReplicas must be 0 with release "canary", got 5',
      "set release rolling",
    ],
    [
      { serviceType: "ClusterIP", loadBalancerSourceRanges: '["10.0.0.0/8"]' },
      'loadBalancerSourceRanges must be empty with serviceType "ClusterIP", got ["10.0.0.0/8"]',
      "rm loadBalancerSourceRanges",
    ],
    [{ ...blueGreen, active: "v0.0.1" }, onlyKept, 'set active ""'],
    [{ promote: "manual" }, 'promote must be "auto" with release "rolling", got "manual"', "set promote auto"],
    [
      { ...blueGreen, promote: "manual", keepPrevious: "0" },
      'promote "manual" needs a release in previous that keepPrevious keeps, which has the traffic until active names the new one',
      "set promote auto",
    ],
    [{ release: "canary", weight: "99" }, "weight 99 needs a release in previous", "set weight 100"],
    [
      { ...blueGreen, release: "canary", weight: "1", replicas: "1" },
      "weight 1 needs 2 replicas or more",
      "set weight 100",
    ],
    [{ cdn: "true" }, noRegion, "set --path 'regions[0]' eu"],
    [
      { cdn: "true", regions: '["eu","us"]', cdnShield: "ap" },
      'cdnShield must be one of "eu", "us", got "ap"',
      'set cdnShield ""',
    ],
  ];
  for (const [texts, problem, example] of wrong) {
    it(`cannot be ${title(texts)}`, () => assert.deepEqual(problemsOf(texts), [set(problem, example)]));
  }

  for (const [key, text] of [
    ["serviceType", "Balancer"],
    ["loadBalancerSourceRanges", "10.0.0.0/8"],
    ["regions", "eu"],
    ["cdn", "yes"],
    ["weight", "half"],
    ["previous", "v0.0.1"],
    ["version", "0.0.1"],
    ["replicas", "many"],
  ] as const) {
    it(`are not blamed for ${key}, which is wrong by itself`, () => {
      const { problems, config } = parseConfig({ ...defaultConfig(), [key]: text });
      assert.equal(problems.length, 1);
      assert.ok(problems[0]!.startsWith(`${key} must be `), problems[0]);
      assert.ok(!(key in config));
    });
  }

  for (const version of [
    "xv1.0.0",
    "v1.0.0x",
    "v1.0.0-",
    "v1.0.0-rc.",
    "v1.0.0-rc+1",
    "v1.0",
    `v1.0.0-${"a".repeat(57)}`,
  ]) {
    it(`have no version ${version.slice(0, 20)}`, () => {
      const problem = `version must be a version of up to 63 characters such as v0.0.1 or v1.2.0-rc.1, got "${version}"`;
      assert.deepEqual(problemsOf({ version }), [set(problem, "set version v0.0.1")]);
    });
  }

  for (const cdnImage of ["my nginx", " nginx", "nginx "]) {
    it(`have no image "${cdnImage}"`, () => {
      const problem = `cdnImage must be an image or empty, got "${cdnImage}"`;
      assert.deepEqual(problemsOf({ cdnImage }), [set(problem, 'set cdnImage ""')]);
    });
  }

  for (const item of ["null", "7", '{"version":"v0.0.1"}', '{"image":"hello"}', '"v0.0.1"']) {
    it(`have no earlier release ${item}`, () => {
      const problem = `previous[0] must be a version and its image, such as v0.0.1=repository@sha256:…, got ${item}`;
      const example = "set --path 'previous[0]' v0.0.1=ghcr.io/me/hello@sha256:…";
      const problems = problemsOf({ version: "v0.0.9", previous: `[${item}]` });
      assert.deepEqual(
        problems.map((text) => text.replaceAll(/"(version|image)": /g, '"$1":')),
        [set(problem, example)],
      );
    });
  }

  it("end an earlier version at its first equals sign", () => {
    const { problems } = parseConfig({ ...defaultConfig(), version: "v0.0.9", previous: '["v0.0.1=a=b"]' });
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, /^previous\[0\]'s image must be a reference by digest.* got "a=b";/);
  });

  it("make no difference to the letters of the nearest key's name", () => {
    for (const [unknown, nearest] of [
      ["VERSION", "version"],
      ["cdnhost", "cdnHosts"],
      ["maxUnavailabel", "maxUnavailable"],
      ["xport", "port"],
      ["storeprotect", "storeProtected"],
    ]) {
      assert.deepEqual(problemsOf({ [unknown!]: "1" }), [
        `${unknown} is not a key of this program: did you mean ${nearest}? pulumi config rm ${unknown} removes it`,
      ]);
    }
  });
});
