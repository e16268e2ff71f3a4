import assert from "node:assert/strict";

import { run } from "../../local/exec.ts";
import { roundTrip } from "../../local/latency.ts";
import { regionNamespace } from "../../local/network.ts";
import { repository } from "../../local/paths.ts";
import { kubectl } from "./support.ts";

describe("the distance between the regions", function () {
  this.timeout(60_000);
  const latency = (wanted: "on" | "off") =>
    run(process.execPath, ["local/bootstrap.mjs", "cluster", "latency", wanted], { cwd: repository });
  after(() => latency("off"));

  /** Milliseconds until a connection from one region to a pod in another one stands, the shortest of three. */
  async function connect(from: string, address: string): Promise<number> {
    const times: number[] = [];
    for (let i = 0; i < 3; i++) {
      const curl = ["curl", "-sS", "-o", "/dev/null", "-w", "%{time_connect}", `http://${address}:8080/health`];
      times.push(1000 * Number(await run("nsenter", [`--net=/run/netns/${regionNamespace(from)}`, ...curl])));
    }
    return Math.min(...times);
  }

  it("is that of the world when it is switched on, and none when it is switched off", async () => {
    const path = "jsonpath={range .items[*]}{.spec.nodeName}={.status.podIP} {end}";
    const text = await kubectl("-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-dns", "-o", path);
    const [to, address] = text.trim().split(" ")[0]!.split("=") as [string, string];
    await latency("on");
    // Anew, as after the start of a region.
    await latency("on");
    for (const from of ["eu", "us", "ap"]) {
      const time = await connect(from, address);
      const wanted = roundTrip(from, to);
      assert.ok(time >= wanted && time < wanted + 40, `${from} to ${to}: ${time} ms, wanted ${wanted} ms`);
    }
    await latency("off");
    for (const from of ["eu", "us", "ap"]) assert.ok((await connect(from, address)) < 40, `${from} to ${to}`);
  });
});
