import { execFile } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

/** A share of the replicas, and how long the new release is watched with it. */
export interface Step {
  readonly weight: number;
  readonly pauseSeconds: number;
}

/** What the new release may not exceed in a step. */
export interface Limits {
  /** Answers of status 500 and above, as a percentage. */
  readonly maxErrorPercent: number;
  /** Milliseconds within which 99 % of the answers have to come. */
  readonly maxP99Milliseconds: number;
}

/** What replicas have counted, by the names of the Prometheus metrics; `le` of the last bucket is Infinity. */
export interface Counts {
  readonly requests: number;
  readonly errors: number;
  readonly buckets: ReadonlyMap<number, number>;
}

const none: Counts = { requests: 0, errors: 0, buckets: new Map() };

/** Reads `http_requests_total` and `http_request_duration_seconds` from the Prometheus text format. */
export function parseCounts(text: string): Counts {
  let [requests, errors] = [0, 0];
  const buckets = new Map<number, number>();
  for (const [, name, labels = "", number] of text.matchAll(/^(\w+)\{([^}]*)\} (\S+)$/gm)) {
    const value = Number(number);
    if (name === "http_requests_total") {
      requests += value;
      if (Number(/code="(\d+)"/.exec(labels)?.[1]) >= 500) errors += value;
    } else if (name === "http_request_duration_seconds_bucket") {
      const bound = /le="([^"]+)"/.exec(labels)?.[1] ?? "";
      buckets.set(bound === "+Inf" ? Infinity : Number(bound), value);
    }
  }
  return { requests, errors, buckets };
}

/** `a` with `b` added `times` times: once for replicas together, -1 times for what has come since. */
export function add(a: Counts, b: Counts, times = 1): Counts {
  const bounds = [...new Set([...a.buckets.keys(), ...b.buckets.keys()])];
  return {
    requests: a.requests + times * b.requests,
    errors: a.errors + times * b.errors,
    buckets: new Map(bounds.map((le) => [le, (a.buckets.get(le) ?? 0) + times * (b.buckets.get(le) ?? 0)])),
  };
}

/** Whether the new release did well, and the figures that say so. Without requests nothing can be said, which is not well. */
export function judge({ requests, errors, buckets }: Counts, limits: Limits): { good: boolean; figures: string } {
  if (requests === 0) return { good: false, figures: "it got no request, so nothing can be said of it" };
  const percent = (100 * errors) / requests;
  const total = Math.max(0, ...buckets.values());
  const bounds = [...buckets].sort(([a], [b]) => a - b);
  // Known to a bucket: 99 % of the answers came within its bound.
  const p99 = 1000 * (bounds.find(([, count]) => count >= 0.99 * total)?.[0] ?? Infinity);
  const { maxErrorPercent, maxP99Milliseconds } = limits;
  const share = `${errors} of ${requests} requests failed (${percent.toFixed(1)} %, at most ${maxErrorPercent} %)`;
  const time = `p99 is at most ${p99} ms (at most ${maxP99Milliseconds} ms)`;
  return { good: percent <= maxErrorPercent && p99 <= maxP99Milliseconds, figures: `${share}, ${time}` };
}

/** Watches the replicas of a version for a while, by their own metrics: what they have counted meanwhile. */
export async function watch(namespace: string, version: string, seconds: number): Promise<Counts> {
  const before = await read(namespace, version);
  await pause(seconds * 1000);
  const after = await read(namespace, version);
  return [...after].reduce((sum, [pod, counts]) => add(add(sum, counts), before.get(pod) ?? none, -1), none);
}

async function read(namespace: string, version: string): Promise<Map<string, Counts>> {
  const kubectl = async (...args: string[]) => (await promisify(execFile)("kubectl", args)).stdout;
  const labels = `app.kubernetes.io/name=hello,app.kubernetes.io/version=${version}`;
  const list = ["-n", namespace, "get", "pods", "-l", labels, "-o", "jsonpath={.items[*].metadata.name}"];
  const pods = (await kubectl(...list)).split(" ").filter(Boolean);
  const metrics = (pod: string) =>
    kubectl("get", "--raw", `/api/v1/namespaces/${namespace}/pods/${pod}:3000/proxy/metrics`);
  return new Map(await Promise.all(pods.map(async (pod) => [pod, parseCounts(await metrics(pod))] as const)));
}

/** Reads steps such as `10:30,50:30`: weight and seconds of each. @throws Error with one sentence */
export function parseSteps(text: string): Step[] {
  const steps = text.split(",").map((step) => {
    const [, weight, seconds] = /^(\d{1,3}):(\d{1,4})$/.exec(step) ?? [];
    return { weight: Number(weight), pauseSeconds: Number(seconds) };
  });
  const rises = steps.every(({ weight }, index) => weight > (steps[index - 1]?.weight ?? 0) && weight < 100);
  if (!rises) {
    throw new Error(
      `--steps must be rising weights from 1 to 99, each with its seconds, such as 10:30,50:30, got ${JSON.stringify(text)}.`,
    );
  }
  return steps;
}
