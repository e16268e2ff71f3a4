import { createHash } from "node:crypto";
import { readFileSync, readdirSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, extname } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const types = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/**
 * Builds the front end: every asset is named after its content, so that it can be cached for ever and a page never meets
 * the asset of another release under the name of its own.
 * @param {string} version the release that the page belongs to, written into it
 * @returns {Map<string, {type: string, etag: string, bodies: Record<string, Buffer>}>} by path
 */
export function build(version) {
  const source = new URL("./frontend/", import.meta.url);
  const names = new Set(readdirSync(source));
  const files = new Map();
  const built = new Map();

  // A file refers to another one as "./name": the other is built first, since its name is part of this one's content.
  const emit = (name) => {
    if (built.has(name)) return built.get(name);
    const page = name === "index.html";
    const text = readFileSync(new URL(name, source), "utf8")
      .replaceAll("{{version}}", version)
      .replace(/"\.\/([\w.-]+)"/g, (reference, other) =>
        names.has(other) ? `"./${page ? "assets/" : ""}${emit(other)}"` : reference,
      );
    const etag = createHash("sha256").update(text).digest("hex").slice(0, 16);
    const extension = extname(name);
    const emitted = page ? name : `${name.slice(0, -extension.length)}.${etag}${extension}`;
    files.set(page ? "/index.html" : `/assets/${emitted}`, { type: types[extension], etag, bodies: compress(text) });
    built.set(name, emitted);
    return emitted;
  };
  emit("index.html");
  return files;
}

function compress(text) {
  const identity = Buffer.from(text);
  return {
    identity,
    br: brotliCompressSync(identity, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: identity.length } }),
    gzip: gzipSync(identity, { level: 9 }),
  };
}

/** Writes the front end and its manifest to a folder, in place of what was there. */
function write(files, folder) {
  rmSync(folder, { recursive: true, force: true });
  const manifest = {};
  for (const [path, { type, etag, bodies }] of files) {
    const file = `${folder}${path}`;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bodies.identity);
    writeFileSync(`${file}.br`, bodies.br);
    writeFileSync(`${file}.gz`, bodies.gzip);
    manifest[path] = { type, etag, encodings: ["br", "gzip"] };
  }
  writeFileSync(`${folder}/manifest.json`, `${JSON.stringify(manifest, undefined, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = build(process.env.VERSION ?? "v0.0.1");
  write(files, fileURLToPath(new URL("./dist", import.meta.url)));
  for (const [path, { bodies }] of files) process.stdout.write(`${path}  ${bodies.br.length} bytes as brotli\n`);
}
