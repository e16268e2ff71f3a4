import assert from "node:assert/strict";
import { roundTrip } from "../latency.ts";

describe("the distance between regions", () => {
  it("is the same in both directions, none within a region, and some for regions of any name", () => {
    assert.deepEqual(
      [
        roundTrip("eu", "us"),
        roundTrip("us", "eu"),
        roundTrip("eu", "ap"),
        roundTrip("us", "ap"),
        roundTrip("eu", "eu"),
      ],
      [90, 90, 160, 150, 0],
    );
    assert.ok(roundTrip("north", "south") > 0);
  });
});
