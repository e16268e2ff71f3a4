/** What Kubernetes did, as its own events tell. */
import { kubectl } from "./drill.ts";

export interface ClusterEvent {
  /** Seconds since the load began; Kubernetes often tells whole seconds only. */
  readonly at: number;
  /** Such as `Pod/hello-1`. */
  readonly object: string;
  readonly reason: string;
  readonly message: string;
  readonly isWarning: boolean;
}

interface EventList {
  readonly items: readonly {
    readonly involvedObject: { readonly kind: string; readonly name: string; readonly namespace?: string };
    readonly reason?: string;
    readonly message?: string;
    readonly type?: string;
    readonly firstTimestamp?: string | null;
    readonly lastTimestamp?: string | null;
    readonly eventTime?: string | null;
    readonly series?: { readonly lastObservedTime?: string };
  }[];
}

/** The events since `began`, a time in milliseconds, of the nodes and of the app's namespace. */
export async function eventsSince(began: number, namespace: string): Promise<ClusterEvent[]> {
  return parseEvents(await kubectl("get", "events", "-A", "-o", "json"), began, namespace);
}

export function parseEvents(json: string, began: number, namespace: string): ClusterEvent[] {
  const found = (JSON.parse(json) as EventList).items.flatMap((event) => {
    const { kind, name, namespace: place } = event.involvedObject;
    if (kind !== "Node" && place !== namespace) return [];
    const time = event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp;
    const at = (Date.parse(time ?? "") - began) / 1000;
    // Whole seconds are cut off: up to one second too early.
    if (!(at > -1)) return [];
    const message = (event.message ?? "").replace(/\s+/g, " ").trim();
    const isWarning = event.type === "Warning";
    return [{ at: Math.max(0, at), object: `${kind}/${name}`, reason: event.reason ?? "", message, isWarning }];
  });
  const seen = new Set<string>();
  return found
    .toSorted((a, b) => a.at - b.at)
    .filter(({ object, reason, message }) => {
      const key = `${object} ${reason} ${message}`;
      return seen.size < seen.add(key).size;
    });
}
