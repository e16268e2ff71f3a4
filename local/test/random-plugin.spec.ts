import assert from "node:assert/strict";

import fc from "fast-check";

import { bcryptHash } from "../plugins/random/bcrypt.ts";
import { randomText } from "../plugins/random/characters.ts";
import { petName } from "../plugins/random/pet.ts";
import { random } from "../plugins/random/provider.ts";
import { below, seededBytes, shuffle, systemBytes } from "../plugins/random/source.ts";
import { type Bag, type Call, unknownValue } from "../plugins/serve.ts";

function callOf(kind: string): Call {
  const quiet = () => undefined;
  const token = `${kind[0]?.toLowerCase() ?? ""}${kind.slice(1)}`;
  const call = { urn: "", name: "it", status: quiet, log: quiet, signal: new AbortController().signal };
  return { ...call, type: `random:index/${token}:${kind}` };
}

async function create(kind: string, inputs: Bag, preview = false) {
  return random.create({ inputs, preview, timeoutSeconds: 0, secrets: [] }, callOf(kind));
}

async function reasons(kind: string, news: Bag) {
  const result = await random.check({ olds: {}, news, randomSeed: Buffer.alloc(0) }, callOf(kind));
  return (result.failures ?? []).map(({ reason }) => reason);
}

async function diff(kind: string, oldOutputs: Bag, news: Bag) {
  return (await random.diff({ id: "", oldOutputs, oldInputs: {}, news, ignoreChanges: [] }, callOf(kind))).detailed;
}

