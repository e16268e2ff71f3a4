import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

import { type Answer, ask, type AskOptions, CdnSite, Origin } from "./cdn-site.ts";

const host = "shop.example";

describe("the cache of an edge", function () {
  this.timeout(180_000);
  const origin = new Origin();
  const site = new CdnSite();

  before(async () => {
    await origin.start();
    await site.up({
      origin: origin.url,
      regions: [{ name: "eu", replicas: 1, cacheSize: "64Mi" }],
      hosts: [host],
      port: 18_180,
      stale: { maxIfErrorSeconds: 4 },
      negativeSeconds: 2,
      largeObjects: { prefixes: ["/large/"], sliceSize: "64Ki" },
    });
  });
  after(async () => {
    await site.remove();
    await origin.stop();
  });

  const get = (path: string, { headers, ...options }: AskOptions = {}): Promise<Answer> =>
    ask(site.url("eu") + path, { ...options, headers: { Host: host, ...headers } });
  const did = async (path: string, options?: AskOptions): Promise<string> =>
    String((await get(path, options)).headers["cache-status"]);
  /** What the cache did with a path that was asked for twice, and how often the origin was. */
  const twice = async (path: string, options?: AskOptions): Promise<[string, number]> => {
    await get(path, options);
    return [await did(path, options), origin.count(path)];
  };

  it("answers from its cache for as long as the origin says, and says how old the answer is", async () => {
    const path = origin.serve({ "Cache-Control": "public, max-age=60" });
    const first = await get(path);
    assert.equal(first.headers["cache-status"], "meridian-eu; fwd=uri-miss; fwd-status=200; stored; ttl=60");
    await pause(1100);
    const second = await get(path);
    assert.match(String(second.headers["cache-status"]), /^meridian-eu; hit; ttl=5[789]$/);
    assert.match(String(second.headers.age), /^[123]$/);
    assert.equal(second.headers["cache-control"], "public, max-age=60");
    assert.equal(second.body, "content");
    assert.equal(origin.count(path), 1);
  });

  // Only known when the test runs, which may be long after this file is read.
  const inAnHour = "in an hour";
  const dated = (headers: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        value === inAnHour ? new Date(Date.now() + 3_600_000).toUTCString() : value,
      ]),
    );
  for (const [headers, ttl] of [
    [{ "Cache-Control": "max-age=5, s-maxage=600" }, 600],
    [{ "Cache-Control": 's-maxage="600"' }, 600],
    [{ "Cache-Control": "max-age=100", Age: "40" }, 60],
    [{ "Cache-Control": "max-age=100", Expires: "0" }, 100],
    [{ Expires: inAnHour }, 3600],
    [{ "Cache-Control": "max-age=100", "X-Accel-Expires": "0" }, 100],
  ] as const) {
    it(`keeps an answer with ${JSON.stringify(headers)}`, async () => {
      const path = origin.serve(dated(headers));
      const [outcome, count] = await twice(path);
      const left = Number(/^meridian-eu; hit; ttl=(\d+)$/.exec(outcome)?.[1]);
      assert.ok(left <= ttl && left > ttl - 60, outcome);
      assert.equal(count, 1);
    });
  }

  for (const headers of [
    {},
    { "Cache-Control": "no-store, max-age=60" },
    { "Cache-Control": "private, max-age=60" },
    { "Cache-Control": "no-cache, max-age=60" },
    { "Cache-Control": "max-age=0" },
    { "Cache-Control": "max-age=sixty" },
    { "Cache-Control": "max-age=100", Age: "100" },
    { Expires: "0" },
    { "Cache-Control": "max-age=60", "Set-Cookie": "session=1" },
    { "Cache-Control": "max-age=60", Vary: "*" },
    { "X-Accel-Expires": "60" },
  ]) {
    it(`does not keep an answer with ${JSON.stringify(headers)}`, async () => {
      const [outcome, count] = await twice(origin.serve(headers));
      assert.doesNotMatch(outcome, /hit|stored/);
      assert.equal(count, 2);
    });
  }

  it("shares nothing that came for credentials, neither in nor out", async () => {
    const path = origin.serve({ "Cache-Control": "max-age=60" }, (request, response) =>
      response.writeHead(200, { "Cache-Control": "max-age=60" }).end(request.headers.authorization ?? "anyone"),
    );
    const alice = { headers: { Authorization: "Bearer alice" } };
    assert.equal((await get(path, alice)).body, "Bearer alice");
    assert.equal((await get(path)).body, "anyone");
    assert.equal((await get(path, alice)).body, "Bearer alice");
    assert.equal((await get(path)).body, "anyone");
    assert.equal(origin.count(path), 3);
  });

  it("keeps a variant for each value of what the answer varies by", async () => {
    const path = origin.serve({}, (request, response) =>
      response
        .writeHead(200, { "Cache-Control": "max-age=60", Vary: "Accept-Language" })
        .end(request.headers["accept-language"]),
    );
    const inLanguage = (language: string) => get(path, { headers: { "Accept-Language": language } });
    for (const language of ["de", "fr", "de", "fr"]) assert.equal((await inLanguage(language)).body, language);
    assert.equal((await inLanguage("de")).headers.vary, "Accept-Language");
    assert.equal(origin.count(path), 2);
  });

  it("takes all browsers that accept the same encodings and types for one", async () => {
    const path = origin.serve({ "Cache-Control": "max-age=60", Vary: "Accept, Accept-Encoding" });
    const page = { Accept: "text/html,application/xhtml+xml,image/avif,*/*;q=0.8" };
    for (const headers of [
      { "Accept-Encoding": "gzip, deflate, br, zstd", Accept: "text/html" },
      { "Accept-Encoding": "br;q=1.0, gzip;q=0.8", ...page },
    ]) {
      assert.equal((await get(path, { headers })).headers.vary, "Accept, Accept-Encoding");
    }
    assert.equal(origin.count(path), 1);
    assert.equal(origin.last(path)["accept-encoding"], "br, gzip");
    assert.match(String(origin.last(path).accept), /^text\/html,/);
    await get(path, { headers: { "Accept-Encoding": "gzip, br;q=0", ...page } });
    assert.equal(origin.last(path)["accept-encoding"], "gzip");
    await get(path, { headers: { Accept: "application/json" } });
    assert.equal(origin.last(path).accept, "application/json");
    assert.equal(origin.count(path), 3);
  });

  it("asks whether a stale answer still holds, and goes on with it if so", async () => {
    const path = origin.serve({}, ({ headers }, response) => {
      const fresh = { "Cache-Control": "max-age=1", ETag: '"1"' };
      if (headers["if-none-match"] === '"1"') response.writeHead(304, fresh).end();
      else response.writeHead(200, fresh).end("content");
    });
    await get(path);
    await pause(2100);
    const again = await get(path);
    assert.equal(again.status, 200);
    assert.match(String(again.headers["cache-status"]), /^meridian-eu; fwd=stale; fwd-status=304; ttl=[01]$/);
    const hit = await get(path);
    assert.match(String(hit.headers["cache-status"]), /^meridian-eu; hit; ttl=[01]$/);
    assert.match(String(hit.headers.age), /^[01]$/);
    assert.equal(hit.body, "content");
    assert.equal(origin.count(path), 2);
  });

  it("answers a client's own conditions, HEAD and ranges from what it has", async () => {
    const path = origin.serve({ "Cache-Control": "max-age=60", "Content-Length": 10, ETag: '"1"' }, "0123456789");
    assert.equal((await get(path, { method: "HEAD" })).status, 200);
    assert.equal((await get(path, { headers: { "If-None-Match": '"1"' } })).status, 304);
    const part = await get(path, { headers: { Range: "bytes=2-4" } });
    assert.deepEqual([part.status, part.body, part.headers["content-range"]], [206, "234", "bytes 2-4/10"]);
    assert.deepEqual([origin.count(path), (await get(path)).body], [1, "0123456789"]);
  });

  it("fetches large objects in slices, only those that are asked for", async () => {
    const whole = Buffer.alloc(300_000, "abcdefgh").toString("latin1");
    const path = "/large/film";
    origin.at(path, {}, ({ headers }, response) => {
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "")!;
      const end = Math.min(Number(to), whole.length - 1);
      const range = {
        "Content-Range": `bytes ${from}-${end}/${whole.length}`,
        "Content-Length": end - Number(from) + 1,
      };
      response.writeHead(206, { ...range, "Cache-Control": "max-age=60", ETag: '"film"' });
      response.end(whole.slice(Number(from), end + 1));
    });
    const part = await get(path, { headers: { Range: "bytes=100000-100009" } });
    assert.deepEqual([part.status, part.body], [206, whole.slice(100_000, 100_010)]);
    assert.equal(origin.count(path), 1);
    assert.equal((await get(path)).body, whole);
    assert.equal(origin.count(path), 5);
    assert.equal((await get(path)).body, whole);
    assert.equal(origin.count(path), 5);
  });

  it("shows a stale page while it fetches a new one, if the origin allows it", async () => {
    let version = 0;
    const headers = { "Cache-Control": "max-age=1, stale-while-revalidate=30" };
    const path = origin.serve({}, (_, response) => {
      version++;
      setTimeout(() => response.writeHead(200, headers).end(`version ${version}`), 300);
    });
    await get(path);
    await pause(2100);
    const started = performance.now();
    const stale = await get(path);
    assert.ok(performance.now() - started < 250);
    assert.equal(stale.body, "version 1");
    assert.match(String(stale.headers["cache-status"]), /^meridian-eu; hit; ttl=-[12]; detail=stale-while-revalidate$/);
    await pause(500);
    assert.deepEqual([(await get(path)).body, version], ["version 2", 2]);
  });

  it("shows a stale page instead of an error, if the origin allows it and not for longer than it is configured", async () => {
    let status = 200;
    const path = origin.serve({}, (_, response) =>
      response
        .writeHead(status, status === 200 ? { "Cache-Control": "max-age=1, stale-if-error=3600" } : {})
        .end(`${status}`),
    );
    await get(path);
    await pause(2100);
    status = 503;
    const stale = await get(path);
    assert.deepEqual([stale.status, stale.body], [200, "200"]);
    assert.match(String(stale.headers["cache-status"]), /^meridian-eu; hit; ttl=-[12]; detail=stale-if-error$/);
    status = 404;
    assert.equal((await get(path)).status, 404);
    status = 503;
    await pause(4000);
    assert.equal((await get(path)).status, 503);
  });

  it("keeps errors of the client for a moment, and those of the origin not at all", async () => {
    const missing = origin.serve({ "Cache-Control": "max-age=31536000" }, "", 404);
    assert.match((await twice(missing))[0], /hit; ttl=[12]$/);
    await pause(3100);
    await get(missing);
    assert.equal(origin.count(missing), 2);
    const unknown = "/nowhere";
    assert.equal((await twice(unknown))[1], 1);
    const broken = origin.serve({ "Cache-Control": "max-age=60" }, "", 500);
    assert.equal((await twice(broken))[1], 2);
  });

  it("sends one request to the origin for 500 simultaneous misses of one object", async () => {
    const path = origin.serve({}, (_, response) => {
      setTimeout(() => response.writeHead(200, { "Cache-Control": "max-age=60" }).end("content"), 1000);
    });
    const answers = await Promise.all(Array.from({ length: 500 }, () => get(path)));
    assert.deepEqual([...new Set(answers.map(({ status, body }) => `${status} ${body}`))], ["200 content"]);
    assert.equal(origin.count(path), 1);
  });

  it("hands unsafe methods to the origin and forgets what they may have changed", async () => {
    const path = origin.serve({ "Cache-Control": "max-age=60" });
    await get(path);
    await get(`${path}?page=2`);
    const posted = await get(path, { method: "POST", body: "new" });
    assert.equal(posted.headers["cache-status"], "meridian-eu; fwd=method; fwd-status=200");
    assert.match(await did(path), /fwd=uri-miss/);
    assert.match(await did(`${path}?page=2`), /fwd=uri-miss/);
    assert.match(await did(path), /hit/);
    assert.equal(origin.count(path), 5);
  });
});
