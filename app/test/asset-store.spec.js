import { build } from "../build.js";
import { Replica, refused, stopAll } from "./replica.js";
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";

/** A front end as another release would have built it, with one asset that no other has. */
function builtFrontEnd() {
  const folder = mkdtempSync(join(tmpdir(), "front-end-"));
  const path = "/assets/app.0123456789abcdef.js";
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, path), "earlier");
  writeFileSync(join(folder, `${path}.br`), brotliCompressSync("earlier"));
  const file = { type: "text/javascript; charset=utf-8", etag: "0123456789abcdef", encodings: ["br"] };
  const page = { type: "text/html; charset=utf-8", etag: "fedcba9876543210", encodings: [] };
  writeFileSync(join(folder, "index.html"), "an earlier page");
  writeFileSync(join(folder, "manifest.json"), JSON.stringify({ "/index.html": page, [path]: file }));
  return { folder, path };
}

describe("asset store", () => {
  const earlier = builtFrontEnd();
  const own = [...build("v0.0.2").keys()].find((path) => path.endsWith(".css"));
  let store;
  let replica;
  before(async () => {
    store = await Replica.start({ VERSION: "v0.0.2", ASSET_FOLDERS: earlier.folder });
    replica = await Replica.start({ ASSET_STORE_URL: `http://127.0.0.1:${store.port}` });
  });
  after(() => {
    stopAll();
    rmSync(earlier.folder, { recursive: true });
  });

  it("serves the assets of other releases beside its own, but not their pages", async () => {
    const { status, text, headers } = await store.get(earlier.path);
    assert.deepEqual([status, text], [200, "earlier"]);
    assert.equal(headers["cache-control"], "public, max-age=31536000, immutable");
    assert.equal((await store.get(own)).status, 200);
    assert.match(
      (await store.get("/", { headers: { Accept: "text/html" } })).text,
      /name="release" content="v0\.0\.2"/,
    );
  });

  it("is asked by a replica for an asset that the replica has not", async () => {
    const { status, text, headers } = await replica.get(earlier.path);
    assert.deepEqual([status, text], [200, "earlier"]);
    assert.equal(headers["cache-control"], "public, max-age=31536000, immutable");
    assert.equal(headers["content-type"], "text/javascript; charset=utf-8");
    const head = await replica.get(earlier.path, { method: "HEAD" });
    assert.deepEqual([head.headers["content-length"], head.text], ["7", ""]);
  });

  it("answers through a replica as it would by itself: compressed, or that nothing has changed", async () => {
    const compressed = await replica.get(earlier.path, { headers: { "Accept-Encoding": "br" } });
    assert.equal(compressed.headers["content-encoding"], "br");
    assert.equal(brotliDecompressSync(compressed.bytes).toString(), "earlier");
    const { etag } = (await replica.get(earlier.path)).headers;
    assert.equal((await replica.get(earlier.path, { headers: { "If-None-Match": etag } })).status, 304);
  });

  it("is not asked for what no build has named", async () => {
    const before = store.logs.length;
    for (const path of ["/assets/app.js", "/assets/../0123456789abcdef.js", "/wp-login.php"]) {
      assert.equal((await replica.get(path)).status, 404, path);
    }
    assert.equal((await replica.get(earlier.path, { method: "POST" })).status, 404);
    assert.equal(store.logs.length, before);
  });

  it("is not there for ever: what no release has any more is a 404, and its loss is none", async () => {
    const gone = "/assets/gone.aaaaaaaaaaaaaaaa.js";
    assert.equal((await replica.get(gone)).status, 404);
    const lonely = await Replica.start({ ASSET_STORE_URL: "http://127.0.0.1:9" });
    const { status, text, headers } = await lonely.get(earlier.path);
    assert.deepEqual([status, text], [503, '{"error":"The asset store does not answer."}']);
    assert.equal(headers["cache-control"], "no-store");
    assert.equal((await lonely.get("/")).status, 200);
  });

  it("refuses a folder that holds no front end in one sentence", async () => {
    const { code, words } = await refused({ ASSET_FOLDERS: "/nowhere" });
    assert.equal(code, 1);
    assert.match(
      words,
      /^ASSET_FOLDERS must name folders with built front ends: ENOENT.*\/nowhere\/manifest\.json'\.\n$/,
    );
    const relative = 'ASSET_FOLDERS must be absolute paths with a colon between two of them, got "dist".\n';
    assert.deepEqual(await refused({ ASSET_FOLDERS: "dist" }), { code: 1, words: relative });
  });
});
