/** The app's real replicas on this machine, without a cluster, behind a balancer that a test can turn off. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { repository } from "../../local/paths.ts";

/** One replica, as a process of its own. */
async function startReplica(region: string, version: string): Promise<{ process: ChildProcess; port: number }> {
  const env = { PORT: "0", DRAIN_SECONDS: "0", REGION: region, VERSION: version };
  const child = spawn(process.execPath, [join(repository, "app/server.js")], { env, stdio: ["ignore", "pipe", 2] });
  for await (const line of createInterface({ input: child.stdout! })) {
    const { msg, port } = JSON.parse(line) as { msg: string; port?: number };
    if (msg !== "listening" || port === undefined) continue;
    child.stdout!.resume();
    return { process: child, port };
  }
  throw new Error("the replica has ended before it listened");
}

export class Site {
  /** Ports of the replicas that get requests, each as likely as the other. */
  replicas: number[] = [];
  /** Answers to the service's requests fail, as those of an edge do that still has the page and has lost its origin. */
  isOriginDown = false;
  port = 0;
  readonly #processes: ChildProcess[] = [];
  #server = http.createServer();

  static async start(): Promise<Site> {
    const site = new Site();
    await site.open();
    return site;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** Starts a replica per region, and gives their ports. */
  async release(version: string, regions: readonly string[]): Promise<number[]> {
    const started = await Promise.all(regions.map((region) => startReplica(region, version)));
    this.#processes.push(...started.map((replica) => replica.process));
    return started.map(({ port }) => port);
  }

  /** Listens, again on the same port if it has listened before. */
  async open(): Promise<void> {
    this.#server = http.createServer((request, response) => this.#forward(request, response));
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = (this.#server.address() as AddressInfo).port;
  }

  /** Refuses connections. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  stop(): void {
    this.close();
    for (const child of this.#processes) child.kill("SIGKILL");
  }

  #forward(request: http.IncomingMessage, response: http.ServerResponse): void {
    if (this.isOriginDown && request.url?.startsWith("/api")) {
      response.writeHead(502).end();
      return;
    }
    const port = this.replicas[Math.floor(Math.random() * this.replicas.length)];
    const { method, url, headers } = request;
    const forwarded = http.request({ port, method, path: url, headers, agent: false }, (answer) => {
      const cacheStatus = url?.startsWith("/api") ? "edge-eu; fwd=uri-miss; fwd-status=200" : "edge-eu; hit; ttl=4";
      response.writeHead(answer.statusCode!, { ...answer.headers, "cache-status": cacheStatus });
      answer.pipe(response);
    });
    forwarded.on("error", () => response.destroy());
    forwarded.end();
  }
}
