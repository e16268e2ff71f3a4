import assert from "node:assert/strict";

import { checkResources, parseQuantity, resourcesWithDefaults } from "../components/resources.ts";

describe("parseQuantity", () => {
  const table: [string, number | undefined][] = [
    ["0", 0],
    ["2", 2],
    ["0.5", 0.5],
    ["50m", 0.05],
    ["1k", 1000],
    ["1Ki", 1024],
    ["2M", 2_000_000],
    ["1.5Mi", 1_572_864],
    ["3G", 3e9],
    ["1Gi", 1_073_741_824],
    ["1T", 1e12],
    ["1Ti", 1_099_511_627_776],
    ["512MB", undefined],
    ["0.5 cores", undefined],
    ["1ki", undefined],
    ["-1", undefined],
    [".5", undefined],
    ["1 Gi", undefined],
    ["Mi", undefined],
    ["", undefined],
  ];
  for (const [quantity, number] of table) {
    it(`takes "${quantity}" for ${number}`, () => assert.equal(parseQuantity(quantity), number));
  }
});

describe("resources", () => {
  it("are small by default, each figure by itself", () => {
    assert.deepEqual(resourcesWithDefaults({ requests: { memory: "64Mi" }, limits: { cpu: "2" } }), {
      requests: { cpu: "50m", memory: "64Mi", "ephemeral-storage": "16Mi" },
      limits: { cpu: "2", memory: "128Mi", "ephemeral-storage": "64Mi" },
    });
    assert.deepEqual(checkResources(), []);
  });

  it("may request as much as their limit, in whatever unit", () => {
    assert.deepEqual(checkResources({ requests: { cpu: "1000m", memory: "131072Ki" } }), []);
  });

  it("must be above nothing", () => {
    assert.deepEqual(checkResources({ requests: { cpu: "0" } }), [
      'resources.requests.cpu must be a Kubernetes quantity above 0 such as "50m" or "0.5", got "0"',
    ]);
  });
});
