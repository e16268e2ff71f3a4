/** Reads `a, b;q=0.5` into a map of quality by lower-case name. */
function qualities(header = "") {
  const result = new Map();
  for (const item of header.split(",")) {
    const [name, ...parameters] = item.split(";").map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith("q="));
    if (name) result.set(name, quality === undefined ? 1 : Number(quality.slice(2)) || 0);
  }
  return result;
}

/**
 * Whether a client would rather have a page than JSON, as browsers say and curl does not.
 * @param {string | undefined} accept the Accept header
 */
export function prefersHtml(accept) {
  const given = qualities(accept);
  const quality = (type) => given.get(type) ?? given.get(`${type.split("/")[0]}/*`) ?? given.get("*/*") ?? 0;
  return quality("text/html") > quality("application/json");
}

/**
 * The best of the encodings at hand that a client accepts, or undefined for none of them.
 * @param {string | undefined} acceptEncoding the Accept-Encoding header
 * @param {readonly string[]} available best first
 */
export function chooseEncoding(acceptEncoding, available) {
  const given = qualities(acceptEncoding);
  return available.find((encoding) => (given.get(encoding) ?? given.get("*") ?? 0) > 0);
}

/**
 * Whether a client already has the representation with this entity tag.
 * @param {string | undefined} ifNoneMatch the If-None-Match header
 * @param {string} etag
 */
export function isCurrent(ifNoneMatch = "", etag) {
  // Weak comparison, as RFC 9110 wants it here: a proxy that recompresses marks the tag as weak.
  const tags = ifNoneMatch.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(etag);
}
