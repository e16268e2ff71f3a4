import { chooseEncoding, isCurrent } from "./negotiate.js";
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

/** Fresh for 5 s at the edge, then shown while it is fetched anew, and for an hour if the origin is down. */
const pageCaching = "public, max-age=0, s-maxage=5, stale-while-revalidate=30, stale-if-error=3600";
const assetCaching = "public, max-age=31536000, immutable";

const suffixes = { br: ".br", gzip: ".gz" };

/**
 * Loads the built front end into memory by its manifest, or builds it there if it was not built before.
 * @param {string} version the release that a page built here belongs to
 * @param {readonly string[]} others folders with the built front ends of other releases, whose assets are served as well
 * @returns {Promise<Map<string, object>>} by path, such as "/assets/app.3f9a.js"; the page itself is "/index.html"
 */
export async function readFiles(version, others = []) {
  const files = new Map();
  for (const folder of others) {
    for (const [path, file] of await readBuilt(pathToFileURL(`${folder}/`))) {
      if (path.startsWith("/assets/")) files.set(path, file);
    }
  }
  let own;
  try {
    own = await readBuilt(new URL("../dist/", import.meta.url));
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    const { build } = await import("../build.js");
    own = build(version);
  }
  return new Map([...files, ...own]);
}

async function readBuilt(dist) {
  const manifest = JSON.parse(await readFile(new URL("manifest.json", dist), "utf8"));
  const files = new Map();
  for (const [path, { type, etag, encodings }] of Object.entries(manifest)) {
    const read = (suffix) => readFile(new URL(`.${path}${suffix}`, dist));
    const bodies = { identity: await read("") };
    for (const encoding of encodings) bodies[encoding] = await read(suffixes[encoding]);
    files.set(path, { type, etag, bodies });
  }
  return files;
}

/**
 * The answer to a request for a file: the smallest body that the client takes, or that it already has it.
 * @param {object} file
 * @param {import("node:http").IncomingHttpHeaders} headers the request's
 * @param {{page?: boolean}} options a page is checked again with each visit, an asset has a name of its own for ever
 */
export function fileAnswer(file, headers, { page = false } = {}) {
  const encoding = chooseEncoding(
    headers["accept-encoding"],
    ["br", "gzip"].filter((name) => file.bodies[name]),
  );
  const etag = `"${file.etag}${encoding === undefined ? "" : `-${encoding}`}"`;
  const caching = {
    "Cache-Control": page ? pageCaching : assetCaching,
    ETag: etag,
    Vary: page ? "Accept, Accept-Encoding" : "Accept-Encoding",
  };
  if (isCurrent(headers["if-none-match"], etag)) return { status: 304, headers: caching };
  return {
    status: 200,
    headers: {
      ...caching,
      "Content-Type": file.type,
      ...(encoding !== undefined && { "Content-Encoding": encoding }),
    },
    body: file.bodies[encoding ?? "identity"],
  };
}
