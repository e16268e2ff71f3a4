import { Tally } from "../frontend/tally.js";
import assert from "node:assert/strict";

const answer = (name, version = "v0.0.1", region = "eu") => ({ name, region, version });

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
    for (const reason of ["HTTP 503", "no connection", "HTTP 503"]) tally.fail(reason);
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

  it("remembers the versions of one minute, and no more", () => {
    const tally = new Tally();
    for (let second = 0; second < 90; second++) tally.add(answer("a", second < 60 ? "v0.0.9" : "v0.0.10"), 1, second);
    assert.deepEqual(Object.fromEntries(tally.versions(89.9)), { "v0.0.9": 30, "v0.0.10": 30 });
    assert.deepEqual([...tally.versions(89.9).keys()], ["v0.0.9", "v0.0.10"]);
    assert.equal(tally.history(89.9).length, 60);
    assert.deepEqual(Object.fromEntries(tally.versions(200)), {});
  });
});
