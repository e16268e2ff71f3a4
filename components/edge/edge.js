/**
 * What nginx cannot say in its own configuration, as njs runs it inside each edge: translating what the origin says for the
 * cache and back for the client, purging, and counting. njs knows less of the language than Node does, among others no
 * destructuring, no default parameters and no `for … of`.
 *
 * @see https://nginx.org/en/docs/njs/reference.html
 */
/* eslint-disable @typescript-eslint/no-unused-vars -- njs wants a name for every error that is caught */
import fs from "fs";

import purges from "./purges.js";
import rules from "./rules.js";

/** The bounds that nginx.conf sets, in seconds. */
function limits(r) {
  const v = r.variables;
  return {
    negativeSeconds: Number(v.edge_negative),
    maxStaleWhileRevalidateSeconds: Number(v.edge_max_swr),
    maxStaleIfErrorSeconds: Number(v.edge_max_sie),
  };
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
  const control = r.variables.edge_is_gone ? "no-store" : header(out, "Cache-Control");
  const vary = header(out, "Vary");
  const now = Date.now();
  const life = rules.lifetime(
    r.status,
    {
      // A page of a release that is on its way out would outlive it.
      cacheControl: isOfOtherRelease(r) ? "no-store" : control,
      expires: header(out, "Expires"),
      date: r.variables.upstream_http_date,
      age: header(out, "Age"),
      vary: vary,
      hasCookie: out["Set-Cookie"] !== undefined && out["Set-Cookie"].length > 0,
    },
    limits(r),
    now,
  );
  // 504 tells the half with the cache to show what it has, see nginx.conf; the gateway's error is 502 for everyone else.
  if (r.status >= 500 && isStaleAllowed(r, now)) r.status = 504;
  else if (r.status === 504) r.status = 502;
  out["X-Accel-Expires"] = String(life.fresh);
  const stale = [];
  if (life.whileRevalidate > 0) stale.push("stale-while-revalidate=" + life.whileRevalidate);
  if (life.ifError > 0) stale.push("stale-if-error=" + life.ifError);
  if (stale.length > 0) out["Cache-Control"] = stale.join(", ");
  else delete out["Cache-Control"];
  const others = rules.remainingVary(vary);
  if (others === "") delete out["Vary"];
  else out["Vary"] = others;
  delete out["Age"];
  out["X-Edge-Times"] = [Math.floor(now / 1000), life.fresh, life.age].join(" ");
  restore(out, "X-Edge-Cache-Control", control);
  // What has an encoding is not compressed: this one is none.
  if (/no-transform/i.test(control || "") && !out["Content-Encoding"]) out["Content-Encoding"] = "identity";
  restore(out, "X-Edge-Vary", vary);
}

function isOfOtherRelease(r) {
  const v = r.variables;
  const current = v.edge_release_header ? ngx.shared.marks.get("release") : undefined;
  const own = current === undefined ? undefined : header(r.headersOut, v.edge_release_header);
  return own !== undefined && own !== current && !purges.isKept(v.uri, v.edge_release_keep);
}

/** Once a second: which release the origin is. Another one than before makes pages of the one before unreachable. */
async function watch() {
  try {
    const reply = await ngx.fetch("http://127.0.0.1:8081/release");
    const current = reply.ok ? reply.headers.get("X-Edge-Release") : null;
    if (!current || current === ngx.shared.marks.get("release")) return;
    ngx.shared.marks.set("release", current);
    ngx.shared.marks.set("released", String(Date.now()));
  } catch (error) {
    // The origin is away, and so is any other release.
  }
}

/** The connections to the origin: new ones while replicas of an earlier release may still be there, else lasting ones. */
function upstream(r) {
  const released = Number(ngx.shared.marks.get("released") || 0);
  return r.headersIn["X-Edge-Probe"] || Date.now() - released < 30000 ? "origin_now" : "origin";
}

