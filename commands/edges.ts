import * as http from "node:http";
import * as https from "node:https";

/** A region of a CDN, as `Cdn.locations` has it. */
export interface Location {
  readonly name: string;
  readonly url: string;
  /** Number of edges behind the URL. */
  readonly replicas: number;
  /** Whether the other regions fetch through this one. */
  readonly isShield?: boolean;
}

/** What the edges of one region have answered. */
export interface RegionAnswer<T> {
  readonly region: string;
  readonly expected: number;
  /** By the edge's name. */
  readonly edges: ReadonlyMap<string, T>;
  /** Seconds until the last one had answered, or until the time was over. */
  readonly seconds: number;
  /** Why there are not as many as expected. */
  readonly problem: string | undefined;
}

export interface EdgeRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly token: string;
  readonly body?: string;
}

/** Until then every edge has to have answered. */
export const deadlineMilliseconds = 5000;

/**
 * Asks every edge of every region the same: the shield first, since what it has still kept would come back to the others,
 * then all other regions at once. A region has one address, behind which a load balancer chooses an edge for each
 * connection: it is asked again until all edges have been met.
 */
export async function askAll<T extends { readonly edge: string }>(
  locations: readonly Location[],
  request: EdgeRequest,
  milliseconds = deadlineMilliseconds,
): Promise<RegionAnswer<T>[]> {
  const end = performance.now() + milliseconds;
  const answers = new Map<Location, RegionAnswer<T>>();
  for (const isShield of [true, false]) {
    const group = locations.filter((location) => (location.isShield ?? false) === isShield);
    // A shield that does not answer leaves the others half of the time.
    const left = Math.max(0, end - performance.now()) / (isShield ? 2 : 1);
    const found = await Promise.all(group.map((location) => askRegion<T>(location, request, left)));
    group.forEach((location, index) => answers.set(location, found[index]!));
  }
  return locations.map((location) => answers.get(location)!);
}

async function askRegion<T extends { readonly edge: string }>(
  { name, url, replicas }: Location,
  request: EdgeRequest,
  milliseconds: number,
): Promise<RegionAnswer<T>> {
  const started = performance.now();
  const edges = new Map<string, T>();
  const signal = AbortSignal.timeout(Math.ceil(milliseconds));
  let problem: string | undefined;
  let isRefused = false;
  const askOne = async (): Promise<void> => {
    try {
      const { status, body } = await send(url, request, signal);
      if (status === 200) {
        const answer = JSON.parse(body) as T;
        edges.set(answer.edge, answer);
      } else {
        problem = `HTTP ${status}: ${errorOf(body)}`;
        isRefused = status < 500 && status !== 429;
      }
    } catch (error) {
      if (!signal.aborted) problem = error instanceof Error ? error.message : String(error);
    }
  };
  while (edges.size < replicas && !isRefused && !signal.aborted) {
    await Promise.all(Array.from({ length: Math.min(20, 2 * replicas) }, askOne));
    if (edges.size < replicas && !isRefused) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const isWhole = edges.size >= replicas;
  const missing = edges.size === 0 ? "no edge answered" : `${edges.size} of ${replicas} edges answered`;
  return {
    region: name,
    expected: replicas,
    edges,
    seconds: (performance.now() - started) / 1000,
    problem: isWhole ? undefined : (problem ?? `${missing} within ${(milliseconds / 1000).toFixed(1)} s`),
  };
}

function errorOf(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return String(error ?? body);
  } catch {
    return body.slice(0, 200).trim();
  }
}

/** One request on a connection of its own. */
async function send(
  url: string,
  { method, path, token, body }: EdgeRequest,
  signal: AbortSignal,
): Promise<{ status: number; body: string }> {
  const client = url.startsWith("https:") ? https : http;
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    // The address of a region is seldom the name in its certificate; what is sent is a token that only opens the edges.
    const tls = client === https ? { rejectUnauthorized: false } : {};
    client
      .request(new URL(path, url), { method, headers, signal, agent: false, ...tls }, resolve)
      .on("error", reject)
      .end(body);
  });
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += String(chunk);
  return { status: response.statusCode ?? 0, body: text };
}
