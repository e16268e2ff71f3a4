import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import * as http2 from "node:http2";
import * as https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as k8s from "@pulumi/kubernetes";

import { purge } from "../../commands/cdn.ts";
import { run } from "../../local/exec.ts";
import { CdnSite, Origin } from "./cdn-site.ts";

const host = "shop.example";

describe("an edge with a certificate", function () {
  this.timeout(180_000);
  const origin = new Origin();
  const site = new CdnSite();
  let cert: string;

  before(async () => {
    const folder = mkdtempSync(join(tmpdir(), "certificate-"));
    const files = ["-keyout", join(folder, "key"), "-out", join(folder, "cert")];
    const names = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`];
    await run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...files, ...names]);
    cert = readFileSync(join(folder, "cert"), "utf8");
    const key = readFileSync(join(folder, "key"), "utf8");
    rmSync(folder, { recursive: true, force: true });
    await origin.start();
    // Each region as a cluster of its own; all of them are the local one.
    const kubeconfig = readFileSync(process.env["KUBECONFIG"]!, "utf8");
    const region = (name: string) => ({
      name,
      replicas: 1,
      cacheSize: "32Mi" as const,
      provider: new k8s.Provider(`cluster-of-${name}`, { kubeconfig }),
    });
    // A name that edges look up again and again, as they do with an origin outside of the cluster.
    const { hostname, port } = new URL(origin.url);
    const byName = `http://${hostname.replaceAll(".", "-")}.default.pod.cluster.local:${port}`;
    const args = () => ({ origin: byName, regions: [region("us"), region("eu")], hosts: [host], port: 18_443 });
    await site.up(args, { cert, key });
  });
  after(async () => {
    await site.remove();
    await origin.stop();
  });

  it("answers by HTTP/1.1 and HTTP/2, and tells the origin that it was asked by https", async () => {
    const path = origin.serve({ "Cache-Control": "max-age=60" });
    const { status, version } = await new Promise<{ status: number | undefined; version: string }>(
      (resolve, reject) => {
        const options = { ca: cert, servername: host, headers: { Host: host }, agent: false } as const;
        https
          .get(site.url("us") + path, options, (response) => {
            response.resume();
            resolve({ status: response.statusCode, version: response.httpVersion });
          })
          .on("error", reject);
      },
    );
    assert.deepEqual([status, version], [200, "1.1"]);
    assert.equal(origin.last(path)["x-forwarded-proto"], "https");

    const session = http2.connect(site.url("us"), { ca: cert, servername: host });
    const headers = await new Promise<http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader>((resolve, reject) => {
      const request = session.request({ ":path": path, ":authority": host });
      request.on("response", resolve).on("error", reject).resume();
      session.on("error", reject);
    });
    session.close();
    assert.equal(headers[":status"], 200);
    assert.match(String(headers["cache-status"]), /^meridian-us; hit; ttl=/);
    assert.equal(origin.count(path), 1);
  });

  it("is in the cluster of each region, by that cluster's provider, and can be purged by its address", async () => {
    assert.deepEqual(await site.providers(), { us: "cluster-of-us", eu: "cluster-of-eu" });
    const answers = await purge({ locations: site.locations, token: site.token }, { all: true });
    assert.deepEqual(
      answers.map(({ region, edges, problem }) => [region, edges.size, problem]),
      [
        ["us", 1, undefined],
        ["eu", 1, undefined],
      ],
    );
  });
});
