import assert from "node:assert/strict";

import { checkCidr, urlOf } from "../components/service.ts";

describe("urlOf", () => {
  const table: [Parameters<typeof urlOf>[0], string][] = [
    [[{ ip: "192.0.2.1" }], "http://192.0.2.1:8888"],
    [[{ ip: "192.0.2.1", hostname: "lb.example.com" }, { ip: "192.0.2.2" }], "http://192.0.2.1:8888"],
    [[{ hostname: "lb.example.com" }], "http://lb.example.com:8888"],
    [[{ ip: "2001:db8::1" }], "http://[2001:db8::1]:8888"],
    [[], "http://hello.shop.svc:8888"],
  ];
  for (const [addresses, url] of table) {
    it(`makes ${url} of ${JSON.stringify(addresses)}`, () => {
      assert.equal(urlOf(addresses, "hello.shop.svc", 8888), url);
    });
  }
});

describe("checkCidr", () => {
  for (const range of ["0.0.0.0/0", "255.255.255.255/32", "10.1.2.0/9", "2001:db8::/32", "::/0", "::1/128"]) {
    it(`allows ${range}`, () => assert.deepEqual(checkCidr("range", range), []));
  }
  for (const range of ["10.0.0.0", "10.0.0/8", "256.0.0.0/8", "10.0.0.0/33", "::/129", "example.com/8", " ::/0", ""]) {
    it(`refuses "${range}"`, () => {
      assert.deepEqual(checkCidr("range", range), [
        `range must be a CIDR block such as "203.0.113.0/24" or "2001:db8::/32", got "${range}"`,
      ]);
    });
  }
});
