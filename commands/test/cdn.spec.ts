import assert from "node:assert/strict";
import * as http from "node:http";
import type { AddressInfo } from "node:net";

import { renderPurge, renderStatus } from "../cdn-view.ts";
import { parseOutputs, purge, purgeWish } from "../cdn.ts";

describe("cdn", () => {
  it("purges one thing at a time, by path or URL", () => {
    assert.deepEqual(purgeWish(["/a?page=2", "https://www.example.com/b"], {}), [{ path: "/a" }, { path: "/b" }]);
    assert.deepEqual(purgeWish([], { prefix: "/assets/" }), [{ prefix: "/assets/" }]);
    assert.deepEqual(purgeWish([], { all: true }), [{ all: true }]);
    assert.deepEqual(purgeWish([], { tag: "shoes" }), [{ tag: "shoes" }]);
    assert.throws(() => purgeWish([], { tag: "a b" }), { message: /^a tag must be .* got "a b"\.$/ });
    assert.throws(() => purgeWish([], {}), {
      message: "purge takes one or more paths, or --prefix, or --tag, or --all.",
    });
    assert.throws(() => purgeWish(["/a"], { all: true }), { message: /^purge takes one or more paths/ });
    assert.throws(() => purgeWish(["a"], {}), { message: 'a path must begin with "/" or be a URL, got "a".' });
  });

  it("says so if the stack has no CDN", () => {
    assert.throws(() => parseOutputs('{"url": "http://localhost"}'), {
      message: /^the stack has no CDN: pulumi config/,
    });
    const cdnLocations = [{ name: "eu", url: "http://192.0.2.1", replicas: 2 }];
    assert.deepEqual(parseOutputs(JSON.stringify({ cdnLocations, cdnToken: "t" })), {
      locations: cdnLocations,
      token: "t",
    });
  });

  describe("with edges", () => {
    const log: string[] = [];
    let next = 0;
    const server = http.createServer((request, response) => {
      log.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      if (request.headers.authorization !== "Bearer right") {
        response.writeHead(403).end('{"error": "A purge needs the token."}');
      } else {
        response.end(JSON.stringify({ edge: `edge-${next++ % 3}` }));
      }
    });
    let url: string;
    before(async () => {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    beforeEach(() => {
      log.length = 0;
    });
    after(() => server.close());

    it("asks until it has met all edges of a region", async () => {
      const locations = [{ name: "eu", url, replicas: 3 }];
      const [answer] = await purge({ locations, token: "right" }, { path: "/a" });
      assert.deepEqual(
        [[...answer!.edges.keys()].sort(), answer!.problem],
        [["edge-0", "edge-1", "edge-2"], undefined],
      );
      assert.equal(log[0], "POST /.meridian/purge Bearer right");
    });

    it("says which region did not answer, and why", async () => {
      const locations = [
        { name: "eu", url, replicas: 1 },
        { name: "us", url: "http://127.0.0.1:1", replicas: 1, isShield: true },
      ];
      const answers = await purge({ locations, token: "wrong" }, { all: true });
      assert.equal(answers[0]!.problem, "HTTP 403: A purge needs the token.");
      assert.match(answers[1]!.problem!, /^connect ECONNREFUSED/);
      assert.match(renderPurge({ all: true }, answers), /^Not forgotten in eu, us: everything\n {2}eu {2}✗ HTTP 403/);
    });
  });

  it("shows what the edges of each region have done", () => {
    const counts = { hit: 90, miss: 10, waits: 10, waited: 0.5 };
    const answers = [
      {
        region: "eu",
        expected: 2,
        seconds: 0.1,
        problem: undefined,
        edges: new Map(["a", "b"].map((edge) => [edge, { edge, counts }])),
      },
      { region: "us", expected: 2, seconds: 5, problem: "no edge answered within 5.0 s", edges: new Map() },
    ];
    assert.equal(
      renderStatus(answers),
      [
        "Region  Edges  Requests  From cache  Stale  To origin  Origin answers in  Health",
        "eu        2/2       200      90.0 %      0         20              50 ms  serving",
        "us        0/2         0           –      0          0                  –  no edge answered within 5.0 s",
      ].join("\n"),
    );
  });
});
