/**
 * Purging, as njs runs it inside each edge: see edge.js for what njs lacks.
 */
/* eslint-disable @typescript-eslint/no-unused-vars -- njs wants a name for every error that is caught */
import crypto from "crypto";

import rules from "./rules.js";

/** Whether a path is the same in every release. */
function isKept(uri, prefixes) {
  return prefixes !== "" && prefixes.split(" ").some((prefix) => uri.startsWith(prefix));
}

/**
 * Purging sets marks which are part of the cache's key, so that what is stored cannot be reached any more, not even by an
 * answer that is still on its way. `marks` is for good; `paths` lasts longer than anything that nobody asks for.
 */
function forgetAll() {
  const release = ngx.shared.marks.get("release");
  ngx.shared.paths.clear();
  ngx.shared.tags.clear();
  ngx.shared.marks.clear();
  if (release !== undefined) ngx.shared.marks.set("release", release);
  ngx.shared.marks.set("all", String(Date.now()));
}

function forgetPath(path) {
  try {
    ngx.shared.paths.set(path, String(Date.now()));
  } catch (error) {
    // No room for one more: too much is better than too little.
    forgetAll();
  }
}

function forgetPrefix(prefix) {
  const marks = ngx.shared.marks;
  const known = marks.get("prefixes");
  const list = known === undefined ? [] : known.split("\n");
  const isNew = list.indexOf(prefix) < 0;
  // Each prefix costs every request a little.
  if (isNew && list.length >= 50) return forgetAll();
  marks.set("prefix " + prefix, String(Date.now()));
  if (isNew) marks.set("prefixes", list.concat([prefix]).join("\n"));
}

const tagged = (tag) => " " + tag + " ";

/** The tags of an answer as the origin lists them, with blanks or commas between. */
function tagsOf(text) {
  return (text || "").split(/[\s,]+/).filter((tag) => tag !== "");
}

/** Notes the tags of what has just been fetched, and forgets it if one of them was purged while it was on its way. */
function note(path, tags, began) {
  if (tags.length === 0) return ngx.shared.tags.delete(path);
  const marks = ngx.shared.marks;
  try {
    ngx.shared.tags.set(path, tagged(tags.join(" ")));
  } catch (error) {
    // No room for one more: the next purge of a tag forgets everything, and begins anew.
    marks.set("untagged", "1");
  }
  if (tags.some((tag) => Number(ngx.shared.tagPurges.get(tag) || 0) >= began)) forgetPath(path);
}

function forgetTag(tag) {
  try {
    ngx.shared.tagPurges.set(tag, String(Date.now()));
  } catch (error) {
    return forgetAll();
  }
  if (ngx.shared.marks.get("untagged") !== undefined) return forgetAll();
  const all = ngx.shared.tags;
  all.keys(all.size()).forEach((path) => {
    const tags = all.get(path);
    if (tags !== undefined && tags.indexOf(tagged(tag)) >= 0) forgetPath(path);
  });
}

/** The part of the key that a purge changes, by path: query strings, encodings and the like go with it. */
function generation(r) {
  const marks = ngx.shared.marks;
  let all = marks.get("all");
  if (all === undefined) {
    // What is left of an earlier process may have been purged in the meantime.
    marks.add("all", String(Date.now()));
    all = marks.get("all");
  }
  let result = all;
  const uri = r.variables.uri;
  const own = ngx.shared.paths.get(uri);
  if (own !== undefined) result += "-" + own;
  const v = r.variables;
  if (v.edge_release_header && !isKept(uri, v.edge_release_keep)) result += "~" + marks.get("release");
  const prefixes = marks.get("prefixes");
  if (prefixes !== undefined) {
    prefixes.split("\n").forEach((prefix) => {
      if (uri.startsWith(prefix)) result += "-" + marks.get("prefix " + prefix);
    });
  }
  return result;
}

/** Whether a request has the token that opens the edge's own paths. */
function isAllowed(r) {
  const expected = process.env.EDGE_TOKEN;
  if (!expected) return false;
  const hash = (text) => crypto.createHash("sha256").update(text).digest("hex");
  // Equal hashes tell nothing about where two tokens differ.
  return hash(r.headersIn["Authorization"] || "") === hash("Bearer " + expected);
}

function reply(r, status, value) {
  r.headersOut["Content-Type"] = "application/json";
  r.headersOut["Cache-Control"] = "no-store";
  r.return(status, JSON.stringify(value) + "\n");
}

/** POST: forgets a path with all its variants, all paths with a prefix or with a tag, or everything. */
function purge(r) {
  if (!isAllowed(r)) return reply(r, 403, { error: "A purge needs the token of this CDN as Authorization: Bearer …" });
  if (r.method !== "POST") return reply(r, 405, { error: "A purge is a POST." });
  const wish = rules.parsePurge(r.requestText);
  if (wish.problem) return reply(r, 400, { error: wish.problem });
  if (wish.kind === "all") forgetAll();
  else if (wish.kind === "path") forgetPath(wish.value);
  else if (wish.kind === "tag") forgetTag(wish.value);
  else forgetPrefix(wish.value);
  return reply(r, 200, { region: r.variables.edge_region, edge: r.variables.hostname, purged: wish.value || "all" });
}

export default { forgetPath, generation, isAllowed, isKept, note, purge, reply, tagsOf };