describe("random: characters", () => {
  it("has the wanted length, minimums and classes, whatever they are (property)", () => {
    const minimum = fc.integer({ min: 0, max: 5 });
    const counts = fc.record({ minLower: minimum, minNumeric: minimum, minSpecial: minimum, minUpper: minimum });
    fc.assert(
      fc.property(counts, fc.integer({ min: 0, max: 20 }), fc.boolean(), (wanted, more, special) => {
        const length = Object.values(wanted).reduce((sum, count) => sum + count, more);
        const text = randomText({ ...wanted, length, upper: true, lower: true, numeric: true, special });
        const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
        assert.equal(text.length, length);
        assert.ok(count(/[a-z]/g) >= wanted.minLower && count(/[A-Z]/g) >= wanted.minUpper);
        const specials = count(/[!@#$%&*()\-_=+[\]{}<>:?]/g);
        assert.ok(count(/[0-9]/g) >= wanted.minNumeric && specials >= wanted.minSpecial);
        if (!special) assert.equal(specials, wanted.minSpecial);
      }),
    );
  });

  it("takes special characters from overrideSpecial only", () => {
    const text = randomText({ length: 200, minSpecial: 200, special: true, overrideSpecial: "äß" });
    assert.match(text, /^[äß]{200}$/);
  });

  it("makes a password whose id is not the password, and whose results are secret", async () => {
    const { id, outputs, secrets } = await create("RandomPassword", { length: 20 });
    assert.equal(id, "none");
    assert.equal(String(outputs["result"]).length, 20);
    assert.deepEqual(secrets, [["bcryptHash"], ["result"]]);
    const shown = { lower: true, number: true, numeric: true, special: true, upper: true, minLower: 0 };
    assert.deepEqual({ ...outputs, ...shown }, outputs);
  });

  it("hashes as bcrypt does", () => {
    const table = [["abc", "abcdefghijklmnopqrstuu", "IKf86pdcwpO2sVQ5UzC4OF.Xfw8WGTS"]] as const;
    for (const [password, salt, hash] of table) {
      assert.equal(bcryptHash(password, saltBytes(salt)), `$2a$10$${salt}${hash}`);
    }
    assert.match(bcryptHash("ü".repeat(80)), /^\$2a\$10\$[./A-Za-z0-9]{53}$/);
  });
});

/** The 16 bytes of a salt in bcrypt's base64. */
function saltBytes(text: string): Buffer {
  const alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const bits = [...text].map((letter) => alphabet.indexOf(letter).toString(2).padStart(6, "0")).join("");
  return Buffer.from(
    Array.from({ length: 16 }, (_, index) => Number.parseInt(bits.slice(index * 8, index * 8 + 8), 2)),
  );
}

describe("random: values", () => {
  it("writes an id in four ways, each with the prefix", async () => {
    const { id, outputs } = await create("RandomId", { byteLength: 5, prefix: "p-" });
    const bytes = Buffer.from(id, "base64url");
    assert.equal(bytes.length, 5);
    assert.deepEqual(outputs, {
      byteLength: 5,
      prefix: "p-",
      b64Std: `p-${bytes.toString("base64")}`,
      b64Url: `p-${id}`,
      dec: `p-${BigInt(`0x${bytes.toString("hex")}`)}`,
      hex: `p-${bytes.toString("hex")}`,
    });
  });

  it("makes the other kinds", async () => {
    const bytes = await create("RandomBytes", { length: 4 });
    assert.equal(Buffer.from(String(bytes.outputs["hex"]), "hex").toString("base64"), bytes.outputs["base64"]);
    assert.deepEqual([bytes.id, bytes.secrets], ["none", [["base64"], ["hex"]]]);
    assert.match(
      (await create("RandomUuid", {})).id,
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    assert.match(
      (await create("RandomUuid7", {})).id,
      /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    assert.match((await create("RandomPet", { prefix: "my", separator: "." })).id, /^my\.[a-z]+\.[a-z]+$/);
    assert.equal(petName(4, "-").split("-").length, 4);
    const integer = await create("RandomInteger", { min: -3, max: -3 });
    assert.deepEqual([integer.id, integer.outputs["result"]], ["-3", -3]);
  });

  it("shuffles every item in before one comes again", async () => {
    const { outputs } = await create("RandomShuffle", { inputs: ["a", "b", "c"], resultCount: 6 });
    const results = outputs["results"];
    assert.ok(Array.isArray(results));
    assert.deepEqual(
      [[...results.slice(0, 3)].sort(), [...results.slice(3)].sort()],
      [
        ["a", "b", "c"],
        ["a", "b", "c"],
      ],
    );
    assert.deepEqual((await create("RandomShuffle", { inputs: [], resultCount: 2 })).outputs["results"], []);
  });

  it("makes all numbers equally likely, and the same ones of the same seed", () => {
    const counts = [0, 0, 0, 0, 0, 0];
    for (let time = 0; time < 6000; time++) {
      const value = below(6, systemBytes);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    // 1,000 each; less than 800 would happen once in ten billion runs.
    assert.ok(Math.min(...counts) > 800, String(counts));
    const items = Array.from({ length: 50 }, (_, index) => index);
    assert.deepEqual(shuffle(items, seededBytes("x")), shuffle(items, seededBytes("x")));
    assert.notDeepEqual(shuffle(items, seededBytes("x")), shuffle(items, seededBytes("y")));
  });

  it("makes nothing in a preview", async () => {
    const { outputs } = await create("RandomInteger", { min: 1, max: 9 }, true);
    assert.deepEqual(outputs, { min: 1, max: 9, result: unknownValue });
  });
});

describe("random: check", () => {
  const table: readonly (readonly [string, Bag, string])[] = [
    ["RandomString", { length: 0 }, "length must be an integer of at least 1, got 0"],
    [
      "RandomString",
      { length: 3, minLower: 2, minUpper: 2 },
      "length must be at least minUpper + minLower + minNumeric + minSpecial = 4, got 3",
    ],
    ["RandomPassword", { length: 3, minSpecial: 0.5 }, "minSpecial must be an integer of at least 0, got 0.5"],
    [
      "RandomString",
      { length: 3, upper: false, lower: false, number: false, special: false },
      "at least one of upper, lower, numeric and special must be true, got false for all of them",
    ],
    [
      "RandomString",
      { length: 3, number: true, numeric: false },
      "number and numeric must be the same, got true and false: leave out number",
    ],
    ["RandomId", { byteLength: "x" }, 'byteLength must be an integer of at least 1, got "x"'],
    ["RandomInteger", { min: 2, max: 1 }, "min must be at most max = 1, got 2"],
    ["RandomPet", { length: 0 }, "length must be an integer of at least 1, got 0"],
  ];
  for (const [kind, inputs, reason] of table) {
    it(`says of a ${kind}: ${reason}`, async () => assert.deepEqual(await reasons(kind, inputs), [reason]));
  }

  it("accepts what is right, and what is not known yet", async () => {
    assert.deepEqual(await reasons("RandomString", { length: 4, minLower: 4 }), []);
    assert.deepEqual(await reasons("RandomString", { length: unknownValue, minLower: 4 }), []);
  });
});

describe("random: diff", () => {
  it("replaces for every input, and names the keeper", async () => {
    const olds = (await create("RandomString", { length: 4, keepers: { a: "1", b: "2" } })).outputs;
    assert.deepEqual(await diff("RandomString", olds, { length: 5, special: false, keepers: { a: "2", c: "3" } }), {
      length: "update-replace",
      special: "update-replace",
      "keepers.a": "update-replace",
      "keepers.b": "delete-replace",
      "keepers.c": "add-replace",
    });
    const unknown = await diff("RandomString", olds, { length: 4, keepers: unknownValue });
    assert.deepEqual(unknown, { keepers: "update-replace" });
  });

  it("is empty for a default that is spelled out, and for a keeper without a value", async () => {
    const olds = (await create("RandomString", { length: 4 })).outputs;
    assert.deepEqual(await diff("RandomString", olds, { length: 4, special: true, number: true }), {});
    assert.deepEqual(await diff("RandomString", olds, { length: 4, keepers: { a: null } }), {});
  });
});

describe("random: import", () => {
  const read = (kind: string, id: string) => random.read({ id, outputs: {}, inputs: {}, secrets: [] }, callOf(kind));

  it("takes the value from the id, as the official provider does", async () => {
    const id = await read("RandomId", "p,AQID");
    assert.deepEqual([id?.id, id?.outputs["hex"], id?.inputs], ["AQID", "p010203", { byteLength: 3, prefix: "p" }]);
    const integer = await read("RandomInteger", "5,1,9,s");
    assert.deepEqual([integer?.id, integer?.inputs], ["5", { min: 1, max: 9, seed: "s" }]);
    const password = await read("RandomPassword", "sesame");
    assert.deepEqual([password?.id, password?.inputs, password?.outputs["result"]], ["none", { length: 6 }, "sesame"]);
    await assert.rejects(read("RandomId", "$"), {
      message: 'the id of a RandomId must be [prefix,]base64 with - and _, got "$"',
    });
  });

  it("refuses kinds whose value is not in their id, and kinds that it does not have", async () => {
    await assert.rejects(read("RandomPet", "x"), /^Error: random:index\/randomPet:RandomPet cannot be imported/);
    await assert.rejects(create("RandomDice", {}), /^Error: random:index\/randomDice:RandomDice is not supported/);
  });
});