/**
 * Whether the cache holds an answer to this request that may be shown instead of an error: nginx heeds stale-if-error only
 * when a connection fails. Its files begin with a version and, in seconds, the ends of the freshness and of the times for
 * which it may be shown while it is revalidated and if there is an error.
 */
function isStaleAllowed(r, now) {
  if (r.headersIn["X-Edge-Outcome"] !== "EXPIRED") return false;
  let file;
  try {
    file = fs.openSync(rules.cacheFile(r.variables.edge_cache_folder, r.headersIn["X-Edge-Key"]), "r");
    const head = Buffer.alloc(32);
    fs.readSync(file, head, 0, 32, 0);
    return head.readUInt32LE(0) === 5 && now / 1000 < head.readUInt32LE(8) + head.readUInt32LE(24);
  } catch (error) {
    return false;
  } finally {
    if (file !== undefined) fs.closeSync(file);
  }
}

/** When the answer was fetched or last confirmed, in seconds. */
function confirmed(r, outcome, at, fresh, now) {
  if (outcome === "REVALIDATED") return now;
  if (now - at <= fresh) return at;
  // The origin has confirmed it since, or it is stale: nginx notes that in its file only.
  try {
    const v = r.variables;
    const key = v.edge_is_sliced ? v.edge_key + "|" + v.slice_range : v.edge_key;
    const file = rules.cacheFile(v.edge_cache_folder, key);
    return Math.floor(fs.statSync(file).mtimeMs / 1000);
  } catch (error) {
    return at;
  }
}

const fetchedNow = ["MISS", "EXPIRED"];
const fromCache = ["HIT", "STALE", "UPDATING", "REVALIDATED"];

/**
 * On the way to the client: says what the cache did. Most answers are hits, and each word that is asked of nginx costs: a hit
 * reads $edge_answer only.
 */
function answer(r) {
  const out = r.headersOut;
  // The edge, what the cache did, the method, how long it took, the length, and as fetched() has put them down the times.
  const words = r.variables.edge_answer.split(" ");
  const outcome = words[1];
  const isFromCache = fromCache.indexOf(outcome) >= 0;
  const status = r.status;
  let remaining;
  let isStored = false;
  if (words.length === 8) {
    const fresh = Number(words[6]);
    let age = Number(words[7]);
    isStored = fresh > 0 && outcome !== "";
    if (isFromCache) {
      const now = Math.floor(Date.now() / 1000);
      const resident = Math.max(0, now - confirmed(r, outcome, Number(words[5]), fresh, now));
      age += resident;
      remaining = fresh - resident;
    } else if (isStored) {
      remaining = fresh;
    }
    if (isStored || age > 0) out["Age"] = String(age);
  }
  const isAsked = outcome === "STALE" && !!r.variables.upstream_status;
  const own = rules.cacheStatus(words[0], outcome, status, remaining, isStored, words[2], isAsked);
  // A hit never saw the caches behind this one: what they said belongs to an earlier request.
  const before = isFromCache ? undefined : r.variables.upstream_http_cache_status;
  out["Cache-Status"] = before ? before + ", " + own : own;
  if (outcome === "" && words[2] !== "GET" && words[2] !== "HEAD" && status < 400) purges.forgetPath(r.variables.uri);
  const seconds = Number(words[3]);
  if (fetchedNow.indexOf(outcome) >= 0) {
    const v = r.variables;
    const tags = purges.tagsOf(v.upstream_http_surrogate_key).concat(purges.tagsOf(v.upstream_http_cache_tag));
    purges.note(v.uri, tags, Date.now() - 1000 * seconds);
  }
  count(outcome, status, seconds, words[2] === "HEAD" ? 0 : Number(words[4]));
  if (outcome !== "HIT") countWait(Number(r.variables.upstream_header_time));
}

function restore(out, name, value) {
  if (value) out[name] = value;
  else delete out[name];
}

