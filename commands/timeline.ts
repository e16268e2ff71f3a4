import type { Second } from "./steady-load.ts";

/** Something that happened while requests were counted. */
export interface Mark {
  /** Seconds since the load began. */
  readonly at: number;
  readonly text: string;
}

export interface Timeline {
  readonly title: string;
  /** What the requests are told apart by. */
  readonly by: "versions" | "regions";
  readonly seconds: readonly Second[];
  readonly marks: readonly Mark[];
}

/** Colours that the colour-blind tell apart, too (Okabe and Ito), as 256-colour codes for terminals and for SVG. */
const palette = [
  { code: 33, hex: "#0072b2" },
  { code: 214, hex: "#e69f00" },
  { code: 36, hex: "#009e73" },
  { code: 175, hex: "#cc79a7" },
  { code: 117, hex: "#56b4e9" },
] as const;
const red = { code: 196, hex: "#d00000" };
const signs = ["█", "▒", "▓", "░", "▚"];

const colorOf = (index: number) => palette[index % palette.length] ?? palette[0];

/** All labels, in the order in which they appear. */
export function labels({ seconds, by }: Timeline): string[] {
  return [...new Set(seconds.flatMap((second) => Object.keys(second[by]).sort()))];
}

const total = (second: Second, by: Timeline["by"]): number =>
  Object.values(second[by]).reduce((sum, count) => sum + count, second.failed);

/** One line per second: a bar with a part per label, failures at its end, and what happened. */
export function renderTimeline(timeline: Timeline, { columns, color }: { columns: number; color: boolean }): string {
  const { seconds, by, marks, title } = timeline;
  const all = labels(timeline);
  const most = Math.max(1, ...seconds.map((second) => total(second, by)));
  const width = Math.max(10, Math.min(60, columns - 40));
  const paint = (text: string, { code }: { code: number }): string =>
    color && text !== "" ? `\x1b[38;5;${code}m${text}\x1b[0m` : text;
  const rows = seconds.map((second, index) => {
    const parts = all.map((label) => ({ count: second[by][label] ?? 0, label }));
    let [bar, drawn, sum] = ["", 0, 0];
    for (const [part, { count }] of parts.entries()) {
      sum += count;
      const end = Math.round((sum / most) * width);
      bar += paint((signs[part % signs.length] ?? "█").repeat(end - drawn), colorOf(part));
      drawn = end;
    }
    // A failure is always seen, however few there are.
    const lost = second.failed > 0 ? Math.max(1, Math.round((second.failed / most) * width)) : 0;
    bar += paint("✗".repeat(lost), red);
    const count = String(total(second, by)).padStart(5);
    const failed = second.failed > 0 ? paint(` ${second.failed} failed`, red) : "";
    const what = marks.filter(({ at }) => Math.floor(at) === index).map(({ text }) => text);
    const note = what.length > 0 ? `  ← ${what.join(", ")}` : "";
    return `${`${index} s`.padStart(6)} ${count}  ${bar}${" ".repeat(Math.max(0, width - drawn - lost))}${failed}${note}`.trimEnd();
  });
  const legend = all
    .map((label, index) => paint(`${signs[index % signs.length]} ${label}`, colorOf(index)))
    .join("   ");
  return [title, `requests per second by ${by.slice(0, -1)}:   ${legend}`, ...rows].join("\n");
}

/** The same as a picture. */
export function renderSvg(timeline: Timeline): string {
  const { seconds, by, marks, title } = timeline;
  const all = labels(timeline);
  const [width, height, left, top] = [900, 300, 50, 60];
  const bottom = top + height + 20 * marks.length;
  const step = width / Math.max(1, seconds.length);
  const most = Math.max(1, ...seconds.map((second) => total(second, by)));
  const box = (x: number, y: number, w: number, h: number, fill: string, hint: string): string =>
    `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${w.toFixed(1)}" height="${h.toFixed(1)}" fill="${fill}">` +
    `<title>${escape(hint)}</title></rect>`;
  const text = (x: number, y: number, words: string, more = ""): string =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${more}>${escape(words)}</text>`;
  const bars = seconds.flatMap((second, index) => {
    let y = top + height;
    const parts = [...all.map((label, part) => [label, second[by][label] ?? 0, colorOf(part).hex] as const)];
    return [...parts, ["failed", second.failed, red.hex] as const].map(([label, count, fill]) => {
      const h = count === 0 ? 0 : Math.max(fill === red.hex ? 2 : 0, (count / most) * height);
      y -= h;
      return h === 0
        ? ""
        : box(left + index * step, y, Math.max(step - 1, 0.5), h, fill, `${label}: ${count} in second ${index}`);
    });
  });
  const legend = [...all.map((label, part) => [label, colorOf(part).hex] as const), ["failed", red.hex] as const].map(
    ([label, fill], index) =>
      box(left + index * 130, 34, 12, 12, fill, label) + text(left + index * 130 + 18, 45, label),
  );
  const events = marks.map(({ at, text: words }, index) => {
    const [x, y] = [left + at * step, top + height + 20 * (index + 1)];
    const line = `<line x1="${x.toFixed(1)}" y1="${top}" x2="${x.toFixed(1)}" y2="${y}" stroke="#555" stroke-dasharray="3 3"/>`;
    const end = x > left + width / 2 ? ' text-anchor="end"' : "";
    return line + text(end ? x - 4 : x + 4, y, `${at.toFixed(1)} s: ${words}`, end);
  });
  const axis = [
    text(left - 8, top + 10, String(most), ' text-anchor="end"'),
    text(left - 8, top + height, "0", ' text-anchor="end"'),
  ];
  const size = `viewBox="0 0 ${left + width + 20} ${bottom + 20}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="13" role="img">`,
    `<title>${escape(title)}</title><rect width="100%" height="100%" fill="#fff"/>`,
    text(left, 22, title, ' font-size="16" font-weight="bold"'),
    ...legend,
    ...axis,
    ...bars.filter(Boolean),
    ...events,
    "</svg>\n",
  ].join("\n");
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
