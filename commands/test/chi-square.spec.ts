import { evenness, upperGamma } from "../chi-square.ts";
import assert from "node:assert/strict";

describe("evenness", () => {
  // Critical values from the usual tables.
  const table: [degrees: number, chiSquare: number, p: number][] = [
    [1, 3.841459, 0.05],
    [1, 10.827566, 0.001],
    [2, 1.386294, 0.5],
    [2, 5.991465, 0.05],
    [2, 12.429216, 0.002],
    [5, 0.554298, 0.99],
    [10, 18.307038, 0.05],
    [30, 59.70306, 0.001],
    [100, 124.342113, 0.05],
    [999, 1073.642651, 0.05],
  ];
  for (const [degrees, chiSquare, p] of table) {
    it(`gives p = ${p} for χ² = ${chiSquare} with ${degrees} degrees of freedom`, () => {
      assert.ok(
        Math.abs(upperGamma(degrees / 2, chiSquare / 2) - p) < 1e-6,
        `${upperGamma(degrees / 2, chiSquare / 2)}`,
      );
    });
  }

  it("is certain for no difference and impossible for an endless one", () => {
    assert.equal(upperGamma(1, 0), 1);
    assert.equal(upperGamma(1, 1e6), 0);
  });

  it("finds the course's 37, 31 and 32 of 100 even", () => {
    const { chiSquare, degreesOfFreedom, p } = evenness([37, 31, 32]) ?? assert.fail();
    assert.deepEqual([chiSquare.toFixed(2), degreesOfFreedom, p.toFixed(3)], ["0.62", 2, "0.733"]);
  });

  it("finds 60, 20 and 20 of 100 uneven", () => {
    assert.ok((evenness([60, 20, 20])?.p ?? 1) < 0.002);
  });

  it("judges neither a single replica nor nothing at all", () => {
    assert.equal(evenness([100]), undefined);
    assert.equal(evenness([]), undefined);
    assert.equal(evenness([0, 0]), undefined);
  });
});
