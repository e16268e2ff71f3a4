import * as http from "node:http";
import { setTimeout as pause } from "node:timers/promises";

/** What a client does with its connections: one for each request, one for all, or one for a request that takes long. */
export type Client = "fresh" | "keepAlive" | "slow";

export interface SteadyLoadOptions {
  /** Where requests go; with several addresses, each client has one of them. */
  readonly url: string | readonly string[];
  /** The kind of answer that is asked for. @default "application/json" */
  readonly accept?: string;
  /** The host name that is asked for, where the url names an address that many share. @default - the url's */
  readonly host?: string;
  /** Requests per second on connections of their own. @default 100 */
  readonly freshPerSecond?: number;
  /** Requests per second on connections that stay open. @default 100 */
  readonly keepAlivePerSecond?: number;
  /** Clients of each of the two kinds; each sends one request at a time. @default 10 */
  readonly clients?: number;
  /** Seconds that the answer to a slow request takes; one is sent every second. @default - no slow requests */
  readonly slowSeconds?: number;
  /** Requests after which the load ends by itself. @default 1,000,000 */
  readonly most?: number;
}

/** What happened in one second of the load. */
export interface Second {
  readonly versions: Record<string, number>;
  readonly regions: Record<string, number>;
  /** What a CDN has done: `fresh` and `stale` answers come from its cache, the others from the `origin`. */
  readonly caches: Record<string, number>;
  failed: number;
}

export interface LoadReport {
  readonly requests: number;
  readonly failed: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly clients: Readonly<Record<Client, number>>;
  readonly versions: Readonly<Record<string, number>>;
  /**
   * Answers by a version that is older than one seen before: by anyone before the request was sent (fresh), or by the same
   * client (keepAlive).
   */
  readonly backwards: Readonly<Record<"fresh" | "keepAlive", number>>;
  readonly seconds: readonly Second[];
}

interface Answer {
  readonly version: string;
  readonly region: string;
  readonly cache: string;
}

/** Requests at a steady rate until it is stopped: each of them answered, or counted with the reason why not. */
export class SteadyLoad {
  readonly #options: SteadyLoadOptions;
  readonly #began = performance.now();
  readonly #work: Promise<unknown>;
  readonly #seconds: Second[] = [];
  readonly #failures: Record<string, number> = {};
  readonly #clients = { fresh: 0, keepAlive: 0, slow: 0 };
  readonly #backwards = { fresh: 0, keepAlive: 0 };
  #newest = { version: "", at: Infinity };
  #sent = 0;
  #stopped = false;

