import assert from "node:assert/strict";

import { bestHitRatio, lruHitRatio, zipfTrace } from "../bench/cdn/zipf.ts";

describe("the traces of the benchmarks", () => {
  it("ask for the most popular object the most, and are the same each time", () => {
    const trace = zipfTrace(20_000, 100, 1);
    assert.deepEqual(trace, zipfTrace(20_000, 100, 1));
    const count = (object: number): number => trace.filter((one) => one === object).length;
    // Of 1 / (1 + 1/2 + … + 1/100) of all requests, 19.3 %.
    assert.ok(Math.abs(count(0) - 3856) < 250, `${count(0)}`);
    assert.ok(Math.abs(count(0) / count(1) - 2) < 0.3);
    assert.ok(trace.every((object) => object >= 0 && object < 100));
  });

  it("are answered by an LRU as worked out by hand", () => {
    assert.equal(lruHitRatio([1, 2, 1, 3, 2, 1], 2), 1 / 6);
    assert.equal(lruHitRatio([1, 2, 1, 2], 2), 0.5);
  });

  it("are answered by the optimum as worked out by hand", () => {
    // 2 goes for 3 would be a mistake: the one that is used last is not kept.
    assert.equal(bestHitRatio([1, 2, 1, 3, 2, 1], 2), 3 / 6);
    assert.equal(bestHitRatio([1, 2, 3, 1, 2, 3], 2), 2 / 6);
  });
});
