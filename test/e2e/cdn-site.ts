/** An origin that tests can steer, and a CDN of their own in front of it, on the local cluster. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as k8s from "@pulumi/kubernetes";
import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation/index.js";

import { Cdn } from "../../components/cdn.ts";
import type { CdnArgs, CdnLocation } from "../../components/cdn.ts";
import type { NameServer } from "../../components/cdn-dns.ts";
import { edgeImage, seedEdgeImage } from "../../local/images.ts";
import { network } from "../../local/paths.ts";

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string;
  readonly agent?: http.Agent;
  readonly localAddress?: string;
  /** @default 15000 */
  readonly timeoutMilliseconds?: number;
}

/** One request on a connection of its own, its answer as it comes over the wire. */
export async function ask(
  url: string,
  { method = "GET", headers = {}, body, agent, localAddress, timeoutMilliseconds = 15_000 }: AskOptions = {},
): Promise<Answer> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const timeout = timeoutMilliseconds;
    const options = { method, headers, agent: agent ?? false, timeout, ...(localAddress && { localAddress }) };
    const request = http.request(url, options, resolve).on("error", reject);
    request.on("timeout", () => request.destroy(new Error(`no answer within ${timeout / 1000} s`))).end(body);
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks).toString("latin1"),
  };
}

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** A web server on the host, which pods reach; it counts what it is asked. */
export class Origin {
  readonly requests: { readonly method: string; readonly url: string; readonly headers: http.IncomingHttpHeaders }[] =
    [];
  readonly #handlers = new Map<string, Handler>();
  #server: http.Server | undefined;
  #port = 0;

  async start(): Promise<void> {
    this.#server = http.createServer((request, response) => {
      const { method = "", url = "", headers } = request;
      this.requests.push({ method, url, headers });
      const handler = this.#handlers.get(url.split("?")[0]!);
      if (handler) handler(request, response);
      else response.writeHead(404).end("nothing here");
    });
    this.#server.keepAliveTimeout = 60_000;
    await new Promise<void>((resolve) => this.#server!.listen(this.#port, network.host, resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server!.close(resolve));
    this.#server!.closeAllConnections();
    await closed;
  }

  get url(): string {
    return `http://${network.host}:${this.#port}`;
  }

  /** Answers a new path, which nobody has asked for yet, with these headers: its path. */
  serve(headers: http.OutgoingHttpHeaders, body: string | Handler = "content", status = 200): string {
    const path = `/${randomUUID()}`;
    this.at(path, headers, body, status);
    return path;
  }

  at(path: string, headers: http.OutgoingHttpHeaders, body: string | Handler = "content", status = 200): void {
    this.#handlers.set(
      path,
      typeof body === "string" ? (_, response) => response.writeHead(status, headers).end(body) : body,
    );
  }

  /** How often a path was asked for, by whatever query. */
  count(path: string): number {
    return this.requests.filter(({ url }) => url.split("?")[0] === path).length;
  }

  last(path: string): http.IncomingHttpHeaders {
    return this.requests.findLast(({ url }) => url.split("?")[0] === path)!.headers;
  }
}

/** Arguments but for what the stack has already; a function makes resources that are among them. */
type SiteArgs = Omit<CdnArgs, "namespace" | "image">;

/** A stack with nothing but a namespace and a CDN. */
export class CdnSite {
  readonly namespace = `cdn-${randomUUID().slice(0, 8)}`;
  readonly #folder = mkdtempSync(join(tmpdir(), "cdn-e2e-"));
  #stack: Stack | undefined;
  locations: readonly CdnLocation[] = [];
  token = "";
  nameServers: readonly NameServer[] = [];

  /** Makes it, or changes it; `tls` is a certificate and its key. */
  async up(args: SiteArgs | (() => SiteArgs), tls?: { cert: string; key: string }): Promise<void> {
    await seedEdgeImage();
    const program = async () => {
      const place = new k8s.core.v1.Namespace(this.namespace, {
        metadata: { name: this.namespace, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
      });
      const namespace = place.metadata.name;
      const secret =
        tls &&
        new k8s.core.v1.Secret("tls", {
          metadata: { namespace },
          type: "kubernetes.io/tls",
          stringData: { "tls.crt": tls.cert, "tls.key": tls.key },
        });
      const tlsSecretName = secret?.metadata.name;
      const cdn = new Cdn("meridian", {
        image: edgeImage,
        ...(typeof args === "function" ? args() : args),
        namespace,
        tlsSecretName,
      });
      return { locations: cdn.locations, token: cdn.token, nameServers: cdn.nameServers };
    };
    const backend = { url: `file://${this.#folder}` };
    this.#stack = await LocalWorkspace.createOrSelectStack(
      { stackName: "e2e", projectName: "cdn-e2e", program },
      {
        envVars: { PULUMI_BACKEND_URL: backend.url, PULUMI_CONFIG_PASSPHRASE: "e2e" },
        projectSettings: { name: "cdn-e2e", runtime: "nodejs", backend },
      },
    );
    const { outputs } = await this.#stack.up();
    this.locations = outputs["locations"]!.value as CdnLocation[];
    this.token = outputs["token"]!.value as string;
    this.nameServers = outputs["nameServers"]!.value as NameServer[];
  }

  url(region: string): string {
    return this.locations.find(({ name }) => name === region)!.url;
  }

  /** The names of the providers that have made the CDN's Deployments, by region. */
  async providers(): Promise<Record<string, string>> {
    const { deployment } = await this.#stack!.exportStack();
    const { resources } = deployment as { resources: { urn: string; type: string; provider: string }[] };
    const made = resources.filter(({ type }) => type === "kubernetes:apps/v1:Deployment");
    return Object.fromEntries(
      made.map(({ urn, provider }) => [urn.split("::meridian-").at(-1)!, provider.split("::").at(-2)!]),
    );
  }

  async remove(): Promise<void> {
    await this.#stack?.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
