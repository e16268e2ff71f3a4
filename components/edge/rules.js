/**
 * The rules that edges go by, as pure functions that njs runs in nginx and Node in tests: for how long an answer may be kept
 * (RFC 9111, RFC 5861), and what the client is told about that (RFC 9211).
 */
/* eslint-disable @typescript-eslint/no-unused-vars -- njs wants a name for every error that is caught */
import crypto from "crypto";

/** The directives of a Cache-Control header by lower-case name; one without a value is true. */
function directives(header) {
  const result = {};
  const pattern = /([^\s,;=]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,;]*)))?/g;
  let match = pattern.exec(header || "");
  while (match !== null) {
    const value = match[2] === undefined ? match[3] : match[2];
    const name = match[1].toLowerCase();
    // The first one counts, and the stricter reading of what makes no sense: a broken number is no time at all.
    if (result[name] === undefined) result[name] = value === undefined ? true : value;
    match = pattern.exec(header || "");
  }
  return result;
}

function seconds(value) {
  if (value === undefined) return undefined;
  return /^\d+$/.test(String(value)) ? Math.min(Number(value), 2147483648) : 0;
}

/** Answers that may be kept if the origin says for how long; those with an error are kept for a moment only. */
const keepable = [200, 203, 204, 206, 300, 301, 302, 307, 308, 404, 405, 410, 414];
const keptByDefault = [404, 410];

/**
 * For how long an answer is fresh, how old it is already, and for how long it may be shown when it is stale. A lifetime of
 * 0 is not stored. There are no guesses: without a word of the origin only errors are kept, for a moment.
 */
function lifetime(status, headers, bounds, now) {
  const never = { fresh: 0, age: 0, whileRevalidate: 0, ifError: 0 };
  const control = directives(headers.cacheControl);
  // "Not modified" says for how long what is stored is fresh again.
  if (keepable.indexOf(status === 304 ? 200 : status) < 0 || headers.hasCookie) return never;
  if (/(^|,)\s*\*\s*(,|$)/.test(headers.vary || "")) return never;
  if (control["no-store"] !== undefined || control["private"] !== undefined || control["no-cache"] !== undefined)
    return never;

  const date = Date.parse(headers.date || "");
  const apparent = isNaN(date) ? 0 : Math.max(0, Math.floor((now - date) / 1000));
  // Clocks of two machines differ: a second or two is no age.
  const age = Math.max(seconds(headers.age) || 0, apparent > 2 ? apparent : 0);
  let total = seconds(control["s-maxage"]);
  if (total === undefined) total = seconds(control["max-age"]);
  if (total === undefined && headers.expires !== undefined) {
    const expires = Date.parse(headers.expires);
    total = isNaN(expires) ? 0 : Math.max(0, Math.floor((expires - (isNaN(date) ? now : date)) / 1000));
  }
  if (total === undefined) total = keptByDefault.indexOf(status) < 0 ? 0 : age + bounds.negativeSeconds;
  let fresh = total - age;
  if (status >= 400) fresh = Math.min(fresh, bounds.negativeSeconds);
  if (fresh <= 0) return never;

  const mustRevalidate = control["must-revalidate"] !== undefined || control["proxy-revalidate"] !== undefined;
  if (mustRevalidate || status >= 400) return { fresh: fresh, age: age, whileRevalidate: 0, ifError: 0 };
  return {
    fresh: fresh,
    age: age,
    whileRevalidate: Math.min(seconds(control["stale-while-revalidate"]) || 0, bounds.maxStaleWhileRevalidateSeconds),
    ifError: Math.min(seconds(control["stale-if-error"]) || 0, bounds.maxStaleIfErrorSeconds),
  };
}

/** What else a stored answer depends on: the key has the encodings and the type that the client takes already. */
function remainingVary(vary) {
  return (vary || "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && !/^accept(-encoding)?$/i.test(name))
    .join(", ");
}

/**
 * An entry of Cache-Status for what happened here. `remaining` is the time to live, in seconds, below 0 if stale; `isAsked`
 * says whether the origin was asked before the answer was given.
 */
function cacheStatus(name, outcome, status, remaining, stored, method, isAsked) {
  const ttl = remaining === undefined ? "" : "; ttl=" + remaining;
  const kept = stored ? "; stored" : "";
  const answered = "; fwd-status=" + status;
  switch (outcome) {
    case "HIT":
      return name + "; hit" + ttl;
    case "UPDATING":
      return name + "; hit" + ttl + "; detail=stale-while-revalidate";
    case "STALE":
      return name + "; hit" + ttl + (isAsked ? "; detail=stale-if-error" : "; detail=stale-while-revalidate");
    case "REVALIDATED":
      return name + "; fwd=stale; fwd-status=304" + ttl;
    case "EXPIRED":
      return name + "; fwd=stale" + answered + kept + ttl;
    case "MISS":
      return name + "; fwd=uri-miss" + answered + kept + ttl;
    default:
      return name + (method === "GET" || method === "HEAD" ? "; fwd=bypass" : "; fwd=method") + answered;
  }
}

/** Where the cache keeps the answer to this key, in folders by the last digits. */
function cacheFile(folder, key) {
  const hash = crypto.createHash("md5").update(key).digest("hex");
  return folder + "/" + hash.slice(31) + "/" + hash.slice(29, 31) + "/" + hash;
}

/** What a purge asks for, or a sentence on what is wrong with it. */
function parsePurge(text) {
  const rule = 'the body must be {"path": "/…"}, {"prefix": "/…"}, {"tag": "…"} or {"all": true}';
  let wish;
  try {
    wish = JSON.parse(text || "");
  } catch (error) {
    return { problem: rule };
  }
  const names = wish !== null && typeof wish === "object" ? Object.keys(wish) : [];
  if (names.length !== 1) return { problem: rule };
  const kind = names[0];
  const value = wish[kind];
  if (kind === "all" && value === true) return { kind: kind };
  const isTag = typeof value === "string" && /^[\x21-\x2b\x2d-\x7e]{1,128}$/.test(value);
  if (kind === "tag") return isTag ? { kind: kind, value: value } : { problem: rule + ", with a tag without blanks" };
  const isPath = typeof value === "string" && /^\/[^\s?#]*$/.test(value) && value.length <= 1024;
  if ((kind === "path" || kind === "prefix") && isPath) return { kind: kind, value: decode(value) };
  return { problem: rule + ', with a path of up to 1024 characters that begins with "/" and has no query' };
}

/** nginx matches decoded paths. */
function decode(path) {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    return path;
  }
}

export default { cacheFile, cacheStatus, directives, lifetime, parsePurge, remainingVary };
