import assert from "node:assert/strict";

import { cacheOf } from "../steady-load.ts";
import { renderSvg } from "../timeline-svg.ts";
import { renderEvents, renderTimeline, type Timeline } from "../timeline.ts";

const timeline: Timeline = {
  title: "a release",
  by: "versions",
  seconds: [
    { versions: { "v0.0.1": 20 }, regions: { eu: 20 }, caches: {}, failed: 0 },
    { versions: { "v0.0.1": 10, "v0.0.2": 10 }, regions: { eu: 20 }, caches: {}, failed: 0 },
    { versions: { "v0.0.2": 19 }, regions: { eu: 19 }, caches: {}, failed: 1 },
  ],
  marks: [{ at: 1.5, text: "switch <now>" }],
};

describe("a timeline", () => {
  it("has a line for each second, with the share of each version, failures, and what happened", () => {
    assert.equal(
      renderTimeline(timeline, { columns: 60, color: false }),
      [
        "a release",
        "requests per second by version: █ v0.0.1   ▒ v0.0.2",
        "   0 s    20  █████████████████████████████████",
        "   1 s    20  █████████████████▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒",
        "              ↑ 1.5 s: switch <now>",
        "   2 s    20  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒✗✗ 1 failed",
      ].join("\n"),
    );
  });

  it("shows failures in red, however few there are", () => {
    const failed = { versions: { "v0.0.2": 9999 }, regions: {}, caches: {}, failed: 1 };
    const text = renderTimeline({ ...timeline, seconds: [failed] }, { columns: 80, color: true });
    assert.ok(text.includes("\x1b[38;5;196m✗\x1b[0m"));
  });

  it("is a picture, too, in which no text is taken for markup", () => {
    const svg = renderSvg(timeline);
    assert.match(svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 980 \d+" /);
    assert.ok(svg.includes(">switch &#60;now&#62;</text>"));
    assert.equal(svg.match(/<title>v0.0.1: \d+ in second/g)?.length, 2);
    assert.equal(svg.match(/<title>failed: 1 in second 2/g)?.length, 1);
  });

  it("stands an empty load", () => {
    assert.match(renderTimeline({ ...timeline, seconds: [] }, { columns: 80, color: false }), /^a release\n/);
    assert.match(renderSvg({ ...timeline, seconds: [], marks: [] }), /<\/svg>\n$/);
  });

  it("keeps to 60 columns, whatever there is to say", () => {
    const words = "a mark of many words that goes on and on until it has filled more than one line";
    const second = { versions: { "v0.0.1": 100 }, regions: {}, caches: {}, failed: 9999 };
    const long = { ...timeline, title: words, marks: [{ at: 0.5, text: words }], seconds: [second] };
    const events = [{ at: 1, object: "Pod/hello-1", reason: "Killing", message: words, isWarning: false }];
    const text = `${renderTimeline(long, { columns: 60, color: false })}\n${renderEvents(events, { columns: 60, color: false })}`;
    for (const line of text.split("\n")) assert.ok(line.length <= 60, line);
    assert.match(text, /^ {3}1 s {2}Killing {13}Pod\/hello-1: a mark of many .*…$/m);
  });

  it("tells a cache's fresh answers from stale ones and from the origin's", () => {
    assert.equal(cacheOf("meridian-eu; hit; ttl=4"), "fresh");
    assert.equal(cacheOf("meridian-eu; hit; ttl=-3; detail=stale-if-error"), "stale");
    assert.equal(cacheOf("meridian-us; hit; ttl=4, meridian-eu; fwd=uri-miss; fwd-status=200; stored"), "origin");
    assert.equal(cacheOf("-"), "origin");
  });
});
