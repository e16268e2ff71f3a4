import { type Drill, healed, kubectl, outage, type Place, someReplicas, until } from "./drill.ts";
import { cutPower, needHands } from "./kit.ts";

/** Nobody decides anything for a while: what runs goes on running, and nothing is healed. */
export function loseControlPlane({ namespace }: Place, outageSeconds: number): Drill {
  needHands("its control plane");
  return {
    name: "control-plane",
    title: "The control plane goes away, and comes back",
    by: "regions",
    work: async ({ mark, undo }) => {
      const before = await someReplicas(namespace);
      mark("the control plane is told to stop: etcd, API server, scheduler, controllers");
      await cutPower(["control-plane"], undo);
      mark("it is gone: nothing can be changed, and nothing is healed");
      await outage(outageSeconds);
      await undo.run();
      mark("the API server answers again");
      await until("the readiness of all nodes", async () => {
        const path = 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}';
        return (await kubectl("get", "nodes", "-o", path)).split(" ").every((status) => status === "True");
      });
      // Whoever was healed meanwhile may have another name, but there are as many.
      await healed(namespace, before.length, []);
      mark(`all nodes are ready, and ${before.length} of ${before.length} replicas`);
    },
  };
}
