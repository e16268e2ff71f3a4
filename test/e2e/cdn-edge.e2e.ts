import assert from "node:assert/strict";
import * as http from "node:http";

import { type Answer, ask, type AskOptions, CdnSite, Origin } from "./cdn-site.ts";

const host = "shop.example";

describe("an edge in front of an origin", function () {
  this.timeout(180_000);
  const origin = new Origin();
  const site = new CdnSite();

  before(async () => {
    await origin.start();
    await site.up({
      origin: origin.url,
      regions: [{ name: "eu", replicas: 1, cacheSize: "64Mi" }],
      hosts: [host],
      port: 18_380,
      answerTimeoutSeconds: 3,
    });
  });
  after(async () => {
    await site.remove();
    await origin.stop();
  });

  const get = (path: string, { headers, ...options }: AskOptions = {}): Promise<Answer> =>
    ask(site.url("eu") + path, { ...options, headers: { Host: host, ...headers } });

  it("compresses what the origin has not", async () => {
    const path = origin.serve({ "Cache-Control": "max-age=60", "Content-Type": "text/css" }, "a".repeat(5000));
    const { headers, body } = await get(path, { headers: { "Accept-Encoding": "gzip" } });
    assert.equal(headers["content-encoding"], "gzip");
    assert.match(String(headers.vary), /Accept-Encoding/);
    assert.ok(body.length < 200);
    assert.equal((await get(path)).body.length, 5000);
    const asItIs = { "Cache-Control": "max-age=60, no-transform", "Content-Type": "text/css" };
    const fixed = await get(origin.serve(asItIs, "a".repeat(5000)), { headers: { "Accept-Encoding": "gzip" } });
    assert.equal(fixed.body.length, 5000);
  });

  it("gives each answer a request id, the client's own if it is well formed, and tells it to the origin", async () => {
    const path = origin.serve({ "Cache-Control": "max-age=60", "X-Request-Id": "of-the-origin" });
    assert.equal(
      (await get(path, { headers: { "X-Request-Id": "of-the-client" } })).headers["x-request-id"],
      "of-the-client",
    );
    assert.equal(origin.last(path)["x-request-id"], "of-the-client");
    const ids = [await get(path), await get(path), await get(path, { headers: { "X-Request-Id": "<b>" } })];
    for (const { headers } of ids) assert.match(String(headers["x-request-id"]), /^[0-9a-f]{32}$/);
    assert.equal(new Set(ids.map(({ headers }) => headers["x-request-id"])).size, 3);
    for (const answer of [await get("/.meridian/other"), await ask(site.url("eu"))]) {
      assert.match(String(answer.headers["x-request-id"]), /^[0-9a-f]{32}$/);
    }
  });

  it("does not believe what clients say about themselves, so that nobody can poison the cache", async () => {
    const path = origin.serve({}, ({ headers }, response) =>
      response.writeHead(200, { "Cache-Control": "max-age=60" }).end(JSON.stringify(headers)),
    );
    const evil = "evil.example";
    const spoofed = ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Scheme", "X-Forwarded-Prefix", "Forwarded"];
    const others = ["X-Real-IP", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override"];
    const headers = Object.fromEntries([...spoofed, ...others].map((name) => [name, evil]));
    assert.doesNotMatch((await get(path, { headers })).body, /evil/);
    const seen = origin.last(path);
    assert.deepEqual([seen["x-forwarded-host"], seen["x-forwarded-proto"]], [host, "http"]);
    assert.match(String(seen["x-forwarded-for"]), /^\d+\.\d+\.\d+\.\d+$/);
  });

  it("answers its own hosts only, and nothing of its insides", async () => {
    const path = origin.serve({ "Cache-Control": "max-age=60" });
    assert.equal((await get(path, { headers: { Host: "other.example" } })).status, 421);
    assert.equal((await get(path, { headers: { Host: "SHOP.example:18380" } })).status, 200);
    for (const inside of ["/.meridian/metrics", "/healthz", "/readyz", "/metrics"]) {
      assert.equal((await get(inside)).status, 404, inside);
    }
    assert.equal((await get("/.meridian/purge", { method: "POST" })).status, 403);
    assert.equal((await get("/.meridian/status")).status, 403);
  });

  it("keeps to itself what its halves tell each other, whether clients say it or the origin does", async () => {
    const inner = ["X-Edge-Times", "X-Edge-Cache-Control", "X-Edge-Vary", "Surrogate-Key", "Cache-Tag"];
    const said = Object.fromEntries(inner.map((name) => [name, "1 9999 0"]));
    const path = origin.serve({ "Cache-Control": "max-age=60", Vary: "Accept-Language", ...said });
    const asked = Object.fromEntries(["Outcome", "Key", "Probe"].map((name) => [`X-Edge-${name}`, "EXPIRED"]));
    for (const ttl of ["stored; ttl=60", "hit; ttl="]) {
      const { headers } = await get(path, { headers: asked });
      assert.deepEqual(
        inner.filter((name) => headers[name.toLowerCase()] !== undefined),
        [],
      );
      assert.ok(String(headers["cache-status"]).includes(ttl), `${headers["cache-status"]}`);
      assert.deepEqual([headers["cache-control"], headers.vary], ["max-age=60", "Accept-Language"]);
    }
    const seen = Object.keys(origin.last(path)).filter((name) => name.startsWith("x-edge"));
    assert.deepEqual(seen, []);
  });

  it("refuses requests that go round, and those that are too large", async () => {
    assert.equal((await get("/", { headers: { "CDN-Loop": "other, meridian-eu" } })).status, 508);
    assert.equal((await get("/", { headers: { "CDN-Loop": "meridian-europe" } })).status, 404);
    assert.equal(origin.last("/")["cdn-loop"], "meridian-europe, meridian-eu");
    assert.equal(origin.last("/").via, "1.1 meridian-eu");
    assert.equal((await get("/", { method: "POST", body: "x".repeat(1_100_000) })).status, 413);
    assert.equal((await get("/", { headers: { Cookie: "x".repeat(20_000) } })).status, 400);
  });

  it("keeps connections open, and answers many requests over one", async () => {
    const path = origin.serve({ "Cache-Control": "max-age=60" });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 20; i++) assert.equal((await get(path, { agent })).status, 200);
    const sockets = Object.values(agent.freeSockets).flat();
    assert.equal(sockets.length, 1);
    agent.destroy();
  });

  it("gives up on an origin that does not answer, and goes on with what it has when there is none", async () => {
    const kept = origin.serve({ "Cache-Control": "max-age=60" });
    await get(kept);
    const silent = origin.serve({}, () => {});
    const slow = await get(silent);
    assert.equal(slow.status, 502);
    await origin.stop();
    try {
      assert.equal((await get(kept)).status, 200);
      const started = performance.now();
      const gone = await get("/gone");
      assert.ok(performance.now() - started < 1000);
      assert.equal(gone.status, 502);
      assert.match(gone.body, /^The origin does not answer/);
      assert.deepEqual([gone.headers["retry-after"], gone.headers["cache-control"]], ["5", "no-store"]);
      assert.match(String(gone.headers["cache-status"]), /^meridian-eu; fwd=uri-miss; fwd-status=502$/);
    } finally {
      await origin.start();
    }
    assert.equal((await get("/gone")).status, 404);
  });
});
