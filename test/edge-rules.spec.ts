import assert from "node:assert/strict";

import rules from "../components/edge/rules.js";

const now = Date.parse("2026-11-24T12:00:00Z");
const date = new Date(now).toUTCString();
const bounds = { negativeSeconds: 5, maxStaleWhileRevalidateSeconds: 60, maxStaleIfErrorSeconds: 600 };
const later = (seconds: number) => new Date(now + seconds * 1000).toUTCString();

describe("the rules of an edge", () => {
  const never = { fresh: 0, age: 0, whileRevalidate: 0, ifError: 0 };
  const fresh = (seconds: number, age = 0) => ({ fresh: seconds, age, whileRevalidate: 0, ifError: 0 });

  for (const [status, headers, expected] of [
    [200, { cacheControl: "max-age=60" }, fresh(60)],
    [200, { cacheControl: "max-age=60, s-maxage=5" }, fresh(5)],
    [200, { cacheControl: "MAX-AGE = 60" }, fresh(60)],
    [200, { cacheControl: 'max-age="60", no-transform' }, fresh(60)],
    [200, { cacheControl: "max-age=60, max-age=9" }, fresh(60)],
    [200, { cacheControl: "max-age=60", age: "20" }, fresh(40, 20)],
    [200, { cacheControl: "max-age=60", date: later(-20) }, fresh(40, 20)],
    [200, { cacheControl: "max-age=60", date: later(-1) }, fresh(60)],
    [200, { cacheControl: "max-age=60", expires: "0" }, fresh(60)],
    [200, { expires: later(90), date }, fresh(90)],
    [200, { cacheControl: "max-age=99999999999" }, fresh(2147483648)],
    [301, { cacheControl: "max-age=60" }, fresh(60)],
    [304, { cacheControl: "max-age=60" }, fresh(60)],
    [404, {}, fresh(5)],
    [404, { cacheControl: "max-age=31536000, stale-if-error=60" }, fresh(5)],
    [410, { cacheControl: "max-age=2" }, fresh(2)],
    [200, {}, never],
    [200, { cacheControl: "max-age=0" }, never],
    [200, { cacheControl: "max-age=-1" }, never],
    [200, { cacheControl: "max-age=sixty" }, never],
    [200, { cacheControl: "max-age=60", age: "60" }, never],
    [200, { expires: "0" }, never],
    [200, { expires: date, date }, never],
    [200, { cacheControl: "no-store, max-age=60" }, never],
    [200, { cacheControl: "no-cache, max-age=60" }, never],
    [200, { cacheControl: 'private="x-secret", max-age=60' }, never],
    [200, { cacheControl: "max-age=60", hasCookie: true }, never],
    [200, { cacheControl: "max-age=60", vary: "Accept, *" }, never],
    [404, { cacheControl: "no-store" }, never],
    [401, { cacheControl: "max-age=60" }, never],
    [500, { cacheControl: "max-age=60" }, never],
    [503, { cacheControl: "public, s-maxage=60" }, never],
    [
      200,
      { cacheControl: "max-age=5, stale-while-revalidate=30, stale-if-error=3600" },
      { fresh: 5, age: 0, whileRevalidate: 30, ifError: 600 },
    ],
    [
      200,
      { cacheControl: "max-age=5, stale-while-revalidate=3600" },
      { fresh: 5, age: 0, whileRevalidate: 60, ifError: 0 },
    ],
    [200, { cacheControl: "max-age=5, stale-while-revalidate=30, must-revalidate" }, fresh(5)],
    [200, { cacheControl: "max-age=5, stale-if-error=30, proxy-revalidate" }, fresh(5)],
  ] as const) {
    it(`keep ${status} with ${JSON.stringify(headers)} for ${expected.fresh} s`, () => {
      assert.deepEqual(rules.lifetime(status, headers, bounds, now), expected);
    });
  }

  it("leave to the cache what its key does not hold", () => {
    assert.equal(rules.remainingVary("Accept, accept-encoding"), "");
    assert.equal(rules.remainingVary("Accept-Encoding,Cookie , Accept-Language"), "Cookie, Accept-Language");
    assert.equal(rules.remainingVary(undefined), "");
  });

  for (const [outcome, isAsked, expected] of [
    ["HIT", false, "m-eu; hit; ttl=7"],
    ["UPDATING", false, "m-eu; hit; ttl=7; detail=stale-while-revalidate"],
    ["STALE", false, "m-eu; hit; ttl=7; detail=stale-while-revalidate"],
    ["STALE", true, "m-eu; hit; ttl=7; detail=stale-if-error"],
    ["REVALIDATED", true, "m-eu; fwd=stale; fwd-status=304; ttl=7"],
    ["EXPIRED", true, "m-eu; fwd=stale; fwd-status=200; stored; ttl=7"],
    ["MISS", true, "m-eu; fwd=uri-miss; fwd-status=200; stored; ttl=7"],
    ["BYPASS", true, "m-eu; fwd=bypass; fwd-status=200"],
  ] as const) {
    it(`say of ${outcome}: ${expected}`, () => {
      assert.equal(rules.cacheStatus("m-eu", outcome, 200, 7, true, "GET", isAsked), expected);
    });
  }

  it("say of an unsafe method that it was forwarded for that", () => {
    assert.equal(
      rules.cacheStatus("m-eu", "", 201, undefined, false, "POST", true),
      "m-eu; fwd=method; fwd-status=201",
    );
  });

  it("find the file in which nginx keeps an answer", () => {
    // nginx's documentation gives this file as its example.
    assert.equal(rules.cacheFile("/data", "abc"), "/data/2/f7/900150983cd24fb0d6963f7d28e17f72");
  });

  it("take a purge of a path, a prefix, a tag or everything, and nothing else", () => {
    assert.deepEqual(rules.parsePurge('{"path": "/a%20b"}'), { kind: "path", value: "/a b" });
    assert.deepEqual(rules.parsePurge('{"prefix": "/a/"}'), { kind: "prefix", value: "/a/" });
    assert.deepEqual(rules.parsePurge('{"all": true}'), { kind: "all" });
    assert.deepEqual(rules.parsePurge('{"tag": "shoes"}'), { kind: "tag", value: "shoes" });
    for (const text of [
      "",
      "[]",
      "null",
      "{}",
      '{"all": false}',
      '{"path": "a"}',
      '{"path": "/a?b"}',
      '{"prefix": 1}',
      '{"tag": "two tags"}',
      '{"tag": ""}',
    ]) {
      assert.match(rules.parsePurge(text).problem ?? "", /^the body must be \{"path"/, text);
    }
    assert.match(rules.parsePurge('{"path": "/a", "all": true}').problem ?? "", /^the body must be/);
  });
});
