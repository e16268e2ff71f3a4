/** Whether a second set of replicas has room beside the first, as a blue/green release needs it. */
import { parseQuantity } from "./components/resources.ts";

/** What containers ask for, in cores and bytes. */
interface Requests {
  readonly cpu: number;
  readonly memory: number;
  readonly pods: number;
}

interface Pod {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>>; readonly deletionTimestamp?: string };
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

/** What there is, and what is taken. */
export interface Room {
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  /** A replica as it runs now. */
  readonly replica: Pod;
}

/** How many more replicas there is room for, at most: taints and the spread over regions may leave less. */
export function roomFor({ nodes, pods, replica }: Room): number {
  const wanted = requests(replica);
  const free = nodes
    .filter((node) => mayRunOn(node, replica))
    .map((node) => {
      const { cpu, memory, pods: places } = node.status.allocatable;
      const there = pods.filter(
        ({ metadata, spec, status }) =>
          spec.nodeName === node.metadata.name &&
          // What ends makes room.
          metadata?.deletionTimestamp === undefined &&
          status?.phase !== "Succeeded" &&
          status?.phase !== "Failed",
      );
      const taken = there
        .map(requests)
        .reduce((a, b) => ({ cpu: a.cpu + b.cpu, memory: a.memory + b.memory, pods: a.pods + 1 }), {
          cpu: 0,
          memory: 0,
          pods: 0,
        });
      const fits = [
        (quantity(cpu) - taken.cpu) / wanted.cpu,
        (quantity(memory) - taken.memory) / wanted.memory,
        quantity(places) - taken.pods,
      ];
      // A hair more, since sums of tenths are not exact.
      return Math.max(0, Math.floor(Math.min(...fits.filter((fit) => !Number.isNaN(fit))) + 1e-6));
    });
  return free.reduce((sum, count) => sum + count, 0);
}

/** Why a second set of replicas cannot run beside the first; undefined if it can, as far as that is known. */
export function tooLittleRoom(cluster: Room, replicas: number): string | undefined {
  const room = roomFor(cluster);
  if (room >= replicas) return undefined;
  return `release "blueGreen" starts ${replicas} replicas beside those that run, and the nodes have room for ${room} more at most`;
}

/**
 * What the cluster has for a release beside those that run in a namespace; undefined if it does not say, or if there is
 * nothing to find room for: no release before this one, or its own replicas are there already.
 *
 * @param get what `kubectl get … -o json` prints for these arguments; undefined if it may not be asked
 */
export async function readRoom(
  get: (...args: string[]) => Promise<string | undefined>,
  namespace: string,
  version?: string,
): Promise<Room | undefined> {
  const list = async <T>(...args: string[]): Promise<readonly T[] | undefined> => {
    const text = await get(...args);
    return text === undefined ? undefined : (JSON.parse(text) as { items: T[] }).items;
  };
  const replicas = (await list<Pod>("pods", "-n", namespace, "-l", "app.kubernetes.io/name=hello")) ?? [];
  const [replica] = replicas;
  const isThere = replicas.some(({ metadata }) => metadata?.labels?.["app.kubernetes.io/version"] === version);
  if (replica === undefined || isThere) return undefined;
  const [nodes, pods] = await Promise.all([list<Node>("nodes"), list<Pod>("pods", "--all-namespaces")]);
  return nodes && pods && { nodes, pods, replica };
}

/** The API server writes some with an exponent, such as 1e3. */
const quantity = (text = "0"): number => parseQuantity(text) ?? Number(text);

function requests({ spec }: Pod): Requests {
  const sum = (key: string): number =>
    spec.containers.reduce((total, { resources }) => total + quantity(resources?.requests?.[key]), 0);
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
