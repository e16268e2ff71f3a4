import { identify } from "../requests.ts";
import { parseArguments, showSpread, spread } from "../spread.ts";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("spread", () => {
  let server: Server;
  let connections = 0;

  async function serve(listener: RequestListener): Promise<string> {
    server = createServer(listener).listen(0, "127.0.0.1");
    connections = 0;
    server.on("connection", () => connections++);
    await once(server, "listening");
    return urlOf(server);
  }
  afterEach(() => server.close());

  it("sends each request on a connection of its own and counts who answers", async () => {
    let sent = 0;
    const url = await serve((_, response) => response.end(JSON.stringify({ hello: "world", name: `r${sent++ % 3}` })));
    const result = await spread({ url, requests: 30 });
    assert.deepEqual(
      result.replicas,
      ["r0", "r1", "r2"].map((name) => ({ name, region: "-", version: "-", count: 10 })),
    );
    assert.equal(connections, 30);
    assert.equal(result.stopped, false);
  });

  it("counts failures by their reason and goes on after them", async () => {
    let sent = 0;
    const url = await serve((_, response) => {
      sent++;
      if (sent % 3 === 0) response.writeHead(503).end();
      else if (sent % 3 === 1) response.end('{"name":"a"}');
      else response.destroy();
    });
    const result = await spread({ url, requests: 90, concurrency: 1 });
    assert.deepEqual([result.answered, result.failed], [30, 60]);
    assert.deepEqual(result.failures, [
      { reason: "connection reset", count: 30 },
      { reason: "HTTP 503", count: 30 },
    ]);
  });

  it("gives up after 20 failures if nobody has ever answered", async () => {
    const url = await serve((_, response) => response.end("no JSON"));
    const result = await spread({ url, requests: 1000, concurrency: 1 });
    assert.deepEqual(result.failures, [{ reason: "answer names no replica", count: 20 }]);
    assert.equal(result.stopped, true);
  });

  it("prints what was counted and gives 130 when it is interrupted", async () => {
    const interrupt = new AbortController();
    let sent = 0;
    // The fourth request is never answered.
    const url = await serve((_, response) => {
      if (sent++ < 3) response.end('{"name":"a"}');
      else interrupt.abort();
    });
    const written: string[] = [];
    const output = { write: (text: string | Uint8Array) => written.push(String(text)) > 0 };
    const code = await showSpread({ url, requests: 10, concurrency: 1, signal: interrupt.signal }, output);
    assert.equal(code, 130);
    assert.match(written.join(""), /^3 of 10 requests to \S+ in \S+ s: all answered, stopped\n/);
  });

  it("gives 1 if a request failed and 0 if none did", async () => {
    const url = await serve((request, response) => {
      response.writeHead(request.url === "/good" ? 200 : 500).end('{"name":"a"}');
    });
    const output = { write: () => true };
    assert.equal(await showSpread({ url: `${url}/good`, requests: 2 }, output), 0);
    assert.equal(await showSpread({ url: `${url}/bad`, requests: 2 }, output), 1);
  });
});

describe("identify", () => {
  it("prefers the headers to the answer", () => {
    const headers = { "x-replica": "a", "x-region": "eu", "x-version": "v0.0.2" };
    assert.deepEqual(identify(headers, '{"name":"b"}'), {
      kind: "answered",
      name: "a",
      region: "eu",
      version: "v0.0.2",
    });
  });

  it("keeps control characters off the terminal", () => {
    const outcome = identify({}, JSON.stringify({ name: "\x1b[2Ja\n", region: "\x07" }));
    assert.deepEqual(outcome, { kind: "answered", name: "[2Ja", region: "-", version: "-" });
  });
});

describe("parseArguments", () => {
  it("asks the local service for 100 requests unless told otherwise", () => {
    const expected = { requests: 100, concurrency: 10, url: "http://localhost:8888", json: false, quiet: false };
    assert.deepEqual(parseArguments([], {}), expected);
  });

  it("takes the URL from the command line before the environment", () => {
    const env = { MERIDIAN_URL: "http://one.example" };
    assert.equal(parseArguments([], env).url, "http://one.example");
    assert.equal(parseArguments(["--url", "https://two.example/x/"], env).url, "https://two.example/x/");
  });

  const requests = (text: string): string => `--requests must be an integer from 1 to 1,000,000, got "${text}".`;
  const wrong: [args: string[], message: string][] = [
    [["--requests", "0"], requests("0")],
    [["--requests", "-5"], requests("-5")],
    [["--requests", "abc"], requests("abc")],
    [["--requests", "1.5"], requests("1.5")],
    [["--requests", ""], requests("")],
    [["--requests", "1000001"], requests("1000001")],
    [["--concurrency", "501"], '--concurrency must be an integer from 1 to 500, got "501".'],
    [["--url", "nowhere"], '--url must be an address such as http://localhost:8888, got "nowhere".'],
    [["--url", "ftp://x"], '--url must be an address such as http://localhost:8888, got "ftp://x".'],
    [["--fast"], "error: unknown option '--fast'"],
  ];
  for (const [args, message] of wrong) {
    it(`refuses ${args.join(" ")}`, () => {
      assert.throws(() => parseArguments(args, {}), { message });
    });
  }

  it("refuses a wrong MERIDIAN_URL by its name", () => {
    assert.throws(() => parseArguments([], { MERIDIAN_URL: "x" }), {
      message: 'MERIDIAN_URL must be an address such as http://localhost:8888, got "x".',
    });
  });
});
