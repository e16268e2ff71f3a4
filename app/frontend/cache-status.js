const words = {
  "uri-miss": "miss",
  "vary-miss": "miss",
  miss: "miss",
  stale: "expired, asked the origin",
  bypass: "not for caches",
  method: "not for caches",
  request: "asked past the cache",
  partial: "part of it",
};

/**
 * What the cache nearest to this browser did, in few words, as its Cache-Status (RFC 9211) says.
 * @param {string | null} header
 * @returns {string}
 */
export function cacheOutcome(header) {
  if (!header) return "no cache";
  // Caches follow each other as they are passed on the way back: the last one is the nearest. Names may be quoted.
  const nearest = header.match(/(?:"(?:\\.|[^"])*"|[^,"])+/g).at(-1);
  const [name, ...parameters] = nearest.match(/(?:"(?:\\.|[^"])*"|[^;"])+/g).map((part) => part.trim());
  const value = (key) => parameters.find((parameter) => parameter.startsWith(`${key}=`))?.slice(key.length + 1);
  if (parameters.includes("hit")) return `${name}: ${Number(value("ttl")) < 0 ? "hit, stale" : "hit"}`;
  const forwarded = value("fwd");
  return `${name}: ${Object.hasOwn(words, forwarded) ? words[forwarded] : "unknown"}`;
}
