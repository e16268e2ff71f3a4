import { appSelector, type Drill, healed, kubectl, lastSeconds, outage, type Place, replicas, until } from "./drill.ts";

interface DeploymentList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly replicas: number };
  }[];
}

/** All replicas go away, and the CDN answers from what it has kept. */
export function loseOrigin({ namespace, edges, url }: Place, outageSeconds: number): Drill {
  if (edges.length === 0) {
    throw new Error(
      "the stack has no CDN that could go on: `pulumi config set cdn true`, then `npm start`, makes one.",
    );
  }
  return {
    name: "origin",
    title: "The app goes away behind the CDN, and comes back",
    by: "caches",
    load: { url: edges.map((edge) => edge.url), accept: "text/html" },
    work: async ({ mark, report, undo }) => {
      const json = await kubectl("-n", namespace, "get", "deployments", "-l", appSelector, "-o", "json");
      const running = (JSON.parse(json) as DeploymentList).items.filter(({ spec }) => spec.replicas > 0);
      if (running.length === 0) throw new Error(`no Deployment of the app runs in the namespace ${namespace}.`);
      const count = running.reduce((sum, { spec }) => sum + spec.replicas, 0);
      const scale = (name: string, to: number): string[] => [
        ...["-n", namespace, "scale", `deployment/${name}`, `--replicas=${to}`],
      ];
      const answers = (cache: string): boolean =>
        lastSeconds(report(), 2).some(({ caches }) => (caches[cache] ?? 0) > 0);
      await until("an answer from the cache", () => answers("fresh"), 30);
      for (const { metadata, spec } of running) {
        const back = scale(metadata.name, spec.replicas);
        undo.note(`${metadata.name} has ${spec.replicas} replicas`, ["kubectl", ...back]);
        await kubectl(...scale(metadata.name, 0));
      }
      mark(`all ${count} replicas are told to go`);
      await until("the end of all replicas", async () => (await replicas(namespace)).length === 0);
      const why = await fetch(url, { signal: AbortSignal.timeout(2000) }).then(
        ({ status }) => `HTTP ${status}`,
        (error: Error & { cause?: { code?: string } }) =>
          error.cause?.code ?? (error.name === "TimeoutError" ? "nothing within 2 s" : error.message),
      );
      mark(`the app itself no longer answers (${why}), the CDN does`);
      await outage(outageSeconds);
      await undo.run();
      mark(`${count} replicas are wanted again`);
      await healed(namespace, count, []);
      mark(`${count} of ${count} replicas are ready`);
      await until("fresh answers again", () =>
        lastSeconds(report(), 2).every(
          ({ caches, failed }) => (caches["fresh"] ?? 0) > (caches["stale"] ?? 0) + failed,
        ),
      );
      mark("the CDN's answers are fresh again");
    },
  };
}
