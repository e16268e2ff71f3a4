import type { Status } from "./status.ts";
import { wrap } from "./wrap.ts";

export interface View {
  readonly columns: number;
  readonly color: boolean;
  /** No tables. */
  readonly quiet?: boolean;
}

/** A status as one screen of text. */
export function renderStatus(status: Status, view: View): string {
  const { columns, color } = view;
  const paint = (code: number, text: string): string => (color ? `\x1b[${code}m${text}\x1b[0m` : text);
  const bad = (text: string): string => paint(31, text);
  const section = (title: string, rows: readonly (readonly string[])[]): string[] =>
    rows.length === 0 ? [] : ["", paint(1, title), ...table(rows, columns - 2).map((line) => `  ${line}`)];
  const problems = status.problems.flatMap((problem) => wrap(`! ${problem}`, columns)).map(bad);
  const summary = [...wrap(headline(status), columns).map((line) => paint(1, line)), ...problems];
  if (view.quiet === true) return summary.join("\n");
  const lines = [
    ...summary,
    ...section(
      `Releases, ${status.releaseKind}`,
      status.releases.map(({ version, role, image }) => [version, role, digest(image)]),
    ),
    ...section(
      "Regions",
      status.regions.map(({ name, nodes, readyNodes, readyPods, pods, url }) => [
        name,
        `${readyNodes} of ${plural(nodes, "node")} ready`,
        `${readyPods} of ${plural(pods, "replica")} ready`,
        url ?? "",
      ]),
    ),
    ...section(
      "Nodes",
      status.nodes.map(({ name, region, state, version }) => [name, region, state, version]),
    ),
    ...section(
      "Replicas",
      status.pods.map(({ name, version, region, state, restarts, ageSeconds, image }) => [
        ...[name, version, region, state, age(ageSeconds)],
        ...[restarts > 0 ? plural(restarts, "restart") : ""],
        // Where there is no room for it, the releases tell the image of a version.
        ...(columns < 90 ? [] : [digest(image)]),
      ]),
    ),
    ...section("Last update", lastUpdate(status)),
  ];
  return lines.map((line) => line.trimEnd()).join("\n");
}

function headline({ stack, url, pods }: Status): string {
  const ready = pods.filter(({ state }) => state === "ready").length;
  return `${stack}: ${ready} of ${plural(pods.length, "replica")} ready${url === undefined ? "" : `, at ${url}`}`;
}

function lastUpdate({ lastUpdate: update }: Status): string[][] {
  if (update === undefined) return [];
  const { kind, result, secondsAgo, seconds, changes, config } = update;
  const counts = Object.entries(changes).map(([what, count]) => `${count} ${what}`);
  return [
    [`${kind} ${result} ${age(secondsAgo)} ago, took ${age(seconds)}: ${counts.join(", ") || "nothing"}`],
    ...config.map(({ key, from, to }) => [`${key}: ${from ?? "(none)"} → ${to ?? "(none)"}`]),
  ];
}

/** The part of an image reference that tells it from others. */
const digest = (image: string): string => /sha256:[0-9a-f]{12}/.exec(image)?.[0] ?? image;

export function age(seconds: number): string {
  const units = [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
  ] as const;
  const [size, unit] = units.find(([size]) => seconds >= 2 * size) ?? [1, "s"];
  return `${Math.floor(seconds / size)} ${unit}`;
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** Rows with their columns below each other; the widest columns give way until all of it fits. */
function table(rows: readonly (readonly string[])[], columns: number): string[] {
  const count = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  const gaps = 2 * (widths.filter((width) => width > 0).length - 1);
  while (widths.reduce((sum, width) => sum + width, gaps) > columns) widths[widths.indexOf(Math.max(...widths))]!--;
  return rows.map((row) =>
    widths
      .map((width, column) => ({ width, cell: row[column] ?? "" }))
      .filter(({ width }) => width > 0)
      .map(({ width, cell }) => (cell.length > width ? shorten(cell, width) : cell.padEnd(width)))
      .join("  "),
  );
}

/** Names are often told apart by their ends: the middle goes. */
function shorten(text: string, width: number): string {
  const end = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - end)}…${end > 0 ? text.slice(-end) : ""}`;
}
