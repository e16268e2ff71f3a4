/**
 * HTTP to the API server.
 *
 * `@kubernetes/client-node` takes half a second of processor time to load, nearly all of it for models of every kind,
 * which are not used here. So certificates, tokens and passwords are handed to Node's TLS directly, and the library is
 * loaded for what is more than that: credential plug-ins (`exec`), OpenID Connect, proxies.
 */
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { isBag, type Bag, type Value } from "../serve.ts";
import { ApiError, Unreachable } from "./errors.ts";
import type { Target } from "./kubeconfig.ts";

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: Value;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
}

export class Client {
  readonly target: Target;
  #options: Promise<https.RequestOptions> | undefined;

  constructor(target: Target) {
    this.target = target;
  }

  /** Sends a request and gives the object that it returns; throws {@link ApiError} or {@link Unreachable}. */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<Bag> {
    const text = await this.text(method, path, options);
    const body: unknown = JSON.parse(text);
    return isBag(body) ? body : {};
  }

  /** The same for answers that are no JSON, such as logs. */
  async text(method: string, path: string, options: RequestOptions = {}): Promise<string> {
    const response = await this.#send(method, path, options);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response) chunks.push(chunk as Buffer);
    } catch (error) {
      throw this.#unreachable(error, options.signal);
    }
    const text = Buffer.concat(chunks).toString("utf8");
    const status = response.statusCode ?? 0;
    if (status === 401) throw new Unreachable(this.target.server, "the credentials of the kubeconfig are refused");
    if (status >= 400) throw new ApiError(status, parseOr(text));
    return text;
  }

  /** Calls back for every change of what the path selects, until the server or the signal ends it. */
  async watch(path: string, query: Record<string, string>, signal: AbortSignal, onChange: () => void): Promise<void> {
    const response = await this.#send("GET", path, { query: { ...query, watch: "1" }, signal });
    if ((response.statusCode ?? 0) >= 400) {
      response.resume();
      return;
    }
    // What has happened before the watch began is not told by it.
    onChange();
    for await (const chunk of response) if (String(chunk).includes("\n")) onChange();
  }

  async #send(method: string, path: string, options: RequestOptions): Promise<http.IncomingMessage> {
    const url = new URL(this.target.server + path);
    for (const [key, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, value);
    }
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    this.#options ??= connectionOptions(this.target);
    const connection = await this.#options.catch((error: unknown) => {
      this.#options = undefined;
      throw this.#unreachable(error, undefined);
    });
    const request = (url.protocol === "http:" ? http : https).request(url, {
      ...connection,
      method,
      headers: {
        ...(connection.headers as http.OutgoingHttpHeaders | undefined),
        accept: "application/json",
        "user-agent": "pulumi-kubernetes-stand-in",
        ...(body === undefined
          ? {}
          : { "content-type": options.contentType ?? "application/json", "content-length": Buffer.byteLength(body) }),
      },
      ...(options.signal ? { signal: options.signal } : {}),
    });
    return new Promise((resolve, reject) => {
      request.on("response", resolve);
      request.on("error", (error) => reject(this.#unreachable(error, options.signal)));
      request.end(body);
    });
  }

  #unreachable(error: unknown, signal: AbortSignal | undefined): Error {
    if (signal?.aborted) return signal.reason instanceof Error ? signal.reason : new Error("cancelled");
    if (error instanceof Unreachable || error instanceof ApiError) return error;
    const { code, message } = error as NodeJS.ErrnoException;
    return new Unreachable(this.target.server, code ?? message);
  }
}

/** How to reach the target: TLS material, credentials, keep-alive. */
async function connectionOptions({ server, cluster, user }: Target): Promise<https.RequestOptions> {
  if (user["exec"] || user["auth-provider"] || cluster["proxy-url"]) return libraryOptions(cluster, user);
  const material = (data: string, file: string, from: Bag): Buffer | undefined => {
    const given = from[data];
    const path = from[file];
    if (typeof given === "string" && given !== "") return Buffer.from(given, "base64");
    return typeof path === "string" && path !== "" ? readFileSync(path) : undefined;
  };
  const plain = server.startsWith("http:");
  const agent = plain
    ? new http.Agent({ keepAlive: true })
    : new https.Agent({
        keepAlive: true,
        ca: material("certificate-authority-data", "certificate-authority", cluster),
        cert: material("client-certificate-data", "client-certificate", user),
        key: material("client-key-data", "client-key", user),
        rejectUnauthorized: cluster["insecure-skip-tls-verify"] !== true,
        ...(typeof cluster["tls-server-name"] === "string" ? { servername: cluster["tls-server-name"] } : {}),
      });
  const token =
    user["token"] || (typeof user["tokenFile"] === "string" && readFileSync(user["tokenFile"], "utf8").trim());
  const headers: http.OutgoingHttpHeaders = {};
  if (token) headers["authorization"] = `Bearer ${String(token)}`;
  else if (user["username"]) {
    headers["authorization"] =
      "Basic " + Buffer.from(`${String(user["username"])}:${String(user["password"])}`).toString("base64");
  }
  return { agent, headers };
}

async function libraryOptions(cluster: Bag, user: Bag): Promise<https.RequestOptions> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromString(
    JSON.stringify({
      "current-context": "this",
      clusters: [{ name: "this", cluster }],
      users: [{ name: "this", user }],
      contexts: [{ name: "this", context: { cluster: "this", user: "this" } }],
    }),
  );
  const options: https.RequestOptions = { headers: {} };
  await config.applyToHTTPSOptions(options);
  return options;
}

function parseOr(text: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch {
    return text;
  }
}