const outcomes = ["HIT", "MISS", "EXPIRED", "REVALIDATED", "UPDATING", "STALE", "BYPASS"];
/** Upper bounds of the histogram, in seconds: the time until an answer begins. */
const bounds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counters of this edge: answers by what the cache did, their status and how long they took, and the bytes of them. */
function count(outcome, status, seconds, length) {
  const counters = ngx.shared.counters;
  let bucket = 0;
  while (bucket < bounds.length && seconds > bounds[bucket]) bucket += 1;
  counters.incr("requests " + (outcome || "BYPASS") + " " + status + " " + bucket, 1, 0);
  if (seconds > 0) counters.incr("seconds", seconds, 0);
  if (length > 0) counters.incr("bytes", length, 0);
}

/** The time that it waited for others. */
function countWait(seconds) {
  if (!(seconds >= 0)) return;
  ngx.shared.counters.incr("waits", 1, 0);
  ngx.shared.counters.incr("waited", seconds, 0);
}

function numbers() {
  const counters = ngx.shared.counters;
  const result = { waits: counters.get("waits") || 0, waited: counters.get("waited") || 0 };
  outcomes.forEach((name) => {
    result[name.toLowerCase()] = 0;
  });
  requests().forEach((one) => {
    result[one.cache] += one.count;
  });
  return result;
}

/** How many answers there were by what the cache did, their status, and the bound that their time was within. */
function requests() {
  return ngx.shared.counters.items(ngx.shared.counters.size()).reduce((found, item) => {
    const words = item[0].split(" ");
    if (words[0] === "requests")
      found.push({ cache: words[1].toLowerCase(), code: words[2], bucket: Number(words[3]), count: item[1] });
    return found;
  }, []);
}

/** GET: what this edge has done so far. */
function status(r) {
  if (!purges.isAllowed(r))
    return purges.reply(r, 403, { error: "The status needs the token of this CDN as Authorization: Bearer …" });
  return purges.reply(r, 200, { region: r.variables.edge_region, edge: r.variables.hostname, counts: numbers() });
}

/** The same for Prometheus, inside the cluster only. */
function metrics(r) {
  const counters = ngx.shared.counters;
  const value = (name) => counters.get(name) || 0;
  const region = 'region="' + r.variables.edge_region + '"';
  const lines = [];
  const about = (name, type, help) => lines.push("# HELP " + name + " " + help, "# TYPE " + name + " " + type);
  about("http_requests_total", "counter", "Requests answered, by status and by what the cache did.");
  const totals = {};
  const within = bounds.concat([0]).map(() => 0);
  requests().forEach((one) => {
    const labels = 'code="' + one.code + '",cache="' + one.cache + '",' + region;
    totals[labels] = (totals[labels] || 0) + one.count;
    within[one.bucket] += one.count;
  });
  Object.keys(totals).forEach((labels) => lines.push("http_requests_total{" + labels + "} " + totals[labels]));
  const histogram = "http_request_duration_seconds";
  about(histogram, "histogram", "Time until the answer begins.");
  let total = 0;
  bounds.concat(["+Inf"]).forEach((bound, index) => {
    total += within[index];
    lines.push(histogram + '_bucket{le="' + bound + '",' + region + "} " + total);
  });
  lines.push(histogram + "_sum{" + region + "} " + value("seconds"));
  lines.push(histogram + "_count{" + region + "} " + total);
  about("edge_body_bytes_total", "counter", "Bodies answered, before compression, as far as their length was known.");
  lines.push("edge_body_bytes_total{" + region + "} " + value("bytes"));
  about("edge_origin_seconds", "summary", "Time until the first byte of the origin, or of the shield.");
  lines.push("edge_origin_seconds_sum{" + region + "} " + value("waited"));
  lines.push("edge_origin_seconds_count{" + region + "} " + value("waits"));
  r.headersOut["Content-Type"] = "text/plain; version=0.0.4";
  r.return(200, lines.join("\n") + "\n");
}

export default {
  answer,
  fetched,
  generation: purges.generation,
  metrics,
  purge: purges.purge,
  status,
  upstream,
  watch,
};
