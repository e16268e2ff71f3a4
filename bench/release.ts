/**
 * `npm run bench -- release`: how long a release takes by `pulumi up`, beside `kubectl apply` and `kubectl rollout status`
 * of the same Deployment, and Argo Rollouts' blueGreen of the same Pods, in the same run, in turns. Both images are built and
 * pulled before. Each figure is a median with its range; the ratio is that of the medians.
 */
import { loadavg } from "node:os";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { format } from "prettier";
import { repository } from "../local/paths.ts";
import { apply, kubectl, Program, until } from "../test/e2e/support.ts";
import { ArgoRollouts } from "./release/argo-rollouts.ts";
import { serveLike } from "./release/like-service.ts";
import type { Service } from "./release/like-service.ts";
import { EmptyProgram } from "./release/empty-program.ts";

/** `npm run bench -- release 3` measures three releases of each kind. */
const rounds = Number(process.argv[2] ?? 5);
const config = { regions: ["eu", "us", "ap"], replicas: 3 };

interface Release {
  readonly version: string;
  readonly image: string;
}

/** Seconds that work takes. */
async function time(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Seconds until new connections are answered by a version, ten times in a row: until the first of the ten. */
async function answered(url: string, version: string): Promise<number> {
  const start = performance.now();
  let first = start;
  for (let times = 0; times < 10;) {
    const sent = performance.now();
    const answer = await fetch(url, { headers: { connection: "close", accept: "application/json" } });
    await answer.text();
    times = answer.headers.get("x-version") === version ? times + 1 : 0;
    if (times === 1) first = sent;
    // What is measured needs the same two cores.
    await pause(50);
  }
  return (first - start) / 1000;
}

async function build(program: Program): Promise<Release[]> {
  const releases = [];
  for (const version of ["v0.0.1", "v0.0.2"]) {
    configure(program, "rolling", { version, image: "" });
    await program.up();
    releases.push({ version, image: await program.output("imageRef") });
  }
  return releases;
}

const port = 20_000 + Math.floor(Math.random() * 10_000);
function configure(program: Program, kind: string, release: Release): void {
  const own = { namespace: program.namespace, repository: program.image, port };
  program.configure({ ...own, ...config, release: kind, ...release });
}

interface Deployment {
  readonly apiVersion: "apps/v1";
  readonly kind: "Deployment";
  readonly metadata: object;
  readonly spec: Record<string, unknown>;
}

/** The program's Deployment without what Pulumi and the cluster have added. */
async function manifest(program: Program): Promise<(release: Release) => Deployment> {
  const list = JSON.parse(await kubectl("-n", program.namespace, "get", "deployments", "-o", "json")) as {
    items: [{ spec: { template: { spec: { serviceAccountName: string } } } }];
  };
  const { spec } = list.items[0];
  spec.template.spec.serviceAccountName = "default";
  const text = (release: Release): string =>
    JSON.stringify(spec)
      .replaceAll(/"image":"[^"]+"/g, `"image":"${release.image}"`)
      .replaceAll(/"app.kubernetes.io\/version":"[^"]+"/g, `"app.kubernetes.io/version":"${release.version}"`);
  return (release) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "plain" },
    spec: JSON.parse(text(release)) as Record<string, unknown>,
  });
}

async function applyAndWait(deployment: Deployment, namespace: string): Promise<void> {
  await apply(namespace, deployment);
  await kubectl("-n", namespace, "rollout", "status", "deployment/plain", "--timeout=300s");
}

function row(what: string, seconds: readonly number[], base: readonly number[]): string {
  const sorted = [...seconds].sort((a, b) => a - b);
  const median = (of: readonly number[]): number => [...of].sort((a, b) => a - b)[Math.floor(of.length / 2)] ?? NaN;
  const range = `${sorted[0]?.toFixed(1)} – ${sorted.at(-1)?.toFixed(1)} s`;
  return `| ${what} | ${median(seconds).toFixed(1)} s | ${range} | ${(median(seconds) / median(base)).toFixed(2)} |`;
}

