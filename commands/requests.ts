import * as http from "node:http";
import * as https from "node:https";

/** What one request brought: who answered, or why it failed. */
export type Outcome =
  | { readonly kind: "answered"; readonly name: string; readonly region: string; readonly version: string }
  | { readonly kind: "failed"; readonly reason: string };

export interface LoadOptions {
  readonly url: string;
  readonly requests: number;
  readonly concurrency: number;
  /** Ends it early: requests under way are dropped, and not counted. */
  readonly signal?: AbortSignal;
  /** Called with each outcome; ends it early by returning false. */
  readonly onOutcome: (outcome: Outcome) => boolean;
}

const timeoutMilliseconds = 5000;
const longestAnswer = 64 * 1024;

/** Sends a number of requests, some at once, each on a connection of its own: a Service spreads connections. */
export async function load({ url, requests, concurrency, signal, onOutcome }: LoadOptions): Promise<void> {
  let left = requests;
  const work = async (): Promise<void> => {
    while (left > 0 && !signal?.aborted) {
      left--;
      const outcome = await request(url, signal);
      if (!signal?.aborted && !onOutcome(outcome)) left = 0;
    }
  };
  await Promise.all(Array.from({ length: Math.min(requests, concurrency) }, work));
}

/** Sends one request on a connection of its own, and never rejects. */
async function request(url: string, abort: AbortSignal | undefined): Promise<Outcome> {
  let late = false;
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const timer = setTimeout(() => {
    late = true;
    end();
  }, timeoutMilliseconds);
  // Taken off again below, unlike what AbortSignal.any leaves behind: a million requests share the one signal.
  abort?.addEventListener("abort", end);
  try {
    const { status, headers, body } = await get(url, ended.signal);
    if (status !== 200) return { kind: "failed", reason: `HTTP ${status}` };
    return identify(headers, body);
  } catch (error) {
    return { kind: "failed", reason: late ? "no answer within 5 s" : reasonOf(error) };
  } finally {
    clearTimeout(timer);
    abort?.removeEventListener("abort", end);
  }
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

async function get(url: string, signal: AbortSignal): Promise<Answer> {
  const client = url.startsWith("https:") ? https : http;
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    client
      .get(url, { agent: false, signal, headers: { Accept: "application/json", "User-Agent": "spread" } }, resolve)
      .on("error", reject);
  });
  let body = "";
  for await (const chunk of response.setEncoding("utf8")) {
    body += String(chunk);
    if (body.length > longestAnswer) throw new Error("answer is longer than 64 KiB");
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

/** Reads who answered from the headers, or from the JSON of an app that sets none. */
export function identify(headers: http.IncomingHttpHeaders, body: string): Outcome {
  const fields = parse(body);
  const find = (header: string, field: string): string | undefined => printable(headers[header] ?? fields[field]);
  const name = find("x-replica", "name");
  if (name === undefined) return { kind: "failed", reason: "answer names no replica" };
  const region = find("x-region", "region") ?? "-";
  const version = find("x-version", "version") ?? "-";
  return { kind: "answered", name, region, version };
}

function parse(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** What a server says ends up on a terminal: only what is text there, and not too much of it. */
function printable(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  return value.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, "").slice(0, 63) || undefined;
}

const reasons: Record<string, string> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "connection reset",
  ETIMEDOUT: "no connection in time",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  ENOTFOUND: "host name not found",
  EAI_AGAIN: "host name not found",
};

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? String(error.code) : "";
  return reasons[code] ?? (error.message || code);
}
