import { spawn } from "node:child_process";
import { once } from "node:events";
import { unknown } from "../nearest.ts";
import { type Drill, healed, kubectl, type Place, someReplicas, until } from "./drill.ts";

/**
 * A node is emptied of the app's replicas, as for maintenance, and then used again. Only the app's: others may use the node.
 */
export async function drainNode(place: Place, wanted: string | undefined): Promise<Drill> {
  const { namespace } = place;
  const nodes = (await kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}")).split(" ");
  const node = wanted ?? (await someReplicas(namespace))[0].node;
  if (!nodes.includes(node)) throw new Error(unknown("node", node, nodes));
  if (nodes.length === 1) throw new Error(`${node} is the only node: its replicas could go nowhere.`);
  return {
    name: "node",
    title: `The node ${node} is drained, as for maintenance, and used again`,
    by: "regions",
    work: async ({ mark, undo }) => {
      const before = await someReplicas(namespace);
      const victims = before.filter((replica) => replica.node === node).map(({ name }) => name);
      if (victims.length === 0) throw new Error(`no replica of the app runs on the node ${node}.`);
      undo.note(`the node ${node} takes pods`, ["kubectl", "uncordon", node]);
      await kubectl("cordon", node);
      mark(`the node ${node} takes no more pods, and its ${victims.length} of ${before.length} replicas have to go`);
      for (const victim of victims) await evict(namespace, victim);
      await healed(namespace, before.length, victims);
      mark("other nodes have taken over");
      await undo.run();
      mark(`the node ${node} takes pods again`);
      // Kubernetes moves nothing back by itself. The youngest replica's successor goes where the fewest are.
      const [youngest] = (await someReplicas(namespace)).toSorted((a, b) => b.created.localeCompare(a.created));
      if (youngest === undefined || youngest.node === node) return;
      await evict(namespace, youngest.name);
      await healed(namespace, before.length, [youngest.name]);
      const back = (await someReplicas(namespace)).filter((replica) => replica.node === node).length;
      mark(`${before.length} of ${before.length} replicas are ready, ${back} of them on ${node}`);
    },
  };
}

/** Asks for the end of a pod. Refused as long as a disruption budget would not be kept: asked again. */
async function evict(namespace: string, name: string): Promise<void> {
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } };
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
  await until(`the eviction of ${name}`, async () => {
    const child = spawn("kubectl", ["create", "--raw", path, "-f", "-"], { stdio: ["pipe", "ignore", "pipe"] });
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (more: string) => (errors += more));
    child.stdin.end(JSON.stringify(eviction));
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new Error(errors.trim());
    return true;
  });
}
