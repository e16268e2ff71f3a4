/**
 * `npm run bench -- cdn`: what the CDN brings and costs, all in one run on the local cluster, with the regions as far apart
 * as in the world. The origin is in `us`. Needs the machine to itself: a region is lost on the way.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import * as http from "node:http";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { run, until } from "../local/exec.ts";
import { coreDnsImage, edgeImage } from "../local/images.ts";
import { roundTrip } from "../local/latency.ts";
import { regionNamespace } from "../local/network.ts";
import { network, repository } from "../local/paths.ts";
import { ask, CdnSite } from "../test/e2e/cdn-site.ts";
import {
  addClientAddresses,
  clientAddress,
  DnsClient,
  nameServers,
  removeClientAddresses,
} from "../test/e2e/dns-clients.ts";
import { bestHitRatio, lruHitRatio, zipfTrace } from "./cdn/zipf.ts";

const regions = ["eu", "us", "ap"];
const port = 18_580;
const origin = { host: network.region(2), port: 18_999 };
const originUrl = `http://${origin.host}:${origin.port}`;

const kitArguments = (...args: string[]): string[] => ["local/bootstrap.mjs", "cluster", ...args];
const kit = (...args: string[]): string =>
  execFileSync(process.execPath, kitArguments(...args), { cwd: repository, encoding: "utf8", stdio: "pipe" });
const kubectl = (args: readonly string[], input = ""): string =>
  execFileSync("kubectl", args, { encoding: "utf8", input });
const inRegion = (region: string, ...command: string[]): string[] => [
  `--net=/run/netns/${regionNamespace(region)}`,
  ...command,
];
const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

interface Load {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

/** wrk from within a region; times in milliseconds. */
function load(region: string, url: string, connections: number, seconds: number): Load {
  const options = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency"];
  const text = execFileSync("nsenter", inRegion(region, "wrk", ...options, url), { encoding: "utf8" });
  if (/Non-2xx|Socket errors/.test(text)) throw new Error(`requests failed:\n${text}`);
  const time = (percent: string): number => {
    const [, value, unit] = new RegExp(`${percent}%\\s+([\\d.]+)(us|ms|s)`).exec(text)!;
    return Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit as "us" | "ms" | "s"];
  };
  return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)![1]), p50: time("50"), p99: time("99") };
}

/** An nginx that serves the same file from its disk, with one process and the CPU of an edge. */
function bareNginx(namespace: string): void {
  const conf = `load_module /usr/lib/nginx/modules/ngx_http_js_module.so;
worker_processes 1; pid /tmp/pid; error_log stderr; events { worker_connections 4096; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; client_body_temp_path /tmp/a; proxy_temp_path /tmp/b;
fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e; server { listen 8080; root /etc/bare; } }`;
  const metadata = { name: "bare", namespace };
  const container = {
    name: "bare",
    image: edgeImage,
    command: ["nginx", "-e", "stderr", "-c", "/etc/bare/nginx.conf", "-g", "daemon off;"],
    resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { cpu: "1", memory: "256Mi" } },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
    readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
    volumeMounts: [{ name: "files", mountPath: "/etc/bare" }],
  };
  const spec = {
    nodeName: "eu",
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: 101, seccompProfile: { type: "RuntimeDefault" } },
    containers: [container],
    volumes: [{ name: "files", configMap: { name: "bare" } }],
  };
  const data = { "nginx.conf": conf, file: "f".repeat(10_240) };
  const items = [
    { apiVersion: "v1", kind: "ConfigMap", metadata, data },
    { apiVersion: "v1", kind: "Pod", metadata, spec },
  ];
  kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  kubectl(["-n", namespace, "wait", "--for=condition=Ready", "pod/bare", "--timeout=60s"]);
}

function podAddress(namespace: string, ...which: string[]): string {
  const text = kubectl([
    "-n",
    namespace,
    "get",
    "pods",
    ...which,
    "-o",
    "jsonpath={range .items[*]}{.status.podIP}{end}{.status.podIP}",
  ]);
  return text.trim();
}

/** How often the origin was asked since the last question. */
const counts = async (): Promise<Record<string, number>> =>
  JSON.parse((await ask(`${originUrl}/counts`)).body) as Record<string, number>;

