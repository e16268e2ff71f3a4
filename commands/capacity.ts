import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** What containers ask for, in cores and bytes. */
interface Room {
  readonly cpu: number;
  readonly memory: number;
  readonly pods: number;
}

interface Pod {
  readonly spec: {
    readonly nodeName?: string;
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly affinity?: {
      readonly nodeAffinity?: {
        readonly requiredDuringSchedulingIgnoredDuringExecution?: {
          readonly nodeSelectorTerms: readonly { readonly matchExpressions?: readonly Expression[] }[];
        };
      };
    };
    readonly containers: readonly { readonly resources?: { readonly requests?: Readonly<Record<string, string>> } }[];
  };
  readonly status?: { readonly phase?: string };
}

interface Expression {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

interface Node {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: { readonly unschedulable?: boolean };
  readonly status: { readonly allocatable: Readonly<Record<string, string>> };
}

/** What the cluster says; undefined where the user may not ask. */
export interface Cluster {
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  /** A replica as it runs now. */
  readonly replica: Pod;
}

const units: Readonly<Record<string, number>> = {
  "": 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A quantity such as 250m or 64Mi as a number. */
export function parseQuantity(text = "0"): number {
  const [, number = "0", unit = ""] = /^([\d.]+(?:e\d+)?)([a-zA-Z]*)$/.exec(text) ?? [];
  return Number(number) * (units[unit] ?? NaN);
}

/** How many more replicas there is room for, at most: taints and the spread over regions may leave less. */
export function roomFor({ nodes, pods, replica }: Cluster): number {
  const wanted = requests(replica);
  const free = nodes
    .filter((node) => mayRunOn(node, replica))
    .map((node) => {
      const { cpu, memory, pods: places } = node.status.allocatable;
      const there = pods.filter(
        ({ spec, status }) =>
          spec.nodeName === node.metadata.name && status?.phase !== "Succeeded" && status?.phase !== "Failed",
      );
      const taken = there
        .map(requests)
        .reduce((a, b) => ({ cpu: a.cpu + b.cpu, memory: a.memory + b.memory, pods: a.pods + 1 }), {
          cpu: 0,
          memory: 0,
          pods: 0,
        });
      const fits = [
        (parseQuantity(cpu) - taken.cpu) / wanted.cpu,
        (parseQuantity(memory) - taken.memory) / wanted.memory,
        parseQuantity(places) - taken.pods,
      ];
      // A hair more, since sums of tenths are not exact.
      return Math.max(0, Math.floor(Math.min(...fits.filter((fit) => !Number.isNaN(fit))) + 1e-6));
    });
  return free.reduce((sum, count) => sum + count, 0);
}

/** Why a second set of replicas cannot run beside the first; undefined if it can, as far as that is known. */
export function tooLittleRoom(cluster: Cluster, replicas: number): string | undefined {
  const room = roomFor(cluster);
  if (room >= replicas) return undefined;
  return (
    `A blueGreen release starts ${replicas} replicas beside those that run, and the nodes have room for ${room} more at most: ` +
    "lower replicas, add nodes, or release with --kind rolling, which needs room for one."
  );
}

/** What the cluster of the current context has; undefined if it does not say, or if nothing runs there yet. */
export async function readCluster(namespace: string): Promise<Cluster | undefined> {
  const get = async (...args: string[]): Promise<unknown> => {
    const { stdout } = await promisify(execFile)("kubectl", ["get", ...args, "-o", "json"], { maxBuffer: 2 ** 28 });
    return (JSON.parse(stdout) as { items: unknown }).items;
  };
  try {
    const [nodes, pods, replicas] = await Promise.all([
      get("nodes"),
      get("pods", "--all-namespaces"),
      get("pods", "-n", namespace, "-l", "app.kubernetes.io/name=hello"),
    ]);
    const [replica] = replicas as Pod[];
    return replica && { nodes: nodes as Node[], pods: pods as Pod[], replica };
  } catch {
    // Whoever may deploy need not be allowed to look at nodes: then the scheduler's word has to do.
    return undefined;
  }
}

function requests({ spec }: Pod): Room {
  const sum = (key: string): number =>
    spec.containers.reduce((total, { resources }) => total + parseQuantity(resources?.requests?.[key]), 0);
  return { cpu: sum("cpu"), memory: sum("memory"), pods: 1 };
}

function mayRunOn({ metadata: { labels = {} }, spec }: Node, replica: Pod): boolean {
  const { nodeSelector = {}, affinity } = replica.spec;
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const holds = ({ key, operator, values = [] }: Expression): boolean =>
    operator !== "In" || values.includes(labels[key] ?? "");
  return (
    spec.unschedulable !== true &&
    Object.entries(nodeSelector).every(([key, value]) => labels[key] === value) &&
    (terms.length === 0 || terms.some(({ matchExpressions = [] }) => matchExpressions.every(holds)))
  );
}
