import assert from "node:assert/strict";

import { checkIngress, ingressSpec, ingressUrl } from "../components/ingress.ts";
import type { IngressOptions } from "../components/ingress.ts";

const host = "hello.example.com";
const backend = { service: { name: "hello", port: { name: "http" } } };

describe("an Ingress", () => {
  it("serves all paths of its host by the cluster's default controller", () => {
    assert.deepStrictEqual(ingressSpec({ host }, "hello", "http"), {
      ingressClassName: undefined,
      rules: [{ host, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }],
      tls: undefined,
    });
  });

  it("serves a path over TLS by the controller that it is told", () => {
    const options = { host, path: "/shop", className: "nginx", tlsSecretName: "hello-tls" };
    assert.deepStrictEqual(ingressSpec(options, "hello", "http"), {
      ingressClassName: "nginx",
      rules: [{ host, http: { paths: [{ path: "/shop", pathType: "Prefix", backend }] } }],
      tls: [{ hosts: [host], secretName: "hello-tls" }],
    });
  });

  const urls: [Partial<IngressOptions>, string][] = [
    [{}, "http://hello.example.com"],
    [{ path: "/" }, "http://hello.example.com"],
    [{ path: "/shop" }, "http://hello.example.com/shop"],
    [{ path: "/shop", tlsSecretName: "hello-tls" }, "https://hello.example.com/shop"],
  ];
  for (const [options, url] of urls) {
    it(`answers at ${url} with ${JSON.stringify(options)}`, () => assert.equal(ingressUrl({ host, ...options }), url));
  }

  const labels = (count: number, length: number) => Array.from({ length: count }, () => "a".repeat(length)).join(".");
  for (const name of ["a", "1", "hello", "*.example.com", "a-1.b-2.example", labels(1, 63), `${labels(31, 7)}.abcde`]) {
    it(`can have the host ${name.slice(0, 40)}`, () => assert.deepEqual(checkIngress({ host: name }), []));
  }
  for (const name of ["", "Hello", "*", "a.*.b", "a_b", "-a", "a-", "a.-b", "a.b-", "a.", ".a", "a b", labels(1, 64)]) {
    it(`cannot have the host "${name.slice(0, 40)}"`, () =>
      assert.deepEqual(checkIngress({ host: name }), [
        `ingress.host must be a host name in lower case such as "hello.example.com", got "${name}"`,
      ]));
  }

  it("cannot have a host of more than 253 characters", () => {
    assert.deepEqual(checkIngress({ host: labels(127, 1) }), []);
    assert.equal(checkIngress({ host: `${labels(127, 1)}a` }).length, 1);
  });

  it("cannot have a path that does not begin at the root", () => {
    assert.deepEqual(checkIngress({ host, path: "shop/" }), [
      'ingress.path must be a path that begins with "/", got "shop/"',
    ]);
  });
});
