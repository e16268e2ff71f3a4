import { unknown } from "../nearest.ts";
import { type Drill, interruption, kubectl, lastSeconds, type Place, someReplicas, until } from "./drill.ts";
import { cutPower, needHands } from "./kit.ts";

/** A region loses its power at once, and gets it back when the others answer everything, or after some seconds. */
export async function loseRegion(place: Place, wanted: string, outageSeconds: number | undefined): Promise<Drill> {
  needHands("a region");
  const label = "{.items[*].metadata.labels.topology\\.kubernetes\\.io/region}";
  const regions = [...new Set((await kubectl("get", "nodes", "-o", `jsonpath=${label}`)).split(" "))].filter(Boolean);
  const region = regions.find((name) => name === wanted.toLowerCase());
  if (region === undefined) throw new Error(unknown("region", wanted, regions));
  return {
    name: "region",
    title: `The region ${region} loses its power, and gets it back`,
    by: "regions",
    work: async ({ mark, report, undo }) => {
      await someReplicas(place.namespace);
      const answersFrom = (count: number): boolean =>
        lastSeconds(report(), count).some(({ regions: counts }) => (counts[region] ?? 0) > 0);
      await until(`an answer from ${region}`, () => answersFrom(5), 10);
      mark(`the region ${region} loses its power`);
      const began = performance.now();
      await cutPower(["region", region], undo);
      const isOver = (): boolean => outageSeconds !== undefined && performance.now() - began > outageSeconds * 1000;
      const othersAnswer = (): boolean => {
        const last = lastSeconds(report(), 5);
        return last.length === 5 && last.every(({ failed }) => failed === 0) && !answersFrom(5);
      };
      await until("five seconds without a failed request", () => isOver() || othersAnswer());
      if (!isOver()) mark("the other regions answer everything");
      await undo.run();
      interruption.signal.throwIfAborted();
      mark(`the region ${region} has its power back`);
      // Its first answers come while nodes still lead requests to where its replicas were.
      const isWhole = (): boolean => lastSeconds(report(), 3).every(({ failed }) => failed === 0);
      await until(`answers from ${region}, and no failed request for three seconds`, () => answersFrom(2) && isWhole());
      mark(`the region ${region} answers again`);
    },
  };
}
