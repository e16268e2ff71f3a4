/** `npm start`: from a fresh clone to an answering app, and a quick no-op when everything is there. */
import { parse } from "yaml";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { showSpread } from "../commands/spread.ts";
import { up } from "./cluster.ts";
import { installPackages } from "./debian.ts";
import { interruption, until, UserError } from "./exec.ts";
import { seedEdgeImage, seedStoreImage } from "./images.ts";
import { leadsIntoCluster } from "./network.ts";
import { repository } from "./paths.ts";
import { preflight } from "./preflight.ts";
import { isQuiet, say } from "./progress.ts";
import { preparePulumi, providePulumi, pulumiOutput, readStackFile, runPulumi, stack } from "./pulumi.ts";

/** A value of the stack, or the default that Pulumi.yaml declares. */
function configured(key: string): unknown {
  const project = parse(readFileSync(join(repository, "Pulumi.yaml"), "utf8")) as {
    config?: Record<string, { default?: unknown }>;
  };
  return readStackFile().config?.[`meridian:${key}`] ?? project.config?.[key]?.default;
}

/** What the cluster needs to know of the stack. Wrong values are reported by the program, in its own words. */
export function wantedBy(configured: (key: string) => unknown): {
  regions?: string[];
  servicePorts: [number];
  gateway?: true;
} {
  const regions = configured("regions");
  // `pulumi config set` writes numbers as texts.
  const port = Number(configured("port"));
  const names = Array.isArray(regions) && regions.every((name) => typeof name === "string") ? regions : undefined;
  return {
    ...(names !== undefined && { regions: names }),
    servicePorts: [Number.isInteger(port) && port > 0 ? port : 8888],
    // A host name needs somebody who serves it; one that is there already stays without.
    ...((configured("host") ?? "") !== "" && { gateway: true as const }),
  };
}

export async function startEverything(): Promise<void> {
  const wanted = wantedBy(configured);
  await preflight(wanted.servicePorts);
  await installPackages();
  const pulumi = await providePulumi();
  const target = configured("target");
  const docker = target === "docker" ? "host" : target === "swarm" ? "swarm" : undefined;
  await up({ ...wanted, docker });
  if (docker === "swarm" && configured("swarmPublish") === "ingress" && !existsSync("/proc/net/ip_vs")) {
    throw new UserError(
      "this kernel has no IPVS, without which nothing gets through a Swarm's routing mesh; run `npm run pulumi -- config set swarmPublish balancer` and try again.",
    );
  }
  if (configured("store") === true || configured("store") === "true") await seedStoreImage();
  const needsEdge = configured("cdn") === true || configured("cdn") === "true" || docker !== undefined;
  if (needsEdge) await seedEdgeImage();
  await preparePulumi(pulumi);
  interruption.signal.throwIfAborted();
  const args = ["up", "--stack", stack, "--yes", "--skip-preview", "--suppress-permalink=true"];
  // Quiet, it says only what has failed.
  const code = isQuiet() ? (await pulumiOutput(pulumi, args), 0) : await runPulumi(pulumi, args);
  if (code !== 0) {
    interruption.signal.throwIfAborted();
    throw new UserError("pulumi up failed, see above; mend what it names and run `npm start` again.");
  }
  const url = (await pulumiOutput(pulumi, ["stack", "output", "url", "--stack", stack])).trim();
  const [port] = wanted.servicePorts;
  const local = `http://localhost:${port}`;
  // A stack that has just moved to Docker: the Service is gone, and the port of localhost is given back a moment later.
  // Until then its pods, which still drain, would answer.
  if (docker) {
    const what = `the cluster's giving port ${port} of localhost back to Docker (another stack's Service may have it: \`npm run kubectl -- get services -A\`)`;
    await until(what, async () => !(await leadsIntoCluster(port)), { seconds: 30 });
  }
  // Ready pods are in the Service at once, but the proxies hear of it a moment later.
  await until(`an answer at ${local}`, async () => (await fetch(`${local}/healthz`)).ok, { seconds: 30 });
  say("");
  process.exitCode = await showSpread({ url: local, requests: 100 }, process.stdout, { quiet: isQuiet() });
  say(`\nThe app answers at ${local} and ${url}. \`npm run cluster -- down\` stops everything.`);
}
