import { Agent, request } from "node:http";

const agent = new Agent({ keepAlive: true, maxSockets: 16, timeout: 5000 });

/** Only what a build may have named after its content: whatever else is missing is missing everywhere. */
const hashed = /^\/assets\/[\w-]+(\.[\w-]+)*\.[0-9a-f]{16}\.\w+$/;

const passedOn = ["accept-encoding", "if-none-match"];
const passedBack = ["cache-control", "content-encoding", "content-type", "etag", "vary"];

/**
 * The asset store has what the pages of all current releases refer to. A page's requests are spread over replicas, and while
 * there are two releases an asset may be asked for at a replica of the other one.
 * @param {string} url the store's, empty for none
 * @returns {(path: string, headers: import("node:http").IncomingHttpHeaders) => Promise<object> | undefined}
 *   the store's answer, or undefined if there is nothing to ask for
 */
export function assetStore(url) {
  return (path, headers) => (url !== "" && hashed.test(path) ? ask(new URL(path, url), headers) : undefined);
}

function ask(url, headers) {
  return new Promise((resolve, reject) => {
    const asking = request(url, { agent, headers: pick(headers, passedOn) }, (response) => {
      response.toArray().then(
        (chunks) =>
          resolve({
            status: response.statusCode,
            headers: pick(response.headers, passedBack),
            body: response.statusCode === 304 ? undefined : Buffer.concat(chunks),
          }),
        reject,
      );
    });
    asking.on("timeout", () => asking.destroy(new Error("the asset store did not answer within 5 s")));
    asking.on("error", reject).end();
  });
}

function pick(headers, names) {
  return Object.fromEntries(names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));
}