const loadBefore = loadavg()[0]!;
const program = await Program.create(config);
const namespace = `${program.namespace}-plain`;
const argo = new ArgoRollouts(`${program.namespace}-argo`);
const empty = new EmptyProgram();
const up = (): Promise<string> => program.pulumi("up", "--yes", "--skip-preview");
const figures = [
  "kubectl",
  "applied",
  "empty",
  "unchanged",
  "rolled",
  "rolling",
  "argo",
  "switched",
  "blueGreen",
] as const;
const times = Object.fromEntries(figures.map((name) => [name, []])) as unknown as Record<
  (typeof figures)[number],
  number[]
>;
try {
  const [first, second] = (await build(program)) as [Release, Release];
  const other = (release: Release): Release => (release === first ? second : first);
  const url = await program.output("url");
  const plain = await manifest(program);
  await kubectl("create", "namespace", namespace);
  const service = JSON.parse(
    await kubectl("-n", program.namespace, "get", "service", "hello", "-o", "json"),
  ) as Service;
  const { selector } = plain(second).spec as { selector: { matchLabels: object } };
  const plainService = { namespace, name: "plain", port: port + 1, selector: selector.matchLabels };
  const plainUrl = await serveLike(service, plainService);
  await applyAndWait(plain(second), namespace);
  await answered(plainUrl, second.version);
  const argoUrl = await argo.start(service, port + 2);
  await argo.release(plain(second));
  await argo.settled(config.replicas);
  await answered(argoUrl, second.version);

  // Pods of a release before would take time from the next one while they end.
  const settled = async () => {
    await argo.settled(config.replicas);
    await until("the end of earlier Pods", async () => {
      return (await kubectl("get", "pods", "-A", "-o", "jsonpath={.items[*].metadata.deletionTimestamp}")) === "";
    });
  };
  let next = first;
  for (let round = 0; round < rounds; round++, next = other(next)) {
    const release = next;
    await settled();
    const apply = () => applyAndWait(plain(release), namespace);
    const applied = await Promise.all([answered(plainUrl, release.version), time(apply)]);
    times.applied.push(applied[0]);
    times.kubectl.push(applied[1]);
    configure(program, "rolling", release);
    await settled();
    const rolled = await Promise.all([answered(url, release.version), time(up)]);
    times.rolled.push(rolled[0]);
    times.rolling.push(rolled[1]);
    await settled();
    times.unchanged.push(await time(up));
    times.empty.push(await time(() => empty.pulumi("up", "--yes", "--skip-preview")));
    const argoReleases = await Promise.all([answered(argoUrl, release.version), argo.release(plain(release))]);
    times.argo.push(argoReleases[0]);
  }
  await kubectl("delete", "namespace", namespace);
  configure(program, "blueGreen", other(next));
  await up();
  for (let round = 0; round < rounds; round++, next = other(next)) {
    const release = next;
    configure(program, "blueGreen", release);
    await settled();
    const switched = await Promise.all([answered(url, release.version), time(up)]);
    times.switched.push(switched[0]);
    times.blueGreen.push(switched[1]);
  }
} finally {
  empty.remove();
  await argo.remove();
  await kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false");
  await program.remove();
}

const table = [
  "| what | median | range | of `kubectl` |",
  "| --- | --- | --- | --- |",
  row("`kubectl apply` and `rollout status`", times.kubectl, times.kubectl),
  row("`kubectl apply`, until all new connections get the new release", times.applied, times.kubectl),
  row("`pulumi up` of a program without any resource (the floor)", times.empty, times.kubectl),
  row("`pulumi up` without a change", times.unchanged, times.kubectl),
  row("`pulumi up`, rolling, until all new connections get the new release", times.rolled, times.kubectl),
  row("`pulumi up`, rolling", times.rolling, times.kubectl),
  row("Argo Rollouts' blueGreen, until new connections are switched", times.argo, times.kubectl),
  row("`pulumi up`, blueGreen with a smoke test, until new connections are switched", times.switched, times.kubectl),
  row("`pulumi up`, blueGreen with a smoke test, until the old release is gone", times.blueGreen, times.kubectl),
];
const what =
  `Three replicas in three regions, ${rounds} releases of each kind on one run, images built and pulled before. ` +
  `The machine's load average before it was ${loadBefore.toFixed(1)}. Argo Rollouts ran without an analysis.`;
const markdown = `# Releases\n\nWritten by \`npm run bench -- release\`, on 2 cores. ${what}\n\n${table.join("\n")}\n`;
const text = await format(markdown, { parser: "markdown" });
writeFileSync(join(repository, "bench", "release.md"), text);
console.log(text);
