import { connect } from "node:net";

/** A store that does not answer must not hold up those who ask this service. */
const patienceMilliseconds = 2000;
/** After a failure, requests are answered without the store for so long, instead of each waiting for it again. */
const pauseMilliseconds = 1000;

/**
 * The counter that all replicas share, kept in Valkey (or Redis) by its protocol, RESP: one connection, on which commands
 * follow each other without waiting for the answers.
 *
 * @see https://valkey.io/topics/protocol/
 */
export class Store {
  #host;
  #port;
  #password;
  #log;
  #socket;
  #timer;
  #waiting = [];
  #closedUntil = 0;

  /**
   * @param {{storeUrl: string, storePassword: string}} settings
   * @param {(level: string, msg: string, fields?: object) => void} log
   */
  constructor({ storeUrl, storePassword }, log) {
    const { hostname, port } = new URL(storeUrl);
    this.#host = hostname;
    this.#port = Number(port || 6379);
    this.#password = storePassword;
    this.#log = log;
  }

  /**
   * Adds one to the counter of this name, as one step for all replicas.
   * @param {string} key
   * @returns {Promise<number>} its value; rejects soon if the store cannot be reached
   */
  async increment(key) {
    if (this.#socket === undefined) {
      if (performance.now() < this.#closedUntil) throw new Error("the store could not be reached a moment ago");
      this.#open();
    }
    return Number(await this.#send("INCR", key));
  }

  close() {
    this.#socket?.destroy();
  }

  #open() {
    const socket = connect(this.#port, this.#host).setNoDelay().setEncoding("utf8");
    this.#socket = socket;
    let rest = "";
    socket.on("data", (text) => {
      const lines = (rest + text).split("\r\n");
      rest = lines.pop();
      for (const line of lines) this.#answer(line);
    });
    let reason = new Error("the store closed the connection");
    socket.on("error", (error) => (reason = error));
    socket.on("close", () => {
      clearTimeout(this.#timer);
      this.#socket = undefined;
      this.#closedUntil = performance.now() + pauseMilliseconds;
      this.#log("warn", "store lost", { error: reason.message });
      for (const { reject } of this.#waiting.splice(0)) reject(reason);
    });
    // With a wrong password all that follows fails, each command by itself.
    if (this.#password !== "") this.#send("AUTH", this.#password).catch((error) => socket.destroy(error));
  }

  #send(...words) {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ resolve, reject }) === 1) this.#expectAnswer();
      const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
      this.#socket.write(`*${words.length}\r\n${parts.join("")}`);
    });
  }

  #expectAnswer() {
    const [first] = this.#waiting;
    const late = () => {
      if (this.#waiting[0] === first) this.#socket?.destroy(new Error(`no answer within ${patienceMilliseconds} ms`));
    };
    // If this process itself got no CPU meanwhile, the answer is here, but not read yet: timers come before reading.
    this.#timer = setTimeout(() => setImmediate(late), patienceMilliseconds);
  }

  /** The commands sent here have answers of one line: `+OK`, `:42`, or `-ERR` and what is wrong. */
  #answer(line) {
    const { resolve, reject } = this.#waiting.shift();
    clearTimeout(this.#timer);
    if (this.#waiting.length > 0) this.#expectAnswer();
    if (line.startsWith("-")) reject(new Error(line.slice(1)));
    else resolve(line.slice(1));
  }
}
