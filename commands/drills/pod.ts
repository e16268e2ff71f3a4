import { type Drill, healed, kubectl, type Place, someReplicas } from "./drill.ts";

/** One replica is deleted; Kubernetes makes another one. */
export function losePod({ namespace }: Place): Drill {
  return {
    name: "pod",
    title: "A replica is deleted",
    by: "regions",
    work: async ({ mark }) => {
      const before = await someReplicas(namespace);
      const victim = before[0].name;
      await kubectl("-n", namespace, "delete", "pod", victim, "--wait=false");
      mark(`pod ${victim} is deleted`);
      await healed(namespace, before.length, [victim]);
      mark(`${before.length} of ${before.length} replicas are ready, and the old one has ended`);
    },
  };
}
