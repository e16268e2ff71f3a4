/**
 * The hands of whoever runs the cluster: only they can cut the power of a part of it. The local kit lends them by two
 * variables: `MERIDIAN_KIT`, its program, and `MERIDIAN_KUBECONFIG`, the cluster that it is for.
 */
import { interruption, text } from "./drill.ts";
import type { Undo } from "./undo.ts";

/** Whether the cluster in use is the local kit's own. */
export function isOurs(): boolean {
  const { KUBECONFIG, MERIDIAN_KIT, MERIDIAN_KUBECONFIG } = process.env;
  return MERIDIAN_KIT !== undefined && KUBECONFIG !== undefined && KUBECONFIG === MERIDIAN_KUBECONFIG;
}

/** @throws Error if there are no such hands */
export function needHands(what: string): void {
  if (!isOurs())
    throw new Error(`only the local cluster can lose ${what}; elsewhere, nobody's power can be cut from here.`);
}

/** A part of the cluster, as `cluster stop` and `cluster region stop` name it. */
export type Part = readonly ["registry"] | readonly ["control-plane"] | readonly ["region", string];

const command = (verb: "stop" | "start", [kind, name]: Part): [string, ...string[]] => {
  const words = kind === "region" ? ["region", verb, name ?? ""] : [verb, kind];
  return [process.execPath, process.env["MERIDIAN_KIT"] ?? "", "cluster", ...words];
};

/** Stops a part of the cluster, which `undo` starts again. */
export async function cutPower(part: Part, undo: Undo): Promise<void> {
  undo.note(`the ${part.join(" ")} runs`, command("start", part));
  const [program, ...args] = command("stop", part);
  try {
    await text(program, args);
  } catch (error) {
    throw interruption.signal.aborted ? new Error("interrupted", { cause: error }) : error;
  }
}
