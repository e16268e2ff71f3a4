import type { ClusterEvent } from "./drills/events.ts";
import type { Second } from "./steady-load.ts";
import { wrap } from "./wrap.ts";

/** Something that happened while requests were counted. */
export interface Mark {
  /** Seconds since the load began. */
  readonly at: number;
  readonly text: string;
}

export interface Timeline {
  readonly title: string;
  /** What the requests are told apart by. */
  readonly by: "versions" | "regions" | "caches";
  readonly seconds: readonly Second[];
  readonly marks: readonly Mark[];
  /** What Kubernetes did. */
  readonly events?: readonly ClusterEvent[];
}

export interface View {
  readonly columns: number;
  readonly color: boolean;
}

/** Colours that the colour-blind tell apart, too (Okabe and Ito), as 256-colour codes for terminals and for SVG. */
export const palette = [
  { code: 33, hex: "#0072b2" },
  { code: 214, hex: "#e69f00" },
  { code: 36, hex: "#009e73" },
  { code: 175, hex: "#cc79a7" },
  { code: 117, hex: "#56b4e9" },
] as const;
export const red = { code: 196, hex: "#d00000" };
const signs = ["█", "▒", "▓", "░", "▚"];

export const colorOf = (index: number) => palette[index % palette.length] ?? palette[0];

/** All labels, in the order in which they appear. */
export function labels({ seconds, by }: Timeline): string[] {
  return [...new Set(seconds.flatMap((second) => Object.keys(second[by]).sort()))];
}

export const total = (second: Second, by: Timeline["by"]): number =>
  Object.values(second[by]).reduce((sum, count) => sum + count, second.failed);

/** One line per second: a bar with a part per label, failures at its end; and a line for each thing that happened. */
export function renderTimeline(timeline: Timeline, { columns, color }: View): string {
  const { seconds, by, marks, title } = timeline;
  const all = labels(timeline);
  const most = Math.max(1, ...seconds.map((second) => total(second, by)));
  // Beside the bar: the second and the count before it, a count of failures behind it.
  const width = Math.max(10, Math.min(60, columns - 14 - 13));
  const paint = (text: string, { code }: { code: number }): string =>
    color && text !== "" ? `\x1b[38;5;${code}m${text}\x1b[0m` : text;
  const rows = seconds.flatMap((second, index) => {
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
    const row = `${`${index} s`.padStart(6)} ${count}  ${bar}${" ".repeat(Math.max(0, width - drawn - lost))}${failed}`;
    const notes = marks.filter(({ at }) => Math.floor(at) === index);
    return [row.trimEnd(), ...notes.flatMap(({ at, text }) => note(`↑ ${at.toFixed(1)} s: ${text}`, columns))];
  });
  const legend = all.map((label, index) => `${signs[index % signs.length]} ${label}`);
  const heading = wrap(`requests per second by ${by.slice(0, -1)}: ${legend.join("   ")}`, columns).map((line) =>
    legend.reduce((text, label, index) => text.replace(label, paint(label, colorOf(index))), line),
  );
  return [...wrap(title, columns), ...heading, ...rows].join("\n");
}

const note = (text: string, columns: number): string[] =>
  wrap(text, columns - 16).map((line, index) => `${" ".repeat(index === 0 ? 14 : 16)}${line}`);

/** What Kubernetes did, a line each. */
export function renderEvents(events: readonly ClusterEvent[], { columns, color }: View, most = 20): string {
  if (events.length === 0) return "";
  const lines = events.slice(0, most).map(({ at, object, reason, message, isWarning }) => {
    const line = `${at.toFixed(0).padStart(4)} s  ${reason.padEnd(18)}  ${object}: ${message}`;
    const cut = line.length > columns ? `${line.slice(0, columns - 1)}…` : line;
    return color && isWarning ? `\x1b[38;5;${colorOf(1).code}m${cut}\x1b[0m` : cut;
  });
  const rest = events.length > most ? [`        … and ${events.length - most} more in the JSON file`] : [];
  return ["What Kubernetes did:", ...lines, ...rest].join("\n");
}