/** The share of a trace that is answered from the cache. */
async function hitRatio(url: string, trace: readonly number[]): Promise<number> {
  await counts();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 128 });
  let at = 0;
  const worker = async (): Promise<void> => {
    while (at < trace.length) {
      const { status } = await ask(`${url}/object/${trace[at++]}`, { agent });
      if (status !== 200) throw new Error(`HTTP ${status}`);
    }
  };
  await Promise.all(Array.from({ length: 128 }, worker));
  agent.destroy();
  return 1 - (await counts())["object"]! / trace.length;
}

/** A region is lost while clients of all regions go where DNS sends them. */
async function loseRegion(site: CdnSite): Promise<{ lost: number; all: number; seconds: number }> {
  const servers = await nameServers(site.namespace);
  const clients = regions.flatMap((region, index) => {
    const order = [region, ...regions.filter((other) => other !== region)].map((name) => servers.get(name)!);
    return Array.from({ length: 4 }, () => new DnsClient(region, clientAddress(index), order));
  });
  let isOver = false;
  const journeys = Promise.all(clients.map((client) => client.travel("shop.example", port, "/file", () => isOver)));
  await pause(3000);
  undo.push(() => kit("region", "start", "ap"));
  const stopping = run(process.execPath, kitArguments("region", "stop", "ap"), { cwd: repository });
  const other = new URL(site.url("us")).hostname;
  await until(
    "clients of ap to be sent elsewhere",
    async () => (await clients.at(-1)!.resolve("shop.example"))[0]?.address === other,
  );
  await pause(4000);
  isOver = true;
  const all = await journeys;
  await stopping;
  const failures = all.flatMap((journey) => journey.failures.map(({ at }) => at));
  const answered = all.reduce((sum, journey) => sum + journey.answered, 0);
  const again = Math.max(...all.filter(({ region }) => region === "ap").map(({ visits }) => visits.at(-1)!.at));
  return { lost: failures.length, all: answered + failures.length, seconds: (again - Math.min(...failures)) / 1000 };
}

/** What puts the cluster back into the state that it was in, the last step first. */
const undo: (() => unknown)[] = [];
let cleaning: Promise<void> | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    console.error(`\n${signal}: putting the cluster back, up to two minutes`);
    void cleanUp().then(() => process.exit(130));
  });
}

interface Preview {
  readonly count: number;
  readonly resources: number;
  readonly seconds: number;
  readonly megabytes: number;
}
const previews = [3, 30, 300].map((count) => {
  const text = execFileSync(process.execPath, ["--no-warnings", "bench/cdn/preview.ts", `${count}`], {
    cwd: repository,
    encoding: "utf8",
  });
  return JSON.parse(text) as Preview;
});

