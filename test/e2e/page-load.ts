import { createHash } from "node:crypto";
import * as http from "node:http";
import { setTimeout as pause } from "node:timers/promises";

export interface PageReport {
  /** Pages that were loaded with all that they refer to. */
  readonly pages: number;
  readonly assets: number;
  /** Assets that were loaded by a tab whose page was no longer the newest. */
  readonly oldTabAssets: number;
  /** Requests for a page or an asset that were not answered with one, by status or error. */
  readonly missing: Readonly<Record<string, number>>;
  /** Assets of another release than that of their page. */
  readonly mixed: number;
  /** Pages by the release that they say they belong to. */
  readonly versions: Readonly<Record<string, number>>;
}

interface Page {
  readonly version: string;
  readonly assets: readonly string[];
}

/**
 * Loads a page over and over like browsers do: the page, what it refers to, and what that refers to. Half of the clients
 * keep up to six connections, the others make one for each request, so that each may reach another replica. One page of each
 * release stays open as a tab and loads all of its assets again and again, however old it is.
 */
export class PageLoad {
  readonly #url: string;
  readonly #work: Promise<unknown>;
  readonly #tabs = new Map<string, Page>();
  readonly #missing: Record<string, number> = {};
  readonly #versions: Record<string, number> = {};
  #counts = { pages: 0, assets: 0, oldTabAssets: 0, mixed: 0 };
  #newest = "";
  #stopped = false;

  constructor(url: string, clients = 4) {
    this.#url = url;
    this.#work = Promise.all(Array.from({ length: clients }, (_, index) => this.#client(index % 2 === 0)));
  }

  report(): PageReport {
    return { ...this.#counts, missing: { ...this.#missing }, versions: { ...this.#versions } };
  }

  async stop(): Promise<PageReport> {
    this.#stopped = true;
    await this.#work;
    return this.report();
  }

  async #client(keepAlive: boolean): Promise<void> {
    while (!this.#stopped) {
      const agent = keepAlive ? new http.Agent({ keepAlive: true, maxSockets: 6 }) : false;
      const page = await this.#open(agent);
      if (page !== undefined) await this.#load(page, agent);
      for (const tab of this.#tabs.values()) {
        if (tab.version !== this.#newest) await this.#load(tab, agent);
      }
      if (agent) agent.destroy();
      await pause(50);
    }
  }

  async #open(agent: http.Agent | false): Promise<Page | undefined> {
    const text = await this.#get("/", agent);
    if (text === undefined) return undefined;
    const [, version = "none"] = /<meta name="release" content="([^"]+)"/.exec(text) ?? [];
    const assets = [...text.matchAll(/"\.(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? "");
    const page = { version, assets };
    if (!this.#tabs.has(version)) this.#newest = version;
    this.#tabs.set(version, page);
    this.#versions[version] = (this.#versions[version] ?? 0) + 1;
    this.#counts.pages++;
    return page;
  }

  /** All assets of a page, those that are found at once side by side. */
  async #load(page: Page, agent: http.Agent | false): Promise<void> {
    const seen = new Set(page.assets);
    for (let next = [...seen]; next.length > 0;) {
      const texts = await Promise.all(next.map((path) => this.#asset(page, path, agent)));
      const found = texts.flatMap((text) =>
        [...text.matchAll(/"\.\/([\w.-]+\.\w+)"/g)].map(([, name]) => `/assets/${name}`),
      );
      next = [...new Set(found)].filter((path) => !seen.has(path));
      for (const path of next) seen.add(path);
    }
  }

  async #asset({ version }: Page, path: string, agent: http.Agent | false): Promise<string> {
    const text = await this.#get(path, agent);
    if (text === undefined) return "";
    this.#counts.assets++;
    if (version !== this.#newest) this.#counts.oldTabAssets++;
    // By its name, which is that of its content, and by the release that is written into it.
    const isNamed = path.split(".").at(-2) === createHash("sha256").update(text).digest("hex").slice(0, 16);
    const [, release = version] = /release (v\d+\.\d+\.\d+)/.exec(text) ?? [];
    if (!isNamed || release !== version) this.#counts.mixed++;
    return text;
  }

  /** The body; undefined, and counted, if there is none. */
  async #get(path: string, agent: http.Agent | false): Promise<string | undefined> {
    const url = new URL(path, this.#url);
    const what = path === "/" ? "page" : "asset";
    try {
      const { status, text } = await get(url, agent);
      if (status === 200) return text;
      this.#miss(`${what}: HTTP ${status}`);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      this.#miss(`${what}: ${code ?? message}`);
    }
    return undefined;
  }

  #miss(reason: string): void {
    this.#missing[reason] = (this.#missing[reason] ?? 0) + 1;
  }
}

function get(url: URL, agent: http.Agent | false): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { Accept: "text/html,*/*;q=0.8" };
    const request = http.get(url, { agent, headers, timeout: 10_000 }, (response) => {
      response
        .setEncoding("utf8")
        .toArray()
        .then((chunks: string[]) => resolve({ status: response.statusCode ?? 0, text: chunks.join("") }), reject);
    });
    request.on("timeout", () => request.destroy(new Error("no answer within 10 s"))).on("error", reject);
  });
}
