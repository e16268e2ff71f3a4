import { assetStore } from "./asset-store.js";
import { fileAnswer } from "./files.js";
import { Metrics } from "./metrics.js";
import { prefersHtml } from "./negotiate.js";
import { hasCounter } from "./settings.js";
import { Store } from "./store.js";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { setTimeout as after } from "node:timers/promises";

/** Nothing here takes a body; what is small is read and dropped, for more the connection is not worth keeping. */
const longestBody = 16 * 1024;

/** How long a connection that was made just before the end may take to say what it wants. */
const lastWordsMilliseconds = 1000;

const quiet = new Set(["/healthz", "/readyz", "/metrics"]);

const limits = {
  // Longer than the 60 s after which load balancers usually drop an idle connection, so that it is never this side that
  // closes one which the other side is about to use.
  keepAliveTimeout: 75_000,
  headersTimeout: 15_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16 * 1024,
};

const security = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/**
 * The web service: an HTTP server, and the way to end it without losing a request.
 * @param {ReturnType<typeof import("./settings.js").readSettings>} settings
 * @param {Map<string, object>} files the built front end by path
 * @param {(level: string, msg: string, fields?: object) => void} log
 */
export function createService(settings, files, log) {
  const { name, pod, region, version } = settings;
  const metrics = new Metrics(settings);
  const silent = new Set();
  const opened = new WeakMap();
  let draining = false;
  const store = settings.storeUrl === "" ? undefined : new Store(settings, log);
  const askAssetStore = assetStore(settings.assetStoreUrl);
  let greetings = 0;

  const greet = async (more) => {
    greetings++;
    const counter = hasCounter(version) ? await count() : {};
    return json(200, { hello: "world", name, ...counter, ...more }, { Vary: "Accept" });
  };
  // Of all replicas together where there is a store, otherwise of this one. A greeting is worth more than its number.
  const count = () =>
    store === undefined
      ? { counter: greetings }
      : store.increment("counter").then(
          (counter) => ({ counter }),
          () => ({ store: "unavailable" }),
        );
  const routes = {
    "/": ({ headers }) =>
      prefersHtml(headers.accept) ? fileAnswer(files.get("/index.html"), headers, { page: true }) : greet(),
    "/api": () => greet({ replica: name, region, version, pod }),
    "/healthz": () => json(200, { status: "ok" }),
    "/readyz": () => (draining ? json(503, { status: "draining" }) : json(200, { status: "ready" })),
    "/version": () => json(200, { version, name, region, pod }),
    "/metrics": () => ({
      status: 200,
      headers: { "Content-Type": "text/plain; version=0.0.4; charset=utf-8", "Cache-Control": "no-store" },
      body: metrics.text(),
    }),
    "/slow": slow,
  };

  async function answer(request, path, query) {
    if (Number(request.headers["content-length"]) > longestBody) {
      return json(413, { error: `A request's body must be at most ${longestBody} bytes.` });
    }
    const file = path.startsWith("/assets/") ? files.get(path) : undefined;
    const route = file ? () => fileAnswer(file, request.headers) : Object.hasOwn(routes, path) && routes[path];
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (route && !isRead) {
      return json(405, { error: `${request.method} is not allowed here, only GET and HEAD.` }, { Allow: "GET, HEAD" });
    }
    if (route) return route(request, query);
    const other = isRead ? await otherAsset(path, request.headers) : undefined;
    return other ?? json(404, { error: `There is nothing at ${path}.` });
  }

  /** What another release has; undefined if no release has it. */
  async function otherAsset(path, headers) {
    try {
      const found = await askAssetStore(path, headers);
      return found?.status === 404 ? undefined : found;
    } catch (error) {
      log("warn", "asset store lost", { error: error.message });
      // Not a 404: that would say that there is no such asset, and caches would believe it.
      return json(503, { error: "The asset store does not answer." });
    }
  }

  async function serve(request, response) {
    const started = performance.now();
    const { path, query } = target(request.url);
    const requestId = wellFormed(request.headers["x-request-id"]) ?? randomUUID();
    silent.delete(request.socket);

    response.once("close", () => {
      const milliseconds = performance.now() - started;
      // 499 is what nginx calls a client that has gone before its answer.
      const status = response.writableFinished ? response.statusCode : 499;
      if (quiet.has(path) && status < 400) return;
      metrics.observe(request.method, status, milliseconds / 1000);
      const durationMs = Math.round(milliseconds * 1000) / 1000;
      const fields = { method: request.method, path, status, durationMs, requestId };
      log(status >= 500 ? "error" : "info", "request", fields);
    });

    let result;
    try {
      result = await answer(request, path, query);
    } catch (error) {
      log("error", "failed", { requestId, error: error.stack });
      result = json(500, { error: "The service failed; its log says why." });
    }
    const { status, headers, body } = result;
    const identity = { "X-Request-Id": requestId, "X-Replica": name, "X-Region": region, "X-Version": version };
    // A connection stays with its replica: clients that never close one would never see another replica, nor a release that
    // the traffic has moved to while this one still runs.
    const isOld = performance.now() - opened.get(request.socket) > settings.connectionSeconds * 1000;
    const isLast = draining || isOld || query.has("close") || hasUnboundedBody(request);
    const closing = isLast ? { Connection: "close" } : {};
    const length = body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) };
    response.writeHead(status, { ...security, ...identity, ...headers, ...length, ...closing }).end(body);
  }

  const server = createServer(limits, serve);
  server.on("connection", (socket) => {
    silent.add(socket);
    opened.set(socket, performance.now());
    socket.once("close", () => silent.delete(socket));
  });

  /**
   * Ends the service: says that it is not ready, serves on until nobody sends requests here any more, then finishes what
   * is running. The order and the reasons are those of every Kubernetes rolling update: endpoints are removed while
   * the process is already told to stop.
   */
  async function drain() {
    draining = true;
    await after(settings.drainSeconds * 1000);
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    // Node counts a connection that has not sent anything yet as active: without this, one would hold up the end.
    setTimeout(() => silent.forEach((socket) => socket.destroy()), lastWordsMilliseconds).unref();
    await closed;
    store?.close();
  }

  return { server, drain };
}

function json(status, value, headers = {}) {
  return {
    status,
    headers: { "Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store", ...headers },
    body: JSON.stringify(value),
  };
}

/** Answers late on purpose: for watching a request outlive the release that it was sent to. */
async function slow(_request, query) {
  const text = query.get("seconds") ?? "1";
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!(seconds <= 30)) {
    return json(400, { error: `seconds must be a number from 0 to 30, got ${JSON.stringify(text)}.` });
  }
  await after(seconds * 1000);
  return json(200, { slept: seconds });
}

/** The path and query of a request, whose target is a whole URL if it came by a forward proxy. */
function target(url) {
  const [path, query] = (url.startsWith("/") ? url : url.replace(/^[a-z]+:\/\/[^/?]*/i, "")).split("?", 2);
  return { path: path || "/", query: new URLSearchParams(query) };
}

function wellFormed(id) {
  return id !== undefined && /^[A-Za-z0-9._-]{1,128}$/.test(id) ? id : undefined;
}

function hasUnboundedBody({ headers }) {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"]) > longestBody;
}