const server = spawn(
  "nsenter",
  inRegion(
    "us",
    process.execPath,
    "--no-warnings",
    join(repository, "bench/cdn/origin.ts"),
    origin.host,
    `${origin.port}`,
  ),
  {
    stdio: ["ignore", "pipe", "inherit"],
  },
);
await once(server.stdout, "data");
undo.push(() => server.kill());
const site = new CdnSite();
try {
  undo.push(() => removeClientAddresses(regions.length));
  await addClientAddresses(regions.length);
  const made = site.up({
    origin: originUrl,
    regions: regions.map((name) => ({ name, replicas: 1, cacheSize: "16Mi" })),
    port,
    dns: {
      policy: "nearest",
      hostname: "shop.example",
      latency: { eu: { us: roundTrip("eu", "us"), ap: roundTrip("eu", "ap") }, us: { ap: roundTrip("us", "ap") } },
      clients: Object.fromEntries(regions.map((name, index) => [name, [`${clientAddress(index)}/32`]])),
      image: coreDnsImage,
      service: { type: "ClusterIP" },
    },
  });
  undo.push(async () => {
    await made.catch(() => undefined);
    await site.remove();
  });
  await made;
  bareNginx(site.namespace);
  undo.push(() => kit("latency", "off"));
  kit("latency", "on");
  const bare = `http://${podAddress(site.namespace, "bare")}:8080`;
  const edge = `http://${podAddress(site.namespace, "-l", "app.kubernetes.io/name=meridian-eu")}:8080`;

  await ask(`${edge}/file`);
  const rounds = Array.from({ length: 3 }, () => ({
    edge: load("eu", `${edge}/file`, 16, 5),
    bare: load("eu", `${bare}/file`, 16, 5),
  }));
  const of = (which: "edge" | "bare", what: keyof Load): number => median(rounds.map((round) => round[which][what]));
  const single = {
    edge: load("eu", `${edge}/file`, 1, 5),
    bare: load("eu", `${bare}/file`, 1, 5),
    origin: load("eu", `${originUrl}/file`, 1, 5),
  };

  await counts();
  const misses = await Promise.all(Array.from({ length: 500 }, () => ask(`${edge}/slow/1`)));
  const failed = misses.filter(({ status }) => status !== 200).length;
  const asked = (await counts())["slow"]!;

  const trace = zipfTrace(100_000, 10_000, 0.9);
  const hits = await hitRatio(edge, trace);
  const lost = await loseRegion(site);

  const ms = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
  const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
  const text = `# The CDN

Written by \`npm run bench -- cdn\`, on 2 cores that hold the cluster and the clients, all in one run. One edge in each of three
regions, ${roundTrip("eu", "us")} ms (eu-us), ${roundTrip("eu", "ap")} ms (eu-ap) and ${roundTrip("us", "ap")} ms (us-ap) apart; the origin is in us, the clients of the first two tables in eu.
A bare nginx serves the same file of 10 KB from its disk, with one process as the edge has.

| 16 connections, 3 rounds of 5 s | requests/s | p50 | p99 |
| --- | ---: | ---: | ---: |
| a hit at the edge | ${of("edge", "perSecond").toFixed(0)} | ${ms(of("edge", "p50"))} | ${ms(of("edge", "p99"))} |
| bare nginx | ${of("bare", "perSecond").toFixed(0)} | ${ms(of("bare", "p50"))} | ${ms(of("bare", "p99"))} |
| edge / bare (goal >= 0.9) | ${(of("edge", "perSecond") / of("bare", "perSecond")).toFixed(2)} | | |

| 1 connection | p50 | p99 |
| --- | ---: | ---: |
| a hit at the edge of the region | ${ms(single.edge.p50)} | ${ms(single.edge.p99)} |
| bare nginx in the region | ${ms(single.bare.p50)} | ${ms(single.bare.p99)} |
| the origin in us, directly | ${ms(single.origin.p50)} | ${ms(single.origin.p99)} |
| origin / edge, p50 (goal >= 10) | ${(single.origin.p50 / single.edge.p50).toFixed(0)} | |

| what | measured | beside it |
| --- | ---: | --- |
| hit ratio of 100,000 requests for 10,000 objects (Zipf, exponent 0.9), a cache for about 20 % of them | ${percent(hits)} | LRU of 2,000 objects ${percent(lruHitRatio(trace, 2000))}, the optimum (Belady) ${percent(bestHitRatio(trace, 2000))} |
| requests to the origin for 500 simultaneous misses of one object | ${asked} | ${failed} failed; goal 1 |
| requests lost when region ap is stopped, clients follow DNS | ${lost.lost} of ${lost.all} | |
| until all clients are served again, from the first failure | ${lost.seconds.toFixed(1)} s | goal <= 5 s |

nginx clears its cache up every few seconds, not at every miss: it holds more than its size meanwhile, and so may hit more often
than an LRU of exactly that size.

| preview with mocks | resources | seconds | memory |
| --- | ---: | ---: | ---: |
${previews.map(({ count, resources, seconds, megabytes }) => `| ${count} regions | ${resources} | ${seconds.toFixed(2)} | ${megabytes.toFixed(0)} MB |`).join("\n")}
`;
  writeFileSync(join(repository, "bench", "cdn.md"), text);
  console.log(text);
} finally {
  await cleanUp();
}

/** Each step is taken, whatever becomes of the others, and once only: whoever asks later waits for the same. */
function cleanUp(): Promise<void> {
  return (cleaning ??= (async () => {
    for (const step of undo.reverse()) {
      try {
        await step();
      } catch (error) {
        console.error(`clean-up: ${(error as Error).message}`);
        process.exitCode = 1;
      }
    }
  })());
}
