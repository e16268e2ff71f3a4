/**
 * `npm run bench -- release`: how long a release takes by `pulumi up`, beside `kubectl apply` and `kubectl rollout status`
 * of the same Deployment in the same run, in turns. Both images are built and pulled before. Each figure is a median with
 * its range; the ratio is that of the medians.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { run } from "../local/exec.ts";
import { repository } from "../local/paths.ts";
import { kubectl, Program } from "../test/e2e/support.ts";

const rounds = 5;
const config = { regions: ["eu", "us", "ap"], replicas: 3 };

interface Release {
  readonly version: string;
  readonly image: string;
}

/** Seconds that work takes. */
async function time(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Waits until new connections are answered by a version, ten times in a row. */
async function answered(url: string, version: string): Promise<void> {
  for (let times = 0; times < 10;) {
    const answer = await fetch(url, { headers: { connection: "close", accept: "application/json" } });
    await answer.text();
    times = answer.headers.get("x-version") === version ? times + 1 : 0;
  }
}

async function build(program: Program): Promise<Release[]> {
  const releases = [];
  for (const version of ["v0.0.1", "v0.0.2"]) {
    await configure(program, "rolling", { version, image: "" });
    await program.up();
    releases.push({ version, image: await program.output("imageRef") });
  }
  return releases;
}

const port = 20_000 + Math.floor(Math.random() * 10_000);
async function configure(program: Program, kind: string, release: Release): Promise<void> {
  const own = { namespace: program.namespace, repository: program.image, port };
  program.configure({ ...own, ...config, release: kind, ...release });
}

/** The program's Deployment without what Pulumi and the cluster have added, in a namespace of its own. */
async function manifest(program: Program, namespace: string): Promise<(release: Release) => string> {
  const list = JSON.parse(await kubectl("-n", program.namespace, "get", "deployments", "-o", "json")) as {
    items: [{ spec: { template: { spec: { serviceAccountName: string } } } }];
  };
  const { spec } = list.items[0];
  spec.template.spec.serviceAccountName = "default";
  const text = (release: Release): string =>
    JSON.stringify(spec)
      .replaceAll(/"image":"[^"]+"/g, `"image":"${release.image}"`)
      .replaceAll(/"app.kubernetes.io\/version":"[^"]+"/g, `"app.kubernetes.io/version":"${release.version}"`);
  return (release) =>
    `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"plain","namespace":"${namespace}"},"spec":${text(release)}}`;
}

async function applyAndWait(text: string, namespace: string): Promise<void> {
  await run("kubectl", ["apply", "-f", "-"], { input: text });
  await kubectl("-n", namespace, "rollout", "status", "deployment/plain", "--timeout=300s");
}

function row(what: string, seconds: readonly number[], base: readonly number[]): string {
  const sorted = [...seconds].sort((a, b) => a - b);
  const median = (of: readonly number[]): number => [...of].sort((a, b) => a - b)[Math.floor(of.length / 2)] ?? NaN;
  const range = `${sorted[0]?.toFixed(1)} – ${sorted.at(-1)?.toFixed(1)} s`;
  return `| ${what} | ${median(seconds).toFixed(1)} s | ${range} | ${(median(seconds) / median(base)).toFixed(2)} |`;
}

const program = await Program.create(config);
const namespace = `${program.namespace}-plain`;
const times: Record<"kubectl" | "floor" | "rolling" | "switched" | "blueGreen", number[]> = {
  floor: [],
  kubectl: [],
  rolling: [],
  switched: [],
  blueGreen: [],
};
try {
  const [first, second] = (await build(program)) as [Release, Release];
  const url = await program.output("url");
  const plain = await manifest(program, namespace);
  await kubectl("create", "namespace", namespace);
  await applyAndWait(plain(second), namespace);
  let next = first;
  for (let round = 0; round < rounds; round++) {
    const release = next;
    times.kubectl.push(await time(() => applyAndWait(plain(release), namespace)));
    await configure(program, "rolling", release);
    times.rolling.push(await time(() => program.pulumi("up", "--yes", "--skip-preview")));
    times.floor.push(await time(() => program.pulumi("up", "--yes", "--skip-preview")));
    next = release === first ? second : first;
  }
  await kubectl("delete", "namespace", namespace, "--wait=false");
  await configure(program, "blueGreen", next === first ? second : first);
  await program.pulumi("up", "--yes", "--skip-preview");
  for (let round = 0; round < rounds; round++) {
    const release = next;
    await configure(program, "blueGreen", release);
    const up = time(() => program.pulumi("up", "--yes", "--skip-preview"));
    times.switched.push(await time(() => answered(url, release.version)));
    times.blueGreen.push(await up);
    next = release === first ? second : first;
  }
} finally {
  await kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false");
  await program.remove();
}

const table = [
  "| what | median | range | of `kubectl` |",
  "| --- | --- | --- | --- |",
  row("`kubectl apply` and `rollout status`", times.kubectl, times.kubectl),
  row("`pulumi up` without a change (the floor)", times.floor, times.kubectl),
  row("`pulumi up`, rolling", times.rolling, times.kubectl),
  row("`pulumi up`, blueGreen with a smoke test, until new connections are switched", times.switched, times.kubectl),
  row("`pulumi up`, blueGreen with a smoke test, until the old release is gone", times.blueGreen, times.kubectl),
];
const what = `Three replicas in three regions, ${rounds} releases of each kind on one run, images built and pulled before.`;
const markdown = `# Releases\n\nWritten by \`npm run bench -- release\`, on 2 cores. ${what}\n\n${table.join("\n")}\n`;
const text = await format(markdown, { parser: "markdown" });
writeFileSync(join(repository, "bench", "release.md"), text);
console.log(text);
