import { type Drill, healed, kubectl, outage, type Place, someReplicas } from "./drill.ts";
import { cutPower, needHands } from "./kit.ts";

/** Images cannot be had for a while, and meanwhile a replica is lost. */
export function loseRegistry({ namespace }: Place, outageSeconds: number): Drill {
  needHands("its image registry");
  return {
    name: "registry",
    title: "The image registry goes away, and a replica with it",
    by: "regions",
    work: async ({ mark, undo }) => {
      const before = await someReplicas(namespace);
      const victim = before[0].name;
      await cutPower(["registry"], undo);
      mark("the registry is gone");
      await kubectl("-n", namespace, "delete", "pod", victim, "--wait=false");
      mark(`pod ${victim} is deleted`);
      await healed(namespace, before.length, [victim]);
      mark(`${before.length} of ${before.length} replicas are ready, from the image that the node had`);
      await outage(outageSeconds);
      await undo.run();
      mark("the registry is back");
    },
  };
}
