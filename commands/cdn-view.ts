import type { EdgeStatus, PurgeWish } from "./cdn.ts";
import type { RegionAnswer } from "./edges.ts";

/** What became of a purge, a line for each region; if it shall be quiet, for those where something is wrong. */
export function renderPurge(wish: PurgeWish, answers: readonly RegionAnswer<unknown>[], quiet = false): string {
  const what =
    "all" in wish
      ? "everything"
      : "path" in wish
        ? wish.path
        : "tag" in wish
          ? `the tag ${wish.tag}`
          : `${wish.prefix}…`;
  const width = Math.max(...answers.map(({ region }) => region.length));
  const shown = answers.filter(({ problem }) => !quiet || problem !== undefined);
  const lines = shown.map(({ region, edges, expected, seconds, problem }) => {
    const name = region.padEnd(width);
    return problem === undefined
      ? `  ${name}  ✓ ${edges.size} of ${expected} edges in ${seconds.toFixed(2)} s`
      : `  ${name}  ✗ ${problem}`;
  });
  const failed = answers.filter(({ problem }) => problem !== undefined).map(({ region }) => region);
  const verdict =
    failed.length === 0
      ? `Forgotten in all ${answers.length} regions: ${what}`
      : `Not forgotten in ${failed.join(", ")}: ${what}`;
  return [verdict, ...lines].join("\n");
}

/** What the edges have done so far, as a table; if it shall be quiet, of the regions where something is wrong. */
export function renderStatus(answers: readonly RegionAnswer<EdgeStatus>[], quiet = false): string {
  const shown = answers.filter(({ problem }) => !quiet || problem !== undefined);
  if (shown.length === 0) return "";
  const header = ["Region", "Edges", "Requests", "From cache", "Stale", "To origin", "Origin answers in", "Health"];
  const rows = shown.map(({ region, edges, expected, problem }) => {
    const counts = sum([...edges.values()].map(({ counts }) => counts));
    const of = (...names: string[]): number => names.reduce((total, name) => total + (counts[name] ?? 0), 0);
    const stale = of("updating", "stale");
    const cached = of("hit", "revalidated") + stale;
    const total = cached + of("miss", "expired", "bypass");
    const waits = of("waits");
    return [
      region,
      `${edges.size}/${expected}`,
      total.toLocaleString("en"),
      total === 0 ? "–" : `${((100 * cached) / total).toFixed(1)} %`,
      stale.toLocaleString("en"),
      of("miss", "expired", "revalidated", "bypass").toLocaleString("en"),
      waits === 0 ? "–" : `${((1000 * of("waited")) / waits).toFixed(0)} ms`,
      problem ?? "serving",
    ];
  });
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const isText = (column: number): boolean => column === 0 || column === header.length - 1;
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (isText(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd();
  return [line(header), ...rows.map(line)].join("\n");
}

function sum(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const result: Record<string, number> = {};
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) result[name] = (result[name] ?? 0) + count;
  }
  return result;
}
