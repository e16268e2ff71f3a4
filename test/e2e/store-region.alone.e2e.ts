import assert from "node:assert/strict";

import { run } from "../../local/exec.ts";
import { seedStoreImage } from "../../local/images.ts";
import { repository } from "../../local/paths.ts";
import { kubectl, Program, until } from "./support.ts";

describe("a store whose region goes away", function () {
  this.timeout(300_000);
  let program: Program;
  let stopped: string | undefined;
  const region = (action: "start" | "stop", name: string) =>
    run(process.execPath, ["local/bootstrap.mjs", "cluster", "region", action, name], { cwd: repository });

  before(async () => {
    await seedStoreImage();
    program = await Program.create({
      store: true,
      storeProtected: false,
      version: "v0.0.2",
      regions: ["eu", "us", "ap"],
    });
    await program.up();
  });
  after(async () => {
    if (stopped !== undefined) await region("start", stopped);
    await program.remove();
  });

  it("comes back with it, and has kept its data", async () => {
    const url = await program.output("url");
    // A replica of the region that goes cannot answer either.
    const ask = async (): Promise<{ counter?: number; store?: string }> =>
      fetch(`${url}/?close`, { signal: AbortSignal.timeout(5000) }).then(
        async (answer) => (await answer.json()) as object,
        () => ({}),
      );
    const counted = async () => {
      let counter: number | undefined;
      await until("the store to count", async () => (counter = (await ask()).counter) !== undefined, { seconds: 120 });
      return counter ?? assert.fail();
    };
    const before = Math.max(await counted(), await counted());
    const pod = ["get", "pod", "-l", "app.kubernetes.io/name=store", "-o", "jsonpath={.items[0].spec.nodeName}"];
    stopped = await kubectl("-n", program.namespace, ...pod);
    await region("stop", stopped);
    await until("the app to miss the store", async () => (await ask()).store === "unavailable", { seconds: 60 });
    await region("start", stopped);
    stopped = undefined;
    assert.ok((await counted()) > before);
  });
});
