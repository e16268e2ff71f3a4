import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { WebService } from "../components/index.ts";
import type { HttpExpectation, SmokeTest } from "../components/index.ts";
import { digest, specOf, useMocks } from "./mocks.ts";

const baseArgs = { image: `registry.example/hello@${digest}`, namespace: "shop" };

describe("a smoke test", () => {
  describe("as expectations", () => {
    let server: Server;
    let command: string[];
    let url: string;
    beforeEach(async () => {
      await useMocks();
      const release = { kind: "blueGreen", smokeTest: { expect: [{ path: "/" }] } } as const;
      new WebService("hello", { ...baseArgs, release });
      const { template } = await specOf("kubernetes:batch/v1:Job");
      const [container] = (template as { spec: { containers: [{ command: string[]; env: unknown }] } }).spec.containers;
      ({ command } = container);
      assert.deepEqual(container.env, [
        { name: "PREVIEW_URL", value: "http://hello-preview-1a2b3c4d.shop.svc:8888" },
        { name: "EXPECTATIONS", value: '[{"path":"/"}]' },
      ]);
    });
    before(async () => {
      server = createServer((request, response) => {
        const status = request.url === "/moved" ? 301 : 200;
        response.writeHead(status, { "Content-Type": "application/json; charset=utf-8", Location: "/" });
        response.end(JSON.stringify({ hello: "world", accept: request.headers.accept }));
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    after(() => server.close());

    /** Runs what the Job would run. */
    const test = async (...expect: HttpExpectation[]) => {
      const env = { PREVIEW_URL: url, EXPECTATIONS: JSON.stringify(expect) };
      assert.equal(command[0], "node");
      return new Promise((resolve) => {
        execFile(process.execPath, command.slice(1), { env }, (error, stdout) =>
          resolve({ code: error?.code ?? 0, lines: stdout.trim().split("\n") }),
        );
      });
    };

    it("succeeds if every answer is as expected", async () => {
      const headers = { "content-type": "^application/json" };
      const expected: HttpExpectation[] = [
        { path: "/", body: '"hello":"world"', headers },
        { path: "/moved", status: 301 },
        { path: "/html", requestHeaders: { Accept: "text/html" }, body: '"accept":"text/html"' },
      ];
      assert.deepEqual(await test(...expected), { code: 0, lines: ["ok /", "ok /moved", "ok /html"] });
    });

    it("fails if one is not, and says what it was instead", async () => {
      const outcome = await test(
        { path: "/moved" },
        { path: "/", headers: { "content-type": "html", "x-none": "." } },
        { path: "/", body: "goodbye" },
        { path: "/" },
      );
      assert.deepEqual(outcome, {
        code: 1,
        lines: [
          "failed /moved status is 301 instead of 200",
          'failed / content-type is "application/json; charset=utf-8", which does not match html; x-none is "", which does not match .',
          'failed / body is "{\\"hello\\":\\"world\\",\\"accept\\":\\"*/*\\"}", which does not match goodbye',
          "ok /",
        ],
      });
    });

    it("fails if nobody answers", async () => {
      server.close();
      server.closeAllConnections();
      const { code, lines } = (await test({ path: "/" })) as { code: number; lines: string[] };
      assert.equal(code, 1);
      assert.match(lines[0]!, /^failed \/ connect ECONNREFUSED/);
    }).timeout(20_000);
  });

  describe("that could not be", () => {
    beforeEach(() => useMocks());

    const property = "release.smokeTest.expect[0]";
    const refused: [string, SmokeTest | object, string][] = [
      ["without a target", {}, "release.smokeTest must have either command or expect, got {}"],
      [
        "with two targets",
        { command: ["true"], expect: [] },
        'release.smokeTest must have either command or expect, got {"command":["true"],"expect":[]}',
      ],
      ["with an empty command", { command: [] }, "release.smokeTest.command must name a program, got []"],
      ["without a request", { expect: [] }, "release.smokeTest.expect must hold at least one request, got []"],
      [
        "of another host",
        { expect: [{ path: "http://example.com" }] },
        `${property}.path must be a path with a "/" at its beginning, such as "/login", got "http://example.com"`,
      ],
      [
        "with a status that does not exist",
        { expect: [{ path: "/", status: 20 }] },
        `${property}.status must be an integer from 200 to 599, got 20`,
      ],
      [
        "with a space in its path",
        { expect: [{ path: "/a b" }] },
        `${property}.path must be a path with a "/" at its beginning, such as "/login", got "/a b"`,
      ],
      [
        "with a malformed pattern",
        { expect: [{ path: "/", body: "(" }] },
        `${property}.body must be a regular expression, got "("`,
      ],
      [
        "with a malformed pattern for a header",
        { expect: [{ path: "/", headers: { "x-version": "[" } }] },
        `${property}.headers.x-version must be a regular expression, got "["`,
      ],
    ];
    for (const [what, smokeTest, message] of refused) {
      it(`is refused ${what}`, () => {
        const release = { kind: "blueGreen", smokeTest: smokeTest as SmokeTest } as const;
        assert.throws(() => new WebService("hello", { ...baseArgs, release }), { message });
      });
    }
  });
});
