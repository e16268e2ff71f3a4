import assert from "node:assert/strict";

import purges from "../components/edge/purges.js";

/** njs's dictionary that all workers share. */
class Dictionary {
  readonly #entries = new Map<string, string>();
  isFull = false;

  get = (key: string): string | undefined => this.#entries.get(key);
  delete = (key: string): boolean => this.#entries.delete(key);
  clear = (): void => this.#entries.clear();
  keys = (): string[] => [...this.#entries.keys()];
  size = (): number => this.#entries.size;

  set(key: string, value: string): void {
    if (this.isFull) throw new Error("SharedMemoryError");
    this.#entries.set(key, value);
  }

  add(key: string, value: string): void {
    if (!this.#entries.has(key)) this.set(key, value);
  }
}

describe("what an edge forgets", () => {
  let shared: Record<"marks" | "paths" | "tags" | "tagPurges", Dictionary>;
  const now = Date.now;
  let clock = 1_000_000;

  beforeEach(() => {
    shared = {
      marks: new Dictionary(),
      paths: new Dictionary(),
      tags: new Dictionary(),
      tagPurges: new Dictionary(),
    };
    (globalThis as Record<string, unknown>)["ngx"] = { shared };
    process.env["EDGE_TOKEN"] = "t".repeat(20);
    // Each look at the clock is a moment later, so that no two marks are alike.
    Date.now = () => clock++;
    purges.generation({ variables: { uri: "/" } });
  });
  afterEach(() => {
    Date.now = now;
    delete process.env["EDGE_TOKEN"];
    delete (globalThis as Record<string, unknown>)["ngx"];
  });

  const paths = ["/a/1", "/a/2", "/b/1"] as const;
  const generations = () => paths.map((uri) => purges.generation({ variables: { uri } }));
  const purge = (wish: object, more: object = {}): { status: number; text: string } => {
    let answer = { status: 0, text: "" };
    purges.purge({
      method: "POST",
      requestText: JSON.stringify(wish),
      headersIn: { Authorization: `Bearer ${"t".repeat(20)}` },
      headersOut: {},
      variables: { edge_region: "eu", hostname: "edge-1" },
      return: (status, text) => (answer = { status, text }),
      ...more,
    });
    return answer;
  };
  /** The paths that are another key than before. */
  const forgottenBy = (work: () => unknown): string[] => {
    const before = generations();
    work();
    const after = generations();
    return paths.filter((_, index) => before[index] !== after[index]);
  };
  const tag = (path: string, ...tags: string[]): void => purges.note(path, tags, Date.now());

  it("is a path, a prefix, or everything", () => {
    assert.deepEqual(
      forgottenBy(() => purge({ path: "/a/1" })),
      ["/a/1"],
    );
    assert.deepEqual(
      forgottenBy(() => purge({ prefix: "/a/" })),
      ["/a/1", "/a/2"],
    );
    assert.deepEqual(
      forgottenBy(() => purge({ all: true })),
      [...paths],
    );
  });

  it("is what has a tag, the whole of it, and what has lost the tag since is not", () => {
    tag("/a/1", "shoes", "sale");
    tag("/a/2", "shoes-red");
    tag("/b/1", "sale");
    assert.deepEqual(
      forgottenBy(() => purge({ tag: "shoes" })),
      ["/a/1"],
    );
    tag("/b/1");
    assert.deepEqual(
      forgottenBy(() => purge({ tag: "sale" })),
      ["/a/1"],
    );
    assert.deepEqual(
      forgottenBy(() => purge({ tag: "unknown" })),
      [],
    );
  });

  it("is also what was on its way when its tag was purged, and not what was asked for later", () => {
    const began = Date.now();
    purge({ tag: "shoes" });
    assert.deepEqual(
      forgottenBy(() => purges.note("/a/1", ["shoes"], began)),
      ["/a/1"],
    );
    assert.deepEqual(
      forgottenBy(() => tag("/a/2", "shoes")),
      [],
    );
  });

  it("is everything by the next tag, once there was no room for the tags of one answer; then tags count anew", () => {
    tag("/a/1", "shoes");
    shared.tags.isFull = true;
    tag("/a/2", "shoes");
    assert.deepEqual(
      forgottenBy(() => purge({ tag: "hats" })),
      [...paths],
    );
    shared.tags.isFull = false;
    assert.deepEqual(
      forgottenBy(() => purge({ tag: "hats" })),
      [],
    );
  });

  it("is everything if there is no room for one more mark", () => {
    shared.paths.isFull = true;
    assert.deepEqual(
      forgottenBy(() => purge({ path: "/a/1" })),
      [...paths],
    );
    shared.tagPurges.isFull = true;
    assert.deepEqual(
      forgottenBy(() => purge({ tag: "shoes" })),
      [...paths],
    );
  });

  it("is everything instead of a 51st prefix, and what was purged before stays away", () => {
    for (let i = 0; i < 50; i++) purge({ prefix: `/x/${i}/` });
    const before = generations();
    assert.deepEqual(
      forgottenBy(() => purge({ prefix: "/a/" })),
      [...paths],
    );
    assert.ok(generations().every((generation) => !before.includes(generation)));
  });

  it("needs the token and a POST", () => {
    const forgotten = forgottenBy(() => {
      assert.equal(purge({ all: true }, { headersIn: { Authorization: "Bearer wrong" } }).status, 403);
      assert.equal(purge({ all: true }, { headersIn: {} }).status, 403);
      assert.equal(purge({ all: true }, { method: "GET" }).status, 405);
      assert.equal(purge({ tag: "two tags" }).status, 400);
      delete process.env["EDGE_TOKEN"];
      assert.equal(purge({ all: true }).status, 403);
    });
    assert.deepEqual(forgotten, []);
  });

  it("reads tags with blanks or commas between", () => {
    assert.deepEqual(purges.tagsOf("shoes, sale  red,,"), ["shoes", "sale", "red"]);
    assert.deepEqual(purges.tagsOf(undefined), []);
  });
});
