import { cacheOutcome } from "../frontend/cache-status.js";
import { areas } from "../frontend/share.js";
import { Tally } from "../frontend/tally.js";
import assert from "node:assert/strict";

const answer = (name, version = "v0.0.1", region = "eu", cache = null) => ({ name, region, version, cache });

describe("Tally", () => {
  it("counts answers per replica and region", () => {
    const tally = new Tally();
    for (const name of ["a", "b", "a"]) tally.add(answer(name), 1, 0);
    tally.add(answer("c", "v0.0.1", "us"), 1, 0);
    assert.deepEqual(
      [...tally.replicas.values()].map(({ name, count }) => [name, count]),
      [
        ["a", 2],
        ["b", 1],
        ["c", 1],
      ],
    );
    assert.deepEqual(
      [...tally.regions],
      [
        ["eu", 3],
        ["us", 1],
      ],
    );
  });

  it("counts failures by reason, apart from answers", () => {
    const tally = new Tally();
    for (const reason of ["HTTP 503", "no connection", "HTTP 503"]) tally.fail(reason, 0);
    assert.deepEqual([tally.answered, tally.failed], [0, 3]);
    assert.deepEqual(Object.fromEntries(tally.reasons), { "HTTP 503": 2, "no connection": 1 });
  });

  it("gives percentiles of the last 1000 answers", () => {
    const tally = new Tally();
    assert.equal(tally.percentile(0.5), undefined);
    for (let milliseconds = 1; milliseconds <= 1100; milliseconds++) tally.add(answer("a"), milliseconds, 0);
    assert.deepEqual(
      [0.5, 0.9, 0.99, 1].map((share) => tally.percentile(share)),
      [600, 1000, 1090, 1100],
    );
  });

  it("counts what caches did", () => {
    const tally = new Tally();
    for (const cache of [null, "edge-eu; hit; ttl=3", "edge-eu; fwd=uri-miss", "edge-eu; hit; ttl=2"])
      tally.add(answer("a", "v0.0.1", "eu", cache), 1, 0);
    assert.deepEqual(Object.fromEntries(tally.caches), { "no cache": 1, "edge-eu: hit": 2, "edge-eu: miss": 1 });
  });

  it("remembers the versions of one minute, and no more", () => {
    const tally = new Tally();
    for (let second = 0; second < 90; second++) tally.add(answer("a", second < 60 ? "v0.0.9" : "v0.0.10"), 1, second);
    assert.deepEqual(Object.fromEntries(tally.versions(89.9)), { "v0.0.9": 30, "v0.0.10": 30 });
    assert.deepEqual([...tally.versions(89.9).keys()], ["v0.0.9", "v0.0.10"]);
    assert.equal(tally.history(89.9).length, 60);
    assert.deepEqual(Object.fromEntries(tally.versions(200)), {});
  });

  it("says which versions answer, and the newest one's share of the last five seconds", () => {
    const tally = new Tally();
    assert.deepEqual(tally.release(0), { versions: [], share: 0 });
    for (let second = 0; second < 10; second++) tally.add(answer("a"), 1, second);
    assert.deepEqual(tally.release(9), { versions: ["v0.0.1"], share: 1 });
    for (let count = 0; count < 5; count++) tally.add(answer("b", "v0.0.2"), 1, 9);
    tally.fail("HTTP 503", 9);
    assert.deepEqual(tally.release(9), { versions: ["v0.0.1", "v0.0.2"], share: 0.5 });
    assert.deepEqual(tally.release(14), { versions: [], share: 0 });
  });
});

describe("the areas of a release", () => {
  const counts = (entries) => new Map(Object.entries(entries));

  it("lie on top of each other and fill each second that has an answer, and no other", () => {
    const history = [counts({}), counts({ old: 4 }), counts({ old: 1, new: 3 })];
    assert.deepEqual(Object.fromEntries(areas(history, ["old", "new"])), {
      old: "M1 0L1.5 0L2.5 75L3 75L3 100L2.5 100L1.5 100L1 100z",
      new: "M1 0L1.5 0L2.5 0L3 0L3 75L2.5 75L1.5 0L1 0z",
    });
  });

  it("break off where nobody answered", () => {
    const history = [counts({ old: 1 }), counts({}), counts({ old: 1 })];
    assert.equal(areas(history, ["old"]).get("old").match(/M/g).length, 2);
  });
});

describe("Cache-Status", () => {
  const cases = [
    [null, "no cache"],
    ["", "no cache"],
    ["edge-eu; hit; ttl=4", "edge-eu: hit"],
    ["edge-eu; hit; ttl=-4", "edge-eu: hit, stale"],
    ["edge-eu; fwd=uri-miss; fwd-status=200; stored", "edge-eu: miss"],
    ["edge-eu; fwd=stale; fwd-status=304", "edge-eu: expired, asked the origin"],
    ["shield; hit, edge-us; fwd=uri-miss", "edge-us: miss"],
    ['"a, b; c"; hit', '"a, b; c": hit'],
    ["edge-eu; fwd=toString", "edge-eu: unknown"],
    ["edge-eu", "edge-eu: unknown"],
  ];
  for (const [header, outcome] of cases) {
    it(`${header} means "${outcome}"`, () => assert.equal(cacheOutcome(header), outcome));
  }
});
