/**
 * What nginx cannot say in its own configuration, as njs runs it inside each edge: how long an answer may be kept (RFC 9111,
 * RFC 5861), what the client is told about that (Age; Cache-Status, RFC 9211), purging, and counting. njs knows less of
 * the language than Node does, among others no destructuring, no default parameters and no `for … of`.
 *
 * @see https://nginx.org/en/docs/njs/reference.html
 */
import crypto from "crypto";
import fs from "fs";

/** The bounds that nginx.conf sets, in seconds. */
function limits(r) {
  const v = r.variables;
  return {
    negativeSeconds: Number(v.edge_negative),
    maxStaleWhileRevalidateSeconds: Number(v.edge_max_swr),
    maxStaleIfErrorSeconds: Number(v.edge_max_sie),
  };
}

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
  if (keepable.indexOf(status) < 0 || headers.hasCookie) return never;
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
    whileRevalidate: Math.min(
      seconds(control["stale-while-revalidate"]) || 0,
      bounds.maxStaleWhileRevalidateSeconds,
    ),
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

/** An entry of Cache-Status for what happened here. `remaining` is the time to live, in seconds, below 0 if stale. */
function cacheStatus(name, outcome, status, remaining, stored, method) {
  const ttl = remaining === undefined ? "" : "; ttl=" + remaining;
  const kept = stored ? "; stored" : "";
  const answered = "; fwd-status=" + status;
  switch (outcome) {
    case "HIT":
      return name + "; hit" + ttl;
    case "UPDATING":
      return name + "; hit" + ttl + "; detail=stale-while-revalidate";
    case "STALE":
      return name + "; hit" + ttl + "; detail=stale-if-error";
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

/** Every header line of a name as one text, undefined if there is none. */
function header(headers, name) {
  const value = headers[name];
  if (value === undefined || value === null) return undefined;
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/**
 * On the way from the origin into the cache: says in the words that nginx understands for how long the answer is kept, and
 * puts what the origin said aside for the client.
 */
function fetched(r) {
  const out = r.headersOut;
  const control = header(out, "Cache-Control");
  const vary = header(out, "Vary");
  const now = Date.now();
  const life = lifetime(
    r.status,
    {
      cacheControl: control,
      expires: header(out, "Expires"),
      date: r.variables.upstream_http_date,
      age: header(out, "Age"),
      vary: vary,
      hasCookie: out["Set-Cookie"] !== undefined && out["Set-Cookie"].length > 0,
    },
    limits(r),
    now,
  );
  out["X-Accel-Expires"] = String(life.fresh);
  const stale = [];
  if (life.whileRevalidate > 0) stale.push("stale-while-revalidate=" + life.whileRevalidate);
  if (life.ifError > 0) stale.push("stale-if-error=" + life.ifError);
  if (stale.length > 0) out["Cache-Control"] = stale.join(", ");
  else delete out["Cache-Control"];
  const others = remainingVary(vary);
  if (others === "") delete out["Vary"];
  else out["Vary"] = others;
  delete out["Age"];
  out["X-Edge-Times"] = [Math.floor(now / 1000), life.fresh, life.age].join(" ");
  if (control !== undefined) out["X-Edge-Cache-Control"] = control;
  if (vary !== undefined) out["X-Edge-Vary"] = vary;
}

/** Where the cache keeps the answer to this key, in folders by the last digits. */
function cacheFile(folder, key) {
  const hash = crypto.createHash("md5").update(key).digest("hex");
  return folder + "/" + hash.slice(31) + "/" + hash.slice(29, 31) + "/" + hash;
}

/** When the answer was fetched or last confirmed, in seconds. */
function confirmed(r, at, fresh, now) {
  if (now - at <= fresh) return at;
  // The origin has confirmed it since, or it is stale: nginx notes that in its file only.
  try {
    const file = cacheFile(r.variables.edge_cache_folder, r.variables.edge_key);
    return Math.floor(fs.statSync(file).mtimeMs / 1000);
  } catch (e) {
    return at;
  }
}

const fromCache = ["HIT", "STALE", "UPDATING", "REVALIDATED"];

/** On the way to the client: gives back what the origin said, and says what the cache did. */
function answer(r) {
  const v = r.variables;
  const out = r.headersOut;
  const outcome = v.upstream_cache_status || "";
  const times = (v.upstream_http_x_edge_times || "").split(" ");
  let remaining;
  let isStored = false;
  if (times.length === 3) {
    const now = Math.floor(Date.now() / 1000);
    const fresh = Number(times[1]);
    let age = Number(times[2]);
    isStored = fresh > 0 && outcome !== "";
    if (fromCache.indexOf(outcome) >= 0) {
      const resident = Math.max(0, now - confirmed(r, Number(times[0]), fresh, now));
      age += resident;
      remaining = fresh - resident;
    } else if (isStored) {
      remaining = fresh;
    }
    if (isStored) out["Age"] = String(age);
    else if (age > 0) out["Age"] = String(age);
    restore(out, "Cache-Control", v.upstream_http_x_edge_cache_control);
    restore(out, "Vary", v.upstream_http_x_edge_vary);
  }
  const own = cacheStatus(v.edge_name, outcome, r.status, remaining, isStored, r.method);
  const before = v.upstream_http_cache_status;
  // A hit never saw the caches behind this one: what they said belongs to an earlier request.
  out["Cache-Status"] = before && fromCache.indexOf(outcome) < 0 ? before + ", " + own : own;
  if (outcome === "" && r.method !== "GET" && r.method !== "HEAD" && r.status < 400) forget(v.uri);
  count(outcome === "" ? "BYPASS" : outcome, v.upstream_header_time);
}

function restore(out, name, value) {
  if (value) out[name] = value;
  else delete out[name];
}

/** Counters of this edge: answers by what the cache did, and the time that it waited for others. */
function count(outcome, headerTime) {
  const counters = ngx.shared.counters;
  counters.incr(outcome, 1, 0);
  const waited = Number(headerTime);
  if (waited >= 0) {
    counters.incr("waits", 1, 0);
    counters.incr("waited", waited, 0);
  }
}

/** Sets a mark that makes what is stored now unreachable: it is part of the cache's key. */
function mark(name) {
  const marks = ngx.shared.marks;
  try {
    marks.set(name, String(Date.now()));
  } catch (e) {
    // No room for one more: forget everything instead of too little.
    marks.clear();
    marks.set("all", String(Date.now()));
  }
}

function forget(path) {
  mark("path " + path);
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
  const own = marks.get("path " + uri);
  if (own !== undefined) result += "-" + own;
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

/** What a purge asks for, or a sentence on what is wrong with it. */
function parsePurge(text) {
  const rule = 'the body must be {"path": "/…"}, {"prefix": "/…"} or {"all": true}';
  let wish;
  try {
    wish = JSON.parse(text || "");
  } catch (e) {
    return { problem: rule };
  }
  const names = wish !== null && typeof wish === "object" ? Object.keys(wish) : [];
  if (names.length !== 1) return { problem: rule };
  const kind = names[0];
  const value = wish[kind];
  if (kind === "all" && value === true) return { kind: kind };
  const isPath = typeof value === "string" && /^\/[^\s?#]*$/.test(value) && value.length <= 1024;
  if ((kind === "path" || kind === "prefix") && isPath) return { kind: kind, value: decode(value) };
  return { problem: rule + ', with a path of up to 1024 characters that begins with "/" and has no query' };
}

/** nginx matches decoded paths. */
function decode(path) {
  try {
    return decodeURIComponent(path);
  } catch (e) {
    return path;
  }
}

/** POST: forgets a path with all its variants, all paths with a prefix, or everything. */
function purge(r) {
  if (!isAllowed(r)) return reply(r, 403, { error: "A purge needs the token of this CDN as Authorization: Bearer …" });
  if (r.method !== "POST") return reply(r, 405, { error: "A purge is a POST." });
  const wish = parsePurge(r.requestText);
  if (wish.problem) return reply(r, 400, { error: wish.problem });
  if (wish.kind === "all") mark("all");
  else if (wish.kind === "path") forget(wish.value);
  else forgetPrefix(wish.value);
  return reply(r, 200, { region: r.variables.edge_region, edge: r.variables.hostname, purged: wish.value || "all" });
}

function forgetPrefix(prefix) {
  const marks = ngx.shared.marks;
  const known = marks.get("prefixes");
  const list = known === undefined ? [] : known.split("\n");
  // Each prefix costs every request a little: beyond some, forgetting everything is cheaper.
  if (list.indexOf(prefix) < 0 && list.length >= 50) {
    marks.clear();
    return mark("all");
  }
  mark("prefix " + prefix);
  if (list.indexOf(prefix) < 0) marks.set("prefixes", list.concat([prefix]).join("\n"));
}

const outcomes = ["HIT", "MISS", "EXPIRED", "REVALIDATED", "UPDATING", "STALE", "BYPASS"];

function numbers() {
  const counters = ngx.shared.counters;
  const result = {};
  outcomes.concat(["waits", "waited"]).forEach((name) => {
    result[name.toLowerCase()] = counters.get(name) || 0;
  });
  return result;
}

/** GET: what this edge has done so far. */
function status(r) {
  if (!isAllowed(r)) return reply(r, 403, { error: "The status needs the token of this CDN as Authorization: Bearer …" });
  return reply(r, 200, { region: r.variables.edge_region, edge: r.variables.hostname, counts: numbers() });
}

/** The same for Prometheus, inside the cluster only. */
function metrics(r) {
  const all = numbers();
  const lines = [
    "# HELP edge_requests_total Answers by what the cache did.",
    "# TYPE edge_requests_total counter",
  ];
  outcomes.forEach((name) => lines.push('edge_requests_total{cache="' + name.toLowerCase() + '"} ' + all[name.toLowerCase()]));
  lines.push("# HELP edge_origin_seconds Time until the origin's first byte.", "# TYPE edge_origin_seconds summary");
  lines.push("edge_origin_seconds_sum " + all.waited, "edge_origin_seconds_count " + all.waits);
  r.headersOut["Content-Type"] = "text/plain; version=0.0.4";
  r.return(200, lines.join("\n") + "\n");
}

export default {
  answer,
  cacheFile,
  cacheStatus,
  directives,
  fetched,
  generation,
  lifetime,
  metrics,
  parsePurge,
  purge,
  remainingVary,
  status,
};