  constructor(options: SteadyLoadOptions) {
    this.#options = options;
    const { freshPerSecond = 100, keepAlivePerSecond = 100, clients = 10, slowSeconds } = options;
    const many = (client: "fresh" | "keepAlive", perSecond: number): Promise<void>[] =>
      perSecond > 0
        ? Array.from({ length: clients }, (_, index) => this.#client(client, index, (1000 * clients) / perSecond))
        : [];
    this.#work = Promise.all([
      ...many("fresh", freshPerSecond),
      ...many("keepAlive", keepAlivePerSecond),
      ...(slowSeconds === undefined ? [] : [this.#slow(slowSeconds)]),
    ]);
  }

  /** Counts so far, also while requests are under way. */
  report(): LoadReport {
    const versions: Record<string, number> = {};
    for (const second of this.#seconds) {
      for (const [version, count] of Object.entries(second.versions)) add(versions, version, count);
    }
    const failed = Object.values(this.#failures).reduce((sum, count) => sum + count, 0);
    const answered = Object.values(versions).reduce((sum, count) => sum + count, 0);
    const [failures, clients, backwards] = [{ ...this.#failures }, { ...this.#clients }, { ...this.#backwards }];
    return { requests: answered + failed, failed, failures, clients, versions, backwards, seconds: this.#seconds };
  }

  /** Sends no more requests, and waits for the answers to those that are under way. */
  async stop(): Promise<LoadReport> {
    this.#stopped = true;
    await this.#work;
    return this.report();
  }

  /** Sends one request after the other, so that what it is told can be put in order. */
  async #client(client: "fresh" | "keepAlive", index: number, interval: number): Promise<void> {
    const url = this.#url(index);
    const agent = client === "keepAlive" ? new http.Agent({ keepAlive: true, maxSockets: 1 }) : false;
    let newest = "";
    // Clients do not all start at once.
    let next = performance.now() + Math.random() * interval;
    while (this.#mayGoOn()) {
      await pause(Math.max(0, next - performance.now()));
      next = Math.max(next + interval, performance.now());
      const sent = performance.now();
      const version = await this.#request(client, url, agent, 10_000);
      if (version === undefined) continue;
      if (client === "keepAlive") {
        if (isOlder(version, newest)) this.#backwards.keepAlive++;
        else newest = version;
      } else if (isOlder(version, this.#newest.version)) {
        if (sent > this.#newest.at) this.#backwards.fresh++;
      } else if (version !== this.#newest.version) {
        this.#newest = { version, at: performance.now() };
      }
    }
    if (agent) agent.destroy();
  }

  async #slow(seconds: number): Promise<void> {
    const running: Promise<unknown>[] = [];
    while (this.#mayGoOn()) {
      const url = new URL(`/slow?seconds=${seconds}`, this.#url(0)).href;
      running.push(this.#request("slow", url, false, (seconds + 10) * 1000));
      await pause(1000);
    }
    await Promise.all(running);
  }

  #url(index: number): string {
    const urls = [this.#options.url].flat();
    return urls[index % urls.length] ?? "";
  }

  #mayGoOn(): boolean {
    return !this.#stopped && this.#sent < (this.#options.most ?? 1_000_000);
  }

  /** Counts what the request brings, and returns the version that answered. */
  async #request(client: Client, url: string, agent: http.Agent | false, timeout: number): Promise<string | undefined> {
    this.#sent++;
    this.#clients[client]++;
    try {
      const { version, region, cache } = await get(url, this.#options, agent, timeout);
      const second = this.#now();
      add(second.caches, cache);
      add(second.versions, version);
      add(second.regions, region);
      return version;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      add(this.#failures, `${client}: ${code ?? message}`);
      this.#now().failed++;
      return undefined;
    }
  }

  #now(): Second {
    const index = Math.floor((performance.now() - this.#began) / 1000);
    while (this.#seconds.length <= index) this.#seconds.push({ versions: {}, regions: {}, caches: {}, failed: 0 });
    return this.#seconds[index]!;
  }
}

/** Without a body in between: a load generator must not be what is slow. */
function get(url: string, options: SteadyLoadOptions, agent: http.Agent | false, timeout: number): Promise<Answer> {
  const { host, accept = "application/json" } = options;
  return new Promise((resolve, reject) => {
    const headers = { Accept: accept, ...(host !== undefined && { Host: host }) };
    const request = http.get(url, { agent, headers }, (response) => {
      response.on("error", reject).on("close", () => {
        clearTimeout(timer);
        if (!response.complete) reject(new Error("answer broke off"));
      });
      response.on("end", () => {
        const header = (name: string): string => String(response.headers[name] ?? "-");
        const cache = cacheOf(header("cache-status"));
        if (response.statusCode === 200) resolve({ version: header("x-version"), region: header("x-region"), cache });
        else reject(new Error(`HTTP ${response.statusCode}`));
      });
      response.resume();
    });
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeout / 1000} s`)), timeout);
    request.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

/** Where an answer comes from, by its `Cache-Status` (RFC 9211): the cache nearest to the client is named last. */
export function cacheOf(status: string): "fresh" | "stale" | "origin" {
  const nearest = status.split(",").at(-1) ?? "";
  if (!/; *hit\b/.test(nearest)) return "origin";
  return /; *ttl=-/.test(nearest) ? "stale" : "fresh";
}

function add(counts: Record<string, number>, key: string, count = 1): void {
  counts[key] = (counts[key] ?? 0) + count;
}

/** Whether a version such as v0.0.9 comes before another such as v0.0.10. */
function isOlder(version: string, other: string): boolean {
  return version.localeCompare(other, "en", { numeric: true }) < 0;
}
