/** The few calls to a registry's HTTP interface that are needed: is an image there, and delete it. */

import type { Registry } from "./inputs.ts";
import { isLoopback, parseReference } from "./reference.ts";

/** What became of a call: `unreachable` says nothing about the image. */
export type Answer = "found" | "missing" | "refused" | "unreachable";

export type Fetch = typeof fetch;

const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

export class RegistryClient {
  readonly #logins: readonly Registry[];
  readonly #fetch: Fetch;

  constructor(logins: readonly Registry[] = [], send: Fetch = fetch) {
    this.#logins = logins;
    this.#fetch = send;
  }

  /** Asks for the image with this digest in the tag's repository. */
  async has(tag: string, digest: string, signal?: AbortSignal): Promise<Answer> {
    return this.#manifest("HEAD", tag, digest, signal);
  }

  /** Deletes the image with this digest, and with it all tags that point to it. */
  async delete(tag: string, digest: string, signal?: AbortSignal): Promise<Answer> {
    return this.#manifest("DELETE", tag, digest, signal);
  }

  async #manifest(method: string, tag: string, digest: string, signal?: AbortSignal): Promise<Answer> {
    const reference = parseReference(tag);
    if (reference?.domain === undefined) return "missing";
    const { domain, path } = reference;
    const url = `${isLoopback(domain) ? "http" : "https"}://${domain}/v2/${path}/manifests/${digest}`;
    try {
      let response = await this.#send(method, url, undefined, signal);
      const challenge = response.headers.get("www-authenticate");
      if (response.status === 401 && challenge !== null) {
        const authorization = await this.#authorize(domain, challenge, signal);
        response = await this.#send(method, url, authorization, signal);
      }
      if (response.ok) return "found";
      return response.status === 404 ? "missing" : response.status >= 500 ? "unreachable" : "refused";
    } catch {
      signal?.throwIfAborted();
      return "unreachable";
    }
  }

  async #send(method: string, url: string, authorization?: string, signal?: AbortSignal): Promise<Response> {
    const timeout = AbortSignal.timeout(20_000);
    return this.#fetch(url, {
      method,
      headers: { Accept: manifestTypes, ...(authorization === undefined ? {} : { Authorization: authorization }) },
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
  }

  /** Answers a registry's challenge: with the password itself, or with a token that the password buys. */
  async #authorize(domain: string, challenge: string, signal?: AbortSignal): Promise<string | undefined> {
    const login = this.#logins.find(({ address }) => registryHost(address) === domain);
    const basic =
      login?.username === undefined
        ? undefined
        : `Basic ${Buffer.from(`${login.username}:${login.password ?? ""}`).toString("base64")}`;
    if (!/^bearer /i.test(challenge)) return basic;
    const fields = Object.fromEntries(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
    );
    const realm = new URL(fields["realm"] ?? "");
    for (const name of ["service", "scope"]) if (fields[name]) realm.searchParams.set(name, fields[name]);
    const response = await this.#send("GET", realm.href, basic, signal);
    const body = (await response.json()) as { token?: string; access_token?: string };
    return `Bearer ${body.token ?? body.access_token ?? ""}`;
  }
}

/** An address with and without its scheme and path is the same place. */
export function registryHost(address: string): string {
  return address.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}
