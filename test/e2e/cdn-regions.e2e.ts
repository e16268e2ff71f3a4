import assert from "node:assert/strict";
import * as http from "node:http";
import { setTimeout as pause } from "node:timers/promises";

import { purge, status } from "../../commands/cdn.ts";
import { type Answer, ask, CdnSite, Origin } from "./cdn-site.ts";
import { kubectl, until } from "./support.ts";

const regions = ["eu", "us", "ap"];

describe("a CDN in three regions", function () {
  this.timeout(300_000);
  const origin = new Origin();
  const site = new CdnSite();
  const args = () => ({
    origin: origin.url,
    regions: [
      { name: "us", replicas: 2, cacheSize: "32Mi" },
      { name: "eu", replicas: 1, cacheSize: "32Mi" },
      { name: "ap", replicas: 1, cacheSize: "32Mi" },
    ] as const,
    shield: "eu",
    port: 18_280,
    release: { path: "/version", header: "X-Version", keep: ["/assets/"] },
  });

  let version = "v1";
  before(async () => {
    await origin.start();
    origin.at("/version", {}, (_, response) => response.writeHead(200, { "X-Version": version }).end());
    await site.up(args());
  });
  after(async () => {
    await site.remove();
    await origin.stop();
  });

  const get = (region: string, path: string): Promise<Answer> => ask(site.url(region) + path);
  const did = async (region: string, path: string): Promise<string> =>
    String((await get(region, path)).headers["cache-status"]);
  const kube = (...command: string[]) => kubectl("-n", site.namespace, ...command);
  const pods = async (region: string): Promise<string[]> =>
    (await kube("get", "pods", "-l", `app.kubernetes.io/name=meridian-${region}`, "-o", "name")).trim().split("\n");
  /** The ConfigMap of a region's newest edges. */
  const configuration = async (region: string): Promise<string> => {
    const name = "{.items[0].spec.template.spec.volumes[?(@.name=='config')].configMap.name}";
    return kube("get", "deployment", "-l", `app.kubernetes.io/name=meridian-${region}`, "-o", `jsonpath=${name}`);
  };

  it("runs each region's edges on nodes of that region, with a configuration that nginx accepts", async () => {
    for (const region of regions) {
      const path = "{range .items[*]}{.spec.nodeName} {end}";
      const label = `app.kubernetes.io/name=meridian-${region}`;
      const nodes = (await kube("get", "pods", "-l", label, "-o", `jsonpath=${path}`)).trim().split(" ");
      assert.deepEqual([...new Set(nodes)], [region]);
      const [pod] = await pods(region);
      await kube("exec", pod!, "--", "nginx", "-t", "-q", "-e", "stderr", "-c", "/etc/edge/nginx.conf");
    }
  });

  it("fetches through the shield: the origin is asked once for all regions, and each counts from there", async () => {
    const path = origin.serve({ "Cache-Control": "max-age=60" });
    await get("ap", path);
    await pause(2100);
    const us = await get("us", path);
    assert.match(
      String(us.headers["cache-status"]),
      /^meridian-eu; hit; ttl=5[78], meridian-us; fwd=uri-miss; fwd-status=200; stored; ttl=5[78]$/,
    );
    assert.match(String(us.headers.age), /^[23]$/);
    assert.equal(us.headers["cache-control"], "max-age=60");
    await get("eu", path);
    assert.equal(origin.count(path), 1);
    assert.equal(origin.last(path)["cdn-loop"], "meridian-ap, meridian-eu");
    assert.match(String(origin.last(path)["x-forwarded-for"]), /^\d+\.\d+\.\d+\.\d+$/);
    // Without hosts of its own the CDN is one site, whatever name clients call it by.
    assert.equal(origin.last(path)["x-forwarded-host"], new URL(origin.url).host);
  });

  it("forgets a path, a prefix, a tag or everything in every region within 5 s, with the token only", async () => {
    const cdn = { locations: site.locations, token: site.token };
    const paths = ["/a/1", "/a/2", "/b/1"];
    let release = 0;
    for (const path of paths) {
      origin.at(path, {}, (_, response) =>
        response
          .writeHead(200, { "Cache-Control": "max-age=600", "Surrogate-Key": `all ${path.slice(1, 2)}` })
          .end(`release ${release}`),
      );
    }
    /** What the edges answer, those of "us" often enough to meet both. */
    const all = async (path: string): Promise<string[]> => {
      const bodies = new Set<string>();
      for (let i = 0; i < 12; i++) for (const region of regions) bodies.add((await get(region, path)).body);
      return [...bodies];
    };
    const shown = new Map(paths.map((path) => [path, release]));
    for (const [wish, forgotten] of [
      [{ path: "/a/1" }, ["/a/1"]],
      [{ prefix: "/a/" }, ["/a/1", "/a/2"]],
      [{ tag: "b" }, ["/b/1"]],
      [{ all: true }, paths],
    ] as const) {
      for (const path of paths) assert.equal((await all(path)).length, 1);
      release++;
      const answers = await purge(cdn, wish);
      assert.deepEqual(
        answers.map(({ region, edges, problem }) => [region, edges.size, problem]),
        [
          ["us", 2, undefined],
          ["eu", 1, undefined],
          ["ap", 1, undefined],
        ],
      );
      for (const { seconds } of answers) assert.ok(seconds < 5);
      for (const path of forgotten) shown.set(path, release);
      for (const path of paths) assert.deepEqual(await all(path), [`release ${shown.get(path)}`]);
    }
    const refused = await purge({ ...cdn, token: "wrong" }, { all: true });
    for (const { edges, problem } of refused) {
      assert.deepEqual([edges.size, problem?.slice(0, 8)], [0, "HTTP 403"]);
    }
  });

  it("shows no page of an earlier release once there is another one, and keeps the assets", async () => {
    const headers = { "Cache-Control": "max-age=600" };
    /** In the middle of a rolling update, pages come from either release. */
    let served = version;
    origin.at("/page", {}, (_, response) => response.writeHead(200, { ...headers, "X-Version": served }).end(served));
    origin.at("/assets/a.js", {}, (_, response) => response.writeHead(200, { ...headers, "X-Version": "v1" }).end("a"));
    const pages = () => Promise.all(regions.map(async (region) => (await get(region, "/page")).body));
    for (let i = 0; i < 12; i++) for (const region of regions) await get(region, "/assets/a.js");
    assert.deepEqual(await pages(), ["v1", "v1", "v1"]);
    version = "v2";
    await pause(2500);
    assert.deepEqual(await pages(), ["v1", "v1", "v1"], "from the replica that is on its way out");
    served = "v2";
    assert.deepEqual(await pages(), ["v2", "v2", "v2"], "and that was not kept");
    for (let i = 0; i < 12; i++) for (const region of regions) await get(region, "/assets/a.js");
    assert.equal(origin.count("/assets/a.js"), 1);
  });

  it("counts what each edge has done", async () => {
    const path = origin.serve({ "Cache-Control": "max-age=60", "Content-Length": 7 });
    for (let i = 0; i < 5; i++) await get("ap", path);
    const ap = (await status({ locations: site.locations, token: site.token })).find(({ region }) => region === "ap");
    const [counts] = [...ap!.edges.values()].map(({ counts }) => counts);
    assert.ok(counts!["hit"]! >= 4 && counts!["miss"]! >= 1 && counts!["waits"]! >= 1);
    const [pod] = await pods("ap");
    const address = (await kube("get", pod!, "-o", "jsonpath={.status.podIP}")).trim();
    const metrics = (await ask(`http://${address}:8081/metrics`)).body;
    const value = (name: string): number => {
      const line = metrics.split("\n").find((text) => text.startsWith(`${name} `));
      return Number(line?.slice(name.length + 1) ?? assert.fail(`no ${name} in\n${metrics}`));
    };
    assert.equal(value('http_requests_total{code="200",cache="hit",region="ap"}'), counts!["hit"]);
    const all = value('http_request_duration_seconds_count{region="ap"}');
    assert.equal(value('http_request_duration_seconds_bucket{le="+Inf",region="ap"}'), all);
    assert.ok(all >= counts!["hit"]! + counts!["miss"]!);
    assert.ok(value('edge_body_bytes_total{region="ap"}') >= 5 * "content".length);
    assert.ok(
      value('edge_origin_seconds_sum{region="ap"}') > 0 && value('edge_origin_seconds_count{region="ap"}') >= 1,
    );
  });

  it("fetches from the origin itself when the shield is lost, and through it again when it is back", async () => {
    const deployment = (
      await kube("get", "deployment", "-l", "app.kubernetes.io/name=meridian-eu", "-o", "name")
    ).trim();
    await kube("scale", deployment, "--replicas=0");
    await until("the shield to go", async () => (await pods("eu")).join("") === "");
    for (let i = 0; i < 5; i++) {
      const path = origin.serve({ "Cache-Control": "max-age=60" });
      const started = performance.now();
      const { status, headers } = await get("ap", path);
      assert.equal(status, 200);
      assert.ok(performance.now() - started < 3000);
      assert.match(String(headers["cache-status"]), /^meridian-ap; fwd=uri-miss; fwd-status=200; stored; ttl=60$/);
    }
    await kube("scale", deployment, "--replicas=1");
    await kube("rollout", "status", deployment, "--timeout=60s");
    await until("the shield to be used again", async () =>
      /meridian-eu/.test(await did("ap", origin.serve({ "Cache-Control": "max-age=60" }))),
    );
  });

  it("loses no request when one of two edges goes", async () => {
    const path = origin.serve({ "Cache-Control": "max-age=600" });
    const [pod] = await pods("us");
    const { answered, failures } = await during(site.url("us") + path, async () => {
      await pause(500);
      await kube("delete", pod!, "--wait=true");
      await pause(1000);
    });
    assert.ok(answered > 200, `${answered} answered`);
    assert.deepEqual(failures, []);
  });

  it("stops a change at the first region that does not take it: the regions after it stay as they were", async () => {
    const path = origin.serve({ "Cache-Control": "max-age=600" });
    const before = new Map<string, string>();
    for (const region of regions) before.set(region, await configuration(region));
    // The shield comes first, and takes it; no node can hold what is to come in "us".
    const nowhere = args().regions.map((one) => (one.name === "us" ? { ...one, nodeLabels: { planet: "mars" } } : one));
    const change = { ...args(), regions: nowhere, negativeSeconds: 6, rolloutTimeoutSeconds: 15 };
    const { answered, failures } = await during(site.url("us") + path, () =>
      assert.rejects(site.up(change), /Deployment [\w/-]*meridian-us/),
    );
    assert.ok(answered > 200, `${answered} answered`);
    assert.deepEqual(failures, []);
    assert.notEqual(await configuration("eu"), before.get("eu"));
    assert.equal(await configuration("ap"), before.get("ap"));
    for (const region of regions) assert.equal((await get(region, path)).status, 200, region);
  });

  it("takes over another configuration without losing a request, and then limits clients with 429", async () => {
    const path = origin.serve({ "Cache-Control": "max-age=600" });
    const { answered, failures } = await during(site.url("us") + path, async () => {
      await site.up({ ...args(), limits: { requestsPerSecond: 5, burst: 5 } });
    });
    assert.ok(answered > 200, `${answered} answered`);
    assert.deepEqual(
      failures.filter((failure) => failure !== "HTTP 429"),
      [],
    );
    await pause(2000);
    const answers = await Promise.all(Array.from({ length: 30 }, () => get("ap", path)));
    const refused = answers.filter((answer) => answer.status === 429);
    assert.ok(refused.length >= 20 && refused.length < 30, `${refused.length} of 30 refused`);
    assert.match(refused[0]!.body, /^Too many requests/);
    assert.deepEqual([refused[0]!.headers["retry-after"], refused[0]!.headers.age], ["1", undefined]);
    assert.match(String(refused[0]!.headers["x-request-id"]), /^[0-9a-f]{32}$/);
  });
});

/** Requests from new and from lasting connections while something happens. Clients repeat a GET that a lasting one lost. */
async function during(url: string, work: () => Promise<void>): Promise<{ answered: number; failures: string[] }> {
  const failures: string[] = [];
  let answered = 0;
  let isOver = false;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const send = async (agent: http.Agent | undefined): Promise<void> => {
    while (!isOver) {
      try {
        const { status } = await ask(url, agent && { agent }).catch((error: unknown) => {
          if (agent === undefined) throw error;
          return ask(url);
        });
        if (status === 200) answered++;
        else failures.push(`HTTP ${status}`);
      } catch (error) {
        failures.push((error as Error).message);
      }
      await pause(10);
    }
  };
  const senders = [send(undefined), send(undefined), send(agent)];
  try {
    await work();
  } finally {
    isOver = true;
    await Promise.all(senders);
    agent.destroy();
  }
  return { answered, failures };
}
