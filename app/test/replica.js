import { spawn } from "node:child_process";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const server = fileURLToPath(new URL("../server.js", import.meta.url));
const started = new Set();

/** A real replica as a process of its own, on a free port. */
export class Replica {
  logs = [];
  #waiting = new Set();

  static async start(env = {}) {
    const replica = new Replica();
    replica.process = spawn(process.execPath, [server], { env: { PORT: "0", DRAIN_SECONDS: "0", ...env } });
    started.add(replica.process);
    replica.exited = once(replica.process, "exit").then(([code]) => code);
    createInterface({ input: replica.process.stdout }).on("line", (line) => {
      replica.logs.push(JSON.parse(line));
      for (const check of replica.#waiting) check();
    });
    replica.port = (await replica.logged((entry) => entry.msg === "listening")).port;
    return replica;
  }

  /** The first entry of the log that matches, now or later. */
  logged(matches) {
    return new Promise((resolve) => {
      const check = () => {
        const entry = this.logs.find(matches);
        if (!entry) return;
        this.#waiting.delete(check);
        resolve(entry);
      };
      this.#waiting.add(check);
      check();
    });
  }

  /** Sends one request, by default on a connection of its own, with the path exactly as given. */
  async get(path, { method = "GET", headers = {}, body, agent = false } = {}) {
    const request = httpRequest({ port: this.port, path, method, headers, agent }).end(body);
    const [response] = await once(request, "response");
    const chunks = await response.toArray();
    const bytes = Buffer.concat(chunks);
    return { status: response.statusCode, headers: response.headers, bytes, text: bytes.toString() };
  }

  stop(signal = "SIGTERM") {
    this.process.kill(signal);
    return this.exited;
  }
}

/** Runs the server with an environment that it refuses; gives its exit code and its words. */
export async function refused(env) {
  const child = spawn(process.execPath, [server], { env: { PORT: "0", ...env } });
  started.add(child);
  const [[code], words] = await Promise.all([once(child, "exit"), child.stderr.setEncoding("utf8").toArray()]);
  return { code, words: words.join("") };
}

/** Ends what a failed test has left behind. */
export function stopAll() {
  for (const child of started) child.kill("SIGKILL");
  started.clear();
}
