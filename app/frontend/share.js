import { element, percent } from "./bars.js";
import { coloured } from "./colours.js";

const svg = "http://www.w3.org/2000/svg";

/** Draws the share of each version over the last minute as areas on top of each other, and the legend. */
export function drawShare(tally, now, chart, legend) {
  const totals = tally.versions(now);
  const all = sum(totals);
  const outlines = areas(tally.history(now), [...totals.keys()]);
  chart.replaceChildren(
    ...[...outlines].map(([version, outline]) => {
      const path = document.createElementNS(svg, "path");
      path.setAttribute("d", outline);
      return coloured(path, "version", version);
    }),
  );
  const shares = [...totals].map(([version, count]) => [version, percent(count, all)]);
  const summary =
    shares.map(([version, share]) => `${version}: ${share}`).join(", ") || "No answers in the last minute";
  chart.setAttribute("aria-label", summary);
  legend.replaceChildren(
    ...shares.map(([version, share]) =>
      element("li", "", coloured(element("i", ""), "version", version), element("b", "", version), ` ${share}`),
    ),
  );
}

/** What is going on, in a sentence. */
export function sayRelease({ versions, share }) {
  if (versions.length === 0) return "No answers in the last seconds.";
  if (versions.length === 1) return `All answers come from ${versions[0]}.`;
  const [from, to] = [versions.slice(0, -1).join(", "), versions.at(-1)];
  return `Release under way: ${from} → ${to}, ${Math.round(100 * share)} % of the answers are new.`;
}

/**
 * The outline of each version's area: for each second its share of the second's outcomes, on top of those before it. Seconds
 * without any leave a gap.
 * @param {Map<string, number>[]} history
 * @param {string[]} versions from the bottom up
 * @returns {Map<string, string>} SVG path data in a box 60 wide and 100 high
 */
export function areas(history, versions) {
  const runs = [];
  history.forEach((second, column) => {
    if (second.size === 0) return;
    const run = runs.at(-1);
    if (run?.end === column) run.end++;
    else runs.push({ start: column, end: column + 1 });
  });
  const outlines = new Map();
  // Where the areas below end, in each second.
  const ground = history.map(() => 100);
  for (const version of versions) {
    const below = [...ground];
    history.forEach((second, column) => {
      if (second.size > 0) ground[column] -= (100 * (second.get(version) ?? 0)) / sum(second);
    });
    outlines.set(version, runs.map((run) => outline(run, ground, below)).join(""));
  }
  return outlines;
}

/** Along the top from left to right, and back along the bottom. A second is drawn in its middle, the ends of a run whole. */
function outline({ start, end }, top, bottom) {
  const columns = Array.from({ length: end - start }, (_, index) => start + index);
  const line = (heights) => [
    [start, heights[start]],
    ...columns.map((column) => [column + 0.5, heights[column]]),
    [end, heights[end - 1]],
  ];
  const points = [...line(top), ...line(bottom).reverse()];
  return `M${points.map(([x, y]) => `${x} ${Math.round(100 * y) / 100}`).join("L")}z`;
}

function sum(counts) {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
