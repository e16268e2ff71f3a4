import { Replica, refused, stopAll } from "./replica.js";
import assert from "node:assert/strict";
import { connect } from "node:net";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

describe("app", () => {
  let first;
  let second;
  const settings = { REGION: "eu", POD_NAME: "app-1" };
  before(async () => {
    [first, second] = await Promise.all([
      Replica.start({ ...settings, VERSION: "v0.0.1" }),
      Replica.start({ ...settings, VERSION: "v0.0.2" }),
    ]);
  });
  after(stopAll);

  describe("greeting", () => {
    it("gives the course's exact answer with the replica's name", async () => {
      const { text, headers } = await first.get("/", { headers: { Accept: "*/*" } });
      assert.match(text, /^\{"hello":"world","name":"[0-9A-Za-z]{10}"\}$/);
      assert.equal(headers.vary, "Accept");
      assert.equal(headers["cache-control"], "no-store");
    });

    it("keeps its name for as long as it runs, and no other has it", async () => {
      const name = async (replica) => JSON.parse((await replica.get("/")).text).name;
      assert.equal(await name(first), await name(first));
      assert.notEqual(await name(first), await name(second));
    });

    it("counts from v0.0.2 on", async () => {
      const counter = async () => JSON.parse((await second.get("/")).text).counter;
      const before = await counter();
      assert.equal(await counter(), before + 1);
    });

    it("adds replica, region, version and pod at /api", async () => {
      const { name, ...answer } = JSON.parse((await first.get("/api")).text);
      assert.deepEqual(answer, { hello: "world", replica: name, region: "eu", version: "v0.0.1", pod: "app-1" });
    });

    it("names replica, region and version in the headers of every answer", async () => {
      const { name } = JSON.parse((await first.get("/version")).text);
      for (const path of ["/", "/healthz", "/nowhere"]) {
        const { headers } = await first.get(path);
        assert.deepEqual([headers["x-replica"], headers["x-region"], headers["x-version"]], [name, "eu", "v0.0.1"]);
      }
    });
  });

  describe("requests", () => {
    it("takes over a well-formed request id and makes one up otherwise", async () => {
      const id = async (value) =>
        (await first.get("/", { headers: { "X-Request-Id": value } })).headers["x-request-id"];
      assert.equal(await id("abc-123"), "abc-123");
      assert.match(await id('"><script>'), /^[0-9a-f-]{36}$/);
      assert.match(await id("x".repeat(129)), /^[0-9a-f-]{36}$/);
    });

    it("answers HEAD like GET without the body", async () => {
      const { status, headers, text } = await first.get("/version", { method: "HEAD" });
      assert.equal(status, 200);
      assert.equal(headers["content-length"], String((await first.get("/version")).bytes.length));
      assert.equal(text, "");
    });

    it("refuses other methods and says which it takes", async () => {
      const { status, headers, text } = await first.get("/", { method: "POST", body: "x" });
      assert.deepEqual([status, headers.allow], [405, "GET, HEAD"]);
      assert.equal(text, '{"error":"POST is not allowed here, only GET and HEAD."}');
    });

    it("refuses a large body and closes the connection", async () => {
      const { status, headers, text } = await first.get("/", { method: "GET", headers: { "Content-Length": 20_000 } });
      assert.deepEqual([status, headers.connection], [413, "close"]);
      assert.equal(text, '{"error":"A request\'s body must be at most 16384 bytes."}');
    });

    it("finds nothing outside of what it serves", async () => {
      const paths = ["/nowhere", "/../package.json", "/assets/../server.js", "/assets/%2e%2e/server.js", "/__proto__"];
      for (const path of [...paths, "/index.html", "//"]) {
        const { status, text } = await first.get(path);
        assert.equal(status, 404);
        assert.equal(text, JSON.stringify({ error: `There is nothing at ${path}.` }));
      }
    });

    it("understands a whole URL as a forward proxy sends it", async () => {
      assert.equal((await first.get("http://elsewhere.example/healthz?x=1")).text, '{"status":"ok"}');
    });

    it("closes the connection of those who ask for it, so that the next one may reach another replica", async () => {
      assert.equal(
        (await first.get("/api?close", { headers: { Connection: "keep-alive" } })).headers.connection,
        "close",
      );
    });

    it("closes a connection that is old, so that its client follows the traffic to another replica", async () => {
      const connection = async (seconds) => {
        const replica = await Replica.start({ CONNECTION_SECONDS: seconds });
        return (await replica.get("/", { headers: { Connection: "keep-alive" } })).headers.connection;
      };
      assert.equal(await connection("60"), "keep-alive");
      assert.equal(await connection("0"), "close");
    });

    it("bounds how long it can be made to wait", async () => {
      assert.equal((await first.get("/slow?seconds=0.01")).text, '{"slept":0.01}');
      for (const seconds of ["31", "-1", "abc", "1e9"]) {
        const { status, text } = await first.get(`/slow?seconds=${seconds}`);
        assert.equal(status, 400);
        assert.equal(text, JSON.stringify({ error: `seconds must be a number from 0 to 30, got "${seconds}".` }));
      }
    });

    it("logs each request once as JSON, but no successful probe", async () => {
      await first.get("/healthz");
      await first.get("/", { headers: { "X-Request-Id": "logged-1" } });
      const { time, durationMs, name, ...entry } = await first.logged((line) => line.requestId === "logged-1");
      assert.deepEqual(entry, {
        level: "info",
        msg: "request",
        method: "GET",
        path: "/",
        status: 200,
        requestId: "logged-1",
        version: "v0.0.1",
        region: "eu",
      });
      assert.ok(!Number.isNaN(Date.parse(time)) && durationMs > 0 && name.length === 10);
      assert.deepEqual(
        first.logs.filter((line) => line.path === "/healthz" && line.status === 200),
        [],
      );
    });

    it("counts requests and their duration for Prometheus", async () => {
      await first.get("/", { method: "DELETE" });
      const { text, headers } = await first.get("/metrics");
      assert.equal(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
      assert.match(text, /^http_requests_total\{code="200",method="GET",version="v0.0.1",region="eu"\} \d+$/m);
      assert.match(text, /^http_requests_total\{code="405",method="other",version="v0.0.1",region="eu"\} \d+$/m);
      const last = /_bucket\{le="\+Inf",version="v0.0.1",region="eu"\} (\d+)$/m.exec(text)[1];
      assert.match(text, new RegExp(`^http_request_duration_seconds_count\\{.*\\} ${last}$`, "m"));
    });
  });

  describe("page", () => {
    const page = (headers = {}) => first.get("/", { headers: { Accept: browser, ...headers } });

    it("is what browsers get, and may be kept by an edge cache", async () => {
      const { status, headers, text } = await page();
      assert.equal(status, 200);
      assert.equal(headers["content-type"], "text/html; charset=utf-8");
      assert.equal(headers.vary, "Accept, Accept-Encoding");
      assert.equal(
        headers["cache-control"],
        "public, max-age=0, s-maxage=5, stale-while-revalidate=30, stale-if-error=3600",
      );
      assert.match(text, /<meta name="release" content="v0\.0\.1" \/>/);
    });

    it("names only assets that exist, are immutable and refer to nothing outside", async () => {
      const pending = new Set([...(await page()).text.matchAll(/"\.(\/assets\/[^"]+)"/g)].map(([, path]) => path));
      assert.equal(pending.size, 3);
      let compressed = (await page({ "Accept-Encoding": "br" })).bytes.length;
      const seen = new Set(pending);
      for (const path of seen) {
        const { status, headers, text } = await first.get(path);
        assert.deepEqual([status, headers["cache-control"]], [200, "public, max-age=31536000, immutable"]);
        assert.deepEqual([headers.vary, headers["x-content-type-options"]], ["Accept-Encoding", "nosniff"]);
        assert.doesNotMatch(text.replace("http://www.w3.org/2000/svg", ""), /https?:\/\//);
        for (const [, other] of text.matchAll(/"\.\/([\w.-]+\.js)"/g)) seen.add(`/assets/${other}`);
        compressed += (await first.get(path, { headers: { "Accept-Encoding": "br" } })).bytes.length;
      }
      assert.equal(seen.size, 10);
      assert.ok(compressed <= 60_000, `${compressed} bytes`);
    });

    it("comes compressed as the browser likes it, with an entity tag for each form", async () => {
      const plain = await page();
      const brotli = await page({ "Accept-Encoding": "gzip, deflate, br, zstd" });
      const gzip = await page({ "Accept-Encoding": "gzip, br;q=0" });
      assert.deepEqual([brotli.headers["content-encoding"], gzip.headers["content-encoding"]], ["br", "gzip"]);
      assert.deepEqual(brotliDecompressSync(brotli.bytes), plain.bytes);
      assert.deepEqual(gunzipSync(gzip.bytes), plain.bytes);
      assert.equal(new Set([plain, brotli, gzip].map(({ headers }) => headers.etag)).size, 3);
    });

    it("is not sent again to those who have it", async () => {
      const { etag } = (await page()).headers;
      const again = await page({ "If-None-Match": `"other", W/${etag}` });
      assert.deepEqual([again.status, again.text, again.headers.etag], [304, "", etag]);
      assert.equal((await page({ "If-None-Match": '"other"' })).status, 200);
    });

    it("may load and connect to nothing but its own origin", async () => {
      const policy = (await page()).headers["content-security-policy"];
      assert.match(
        policy,
        /^default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';/,
      );
    });
  });
});

describe("environment", () => {
  after(stopAll);
  const wrong = [
    ["PORT", "http", 'PORT must be an integer from 0 to 65535, got "http".'],
    ["PORT", "65536", 'PORT must be an integer from 0 to 65535, got "65536".'],
    ["DRAIN_SECONDS", "-1", 'DRAIN_SECONDS must be a number from 0 to 300, got "-1".'],
    ["CONNECTION_SECONDS", "1e9", 'CONNECTION_SECONDS must be a number from 0 to 86400, got "1e9".'],
    ["VERSION", "latest", 'VERSION must be a version such as v0.0.1, got "latest".'],
    ["REGION", "e u", "REGION must be 1 to 63 letters, digits, '-', '_' or '.', got \"e u\"."],
  ];
  for (const [key, value, sentence] of wrong) {
    it(`refuses ${key}=${value} in one sentence`, async () => {
      assert.deepEqual(await refused({ [key]: value }), { code: 1, words: `${sentence}\n` });
    });
  }

  it("says so when the port is taken", async () => {
    const { port } = await Replica.start();
    assert.deepEqual(await refused({ PORT: String(port) }), {
      code: 1,
      words: `PORT ${port} is already in use; set PORT to a free one.\n`,
    });
  });
});

describe("drain", () => {
  after(stopAll);

  it("serves on while not ready, then finishes running requests and exits with 0", async () => {
    const replica = await Replica.start({ DRAIN_SECONDS: "0.5" });
    assert.equal((await replica.get("/readyz")).text, '{"status":"ready"}');
    const slow = replica.get("/slow?seconds=1", { headers: { Connection: "keep-alive" } });
    await replica.get("/api");

    replica.process.kill("SIGTERM");
    await replica.logged((entry) => entry.msg === "draining");
    const ready = await replica.get("/readyz", { headers: { Connection: "keep-alive" } });
    assert.deepEqual([ready.status, ready.text, ready.headers.connection], [503, '{"status":"draining"}', "close"]);
    const [health, answer] = await Promise.all([replica.get("/healthz"), replica.get("/")]);
    assert.deepEqual([health.status, answer.status], [200, 200]);

    const { status, headers } = await slow;
    assert.deepEqual([status, headers.connection], [200, "close"]);
    assert.equal(await replica.exited, 0);
    assert.equal(replica.logs.at(-1).msg, "stopped");
  });

  it("is not held up by a connection that never says anything", async () => {
    const replica = await Replica.start();
    const silent = connect(replica.port);
    silent.on("error", () => {});
    await replica.get("/");
    assert.equal(await replica.stop(), 0);
  });

  it("ends at once at a second signal", async () => {
    const replica = await Replica.start({ DRAIN_SECONDS: "300" });
    replica.process.kill("SIGTERM");
    await replica.logged((entry) => entry.msg === "draining");
    assert.equal(await replica.stop("SIGTERM"), 143);
  });
});
