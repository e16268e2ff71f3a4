import { Replica, refused, stopAll } from "./replica.js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";

/** A store of the few commands that matter, on a free port; `silent`, it takes commands and never answers. */
class FakeStore {
  counter = 0;
  silent = false;
  /** Called before an answer is sent. */
  beforeAnswer = () => {};
  connections = new Set();

  static async start({ port = 0, password } = {}) {
    const store = new FakeStore();
    store.server = createServer((socket) => {
      store.connections.add(socket.on("error", () => {}).setEncoding("utf8"));
      let open = password === undefined;
      let rest = "";
      socket.on("data", (text) => {
        rest += text;
        let answers = "";
        for (let match; (match = /^\*2\r\n\$\d+\r\n(.+)\r\n\$\d+\r\n(.+)\r\n/.exec(rest));) {
          rest = rest.slice(match[0].length);
          const [, command, argument] = match;
          if (command === "AUTH") open = argument === password;
          if (!open) answers += "-NOAUTH Authentication required.\r\n";
          else answers += command === "AUTH" ? "+OK\r\n" : `:${++store.counter}\r\n`;
        }
        if (store.silent) return;
        store.beforeAnswer();
        // In pieces, as they may come over a network.
        socket.write(answers.slice(0, 2));
        socket.write(answers.slice(2));
      });
    });
    store.server.listen(port, "127.0.0.1");
    await once(store.server, "listening");
    store.port = store.server.address().port;
    return store;
  }

  async stop() {
    for (const socket of this.connections) socket.destroy();
    this.server.close();
    await once(this.server, "close");
  }
}

const answer = async (replica) => JSON.parse((await replica.get("/")).text);

describe("the counter in a store", () => {
  let store;
  afterEach(async () => {
    stopAll();
    if (store?.server.listening) await store.stop();
  });
  const start = (env = {}) =>
    Replica.start({ VERSION: "v0.0.2", STORE_URL: `redis://127.0.0.1:${store.port}`, ...env });

  it("is one for all replicas, and misses no request however many come at once", async () => {
    store = await FakeStore.start({ password: "open sesame" });
    const replicas = await Promise.all([1, 2, 3].map(() => start({ STORE_PASSWORD: "open sesame" })));
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, index) => answer(replicas[index % replicas.length])),
    );
    assert.deepEqual(
      answers.map(({ counter }) => counter).sort((a, b) => a - b),
      Array.from({ length: 300 }, (_, index) => index + 1),
    );
    assert.equal(store.connections.size, 3);
  });

  it("is left out, which the answer says, while the store is down, and comes back with it", async () => {
    store = await FakeStore.start();
    const replica = await start();
    assert.equal((await answer(replica)).counter, 1);
    await store.stop();
    const { name, ...without } = await answer(replica);
    assert.deepEqual([without, name.length], [{ hello: "world", store: "unavailable" }, 10]);
    assert.equal((await replica.get("/readyz")).status, 200);
    store = await FakeStore.start({ port: store.port });
    store.counter = 41;
    while ((await answer(replica)).counter === undefined) await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal((await answer(replica)).counter, store.counter);
    assert.ok(replica.logs.some(({ msg }) => msg === "store lost"));
  });

  it("does not hold up an answer for ever, and more that wait do not prolong it", async () => {
    store = await FakeStore.start();
    store.silent = true;
    const replica = await start();
    const first = answer(replica);
    const more = setInterval(() => void answer(replica), 200);
    assert.equal((await first).store, "unavailable");
    clearInterval(more);
  });

  it("is not taken for slow when it is the replica that got no CPU", async () => {
    store = await FakeStore.start();
    const replica = await start();
    const stopped = new Promise((resolve) => (store.beforeAnswer = () => resolve(replica.process.kill("SIGSTOP"))));
    const waiting = answer(replica);
    await stopped;
    // Longer than a replica's patience of two seconds, with the answer on its way all the time.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    replica.process.kill("SIGCONT");
    assert.equal((await waiting).counter, 1);
  });

  it("is left out if the password is wrong", async () => {
    store = await FakeStore.start({ password: "right" });
    assert.equal((await answer(await start({ STORE_PASSWORD: "wrong" }))).store, "unavailable");
  });

  it("is not asked before v0.0.2", async () => {
    store = await FakeStore.start();
    assert.deepEqual(Object.keys(await answer(await start({ VERSION: "v0.0.1" }))), ["hello", "name"]);
    assert.equal(store.connections.size, 0);
  });

  it("refuses a malformed STORE_URL in one sentence", async () => {
    assert.deepEqual(await refused({ STORE_URL: "http://store" }), {
      code: 1,
      words: 'STORE_URL must be a URL such as redis://store:6379, got "http://store".\n',
    });
  });
});
