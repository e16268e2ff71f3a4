import assert from "node:assert/strict";
import { type Bag, formatPath, hasUnknown, openPlain, sealPlain, unknownValue } from "../plugins/bag.ts";
import { engineAddress } from "../plugins/engine.ts";
import { parseUrn } from "../plugins/handlers.ts";

const sig = "4dabf18193072939515e22adb298388d";
const secret = (value: Bag[string]): Bag => ({ [sig]: "1b47061264138c4ac30d75fd1eb44270", value });
const output = (more: Bag): Bag => ({ [sig]: "d0e6a833031e9bbcd3f4e8bde6ca49a4", ...more });

describe("plugins: property bags", () => {
  it("takes secrets out and remembers their places", () => {
    const { value, secrets } = openPlain({ a: secret("x"), b: { c: [1, secret({ d: "y" })] }, e: "z" });
    assert.deepEqual(value, { a: "x", b: { c: [1, { d: "y" }] }, e: "z" });
    assert.deepEqual(secrets, [["a"], ["b", "c", 1]]);
  });

  it("puts secrets back, whole lists at a time, and skips places that are gone", () => {
    const sealed = sealPlain({ a: "x", b: { c: [1, 2] } }, [["a"], ["b", "c", 1], ["gone"]]);
    assert.deepEqual(sealed, { a: secret("x"), b: { c: secret([1, 2]) } });
  });

  it("reads outputs, known, secret or unknown", () => {
    const { value, secrets } = openPlain({
      a: output({ value: 1 }),
      b: output({ value: 2, secret: true }),
      c: output({}),
    });
    assert.deepEqual(value, { a: 1, b: 2, c: unknownValue });
    assert.deepEqual(secrets, [["b"]]);
  });

  it("finds unknown values anywhere", () => {
    assert.ok(hasUnknown({ a: [{ b: unknownValue }] }));
    assert.ok(!hasUnknown({ a: [{ b: "known" }] }));
  });

  it("writes paths as the engine does", () => {
    assert.equal(formatPath(["spec", "containers", 0, "image"]), "spec.containers[0].image");
    assert.equal(formatPath(["metadata", "labels", 'a.b/"c"']), 'metadata.labels["a.b/\\"c\\""]');
  });
});

describe("plugins: the engine's calls", () => {
  it("finds the engine's address behind its flags", () => {
    assert.equal(engineAddress(["--logtostderr", "-v=9", "--tracing", "http://t", "127.0.0.1:1"]), "127.0.0.1:1");
    assert.equal(engineAddress(["-v=9"]), undefined);
  });

  it("reads URNs, with names that hold colons", () => {
    assert.deepEqual(parseUrn("urn:pulumi:dev::p::a:b:C$kubernetes:apps/v1:Deployment::web::1"), {
      type: "kubernetes:apps/v1:Deployment",
      name: "web::1",
    });
  });
});
