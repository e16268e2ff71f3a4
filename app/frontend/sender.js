const timeoutMilliseconds = 10_000;

/**
 * Asks the service who answers. A Service spreads connections and not requests, so each request asks for the connection
 * to be closed after it: on one that is kept, the same replica would answer for ever.
 * @param {"answer" | "page"} what the answer, which no cache keeps, or the page, which caches keep for a few seconds
 * @returns {Promise<{name: string, region: string, version: string, cache: string | null, milliseconds: number}>}
 */
export async function ask(what = "answer") {
  const started = performance.now();
  const response =
    what === "page"
      ? await get("./?close", { headers: { Accept: "text/html" } })
      : await get("./api?close", { headers: { Accept: "application/json" } });
  const milliseconds = performance.now() - started;
  const { headers } = response;
  const name = headers.get("X-Replica");
  // Some other server, such as a proxy's page for errors.
  if (name === null) throw new Error("an answer that names no replica");
  const from = { name, region: headers.get("X-Region") ?? "?", version: headers.get("X-Version") ?? "?" };
  return { ...from, cache: headers.get("Cache-Status"), milliseconds };
}

/** What the cache, if there is one, says about this page itself. */
export async function askPageCache() {
  const response = await get("./", { method: "HEAD", headers: { Accept: "text/html" } });
  return response.headers.get("Cache-Status");
}

/** A whole answer, read to its end. */
async function get(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.timeout(timeoutMilliseconds) });
    await response.arrayBuffer();
  } catch (error) {
    throw new Error(error.name === "TimeoutError" ? "no answer within 10 s" : "no connection", { cause: error });
  }
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response;
}

/**
 * Calls `send` a number of times, a few at once.
 * @param {number} count
 * @param {() => Promise<unknown>} send never rejects
 */
export async function burst(count, send) {
  let left = count;
  const work = async () => {
    while (left-- > 0) await send();
  };
  // Browsers open six connections to a host at most: more at once would only add their waiting time to the latency.
  await Promise.all(Array.from({ length: 6 }, work));
}

/**
 * Calls `send` steadily until told to stop.
 * @param {number} perSecond
 * @param {() => Promise<unknown>} send never rejects
 * @returns {() => void} stops it
 */
export function steadily(perSecond, send) {
  let running = 0;
  const timer = setInterval(async () => {
    // What is not answered in time is not added to for ever.
    if (running >= 6) return;
    running++;
    await send();
    running--;
  }, 1000 / perSecond);
  return () => clearInterval(timer);
}
