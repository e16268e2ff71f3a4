import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { seedStoreImage } from "../../local/images.ts";
import { kubectl, Program, until } from "./support.ts";

interface Answer {
  readonly counter?: number;
  readonly store?: string;
}

describe("the store on a cluster", function () {
  this.timeout(300_000);
  let program: Program;
  let url: string;
  const ask = async (): Promise<Answer> => (await fetch(`${url}/?close`)).json() as Promise<Answer>;
  const inStore = (...args: string[]) => kubectl("-n", program.namespace, ...args);
  const nameOf = async (kind: string) =>
    (
      await inStore("get", kind, "-l", "app.kubernetes.io/name=store", "-o", "jsonpath={.items[*].metadata.name}")
    ).trim();
  /** The next count, once the replicas have the store again. */
  const counted = async (): Promise<number> => {
    let counter: number | undefined;
    await until("the store to count", async () => (counter = (await ask()).counter) !== undefined, { seconds: 90 });
    return counter ?? assert.fail();
  };

  before(async () => {
    await seedStoreImage();
    program = await Program.create({ store: true, version: "v0.0.2", regions: ["eu", "us", "ap"] });
    await program.up();
    url = await program.output("url");
  });
  after(async () => {
    await program.attempt("config", "set", "storeProtected", "false");
    await program.attempt("up", "--yes", "--skip-preview");
    await program.remove();
  });

  it("counts 1,000 requests at once over all replicas, exactly", async () => {
    const counters = await Promise.all(Array.from({ length: 1000 }, async () => (await ask()).counter ?? NaN));
    assert.deepEqual(
      counters.sort((a, b) => a - b),
      Array.from({ length: 1000 }, (_, index) => index + 1),
    );
  });

  it("keeps what it has when its pod is deleted", async () => {
    await inStore("delete", "pod", await nameOf("pod"));
    assert.ok((await counted()) > 1000);
  });

  it("is done without while it is down, and the answers say so", async () => {
    const set = `statefulset/${await nameOf("statefulset")}`;
    const before = await counted();
    await inStore("scale", set, "--replicas=0");
    await inStore("wait", "--for=delete", "pod", "-l", "app.kubernetes.io/name=store", "--timeout=60s");
    await until("a replica to notice", async () => (await ask()).store === "unavailable");
    const answers = await Promise.all(Array.from({ length: 30 }, ask));
    assert.deepEqual(new Set(answers.map(({ store }) => store)), new Set(["unavailable"]));
    await inStore("scale", set, "--replicas=1");
    assert.ok((await counted()) > before);
  });

  it("lets nobody in without the password, which is nowhere to be read, and changes it on demand", async () => {
    const cli = (...args: string[]) => inStore("exec", `statefulset/${set}`, "--", "valkey-cli", ...args);
    const set = await nameOf("statefulset");
    const passwordNow = () => inStore("exec", `statefulset/${set}`, "--", "cat", "/etc/valkey/password");
    assert.match(await cli("get", "counter"), /NOAUTH/);
    const first = await passwordNow();
    assert.match(first, /^[A-Za-z0-9]{32}$/);
    const before = await counted();
    await program.pulumi("config", "set", "storePasswordVersion", "2");
    const output = await program.up();
    const second = await passwordNow();
    assert.notEqual(second, first);
    assert.ok((await counted()) > before);
    const state = readFileSync(join(program.backend, "stacks", "meridian", "e2e.json"), "utf8");
    for (const password of [first, second]) assert.ok(!(state + output).includes(password));
  });

  it("is not removed before its protection is", async () => {
    await program.pulumi("config", "set", "store", "false");
    const { code, output } = await program.attempt("up", "--yes", "--skip-preview");
    assert.notEqual(code, 0);
    assert.match(output, /PersistentVolumeClaim::store[^]*protect/);
    assert.notEqual(await nameOf("persistentvolumeclaim"), "");
    await program.pulumi("config", "set", "store", "true");
    await program.pulumi("config", "set", "storeProtected", "false");
    await program.up();
    // Replicas of the release before answer for a moment still.
    await until("the count to go on", async () => (await counted()) > 1000);
    await program.pulumi("config", "set", "store", "false");
    await program.up();
    await until("the claim to go", async () => (await nameOf("persistentvolumeclaim")) === "");
    await until("each replica to count for itself again", async () => ((await ask()).counter ?? NaN) < 1000);
  });
});
