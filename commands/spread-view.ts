import type { Spread } from "./spread.ts";
import { wrap } from "./wrap.ts";

export interface View {
  /** The width of the terminal. */
  readonly columns: number;
  readonly color: boolean;
  /** The number of replicas to show at most; the rest is only counted. */
  readonly rows?: number;
  /** No bars. */
  readonly quiet?: boolean;
}

/** Below this, so uneven a spread is chance in fewer than 2 of 1000 runs. */
const significant = 0.002;

/** The usual rule for a chi-square test to mean anything. */
const leastExpected = 5;

const narrowestBar = 8;
const palette = [36, 33, 32, 35, 34, 31];

/** Renders a spread as text: a bar per replica, what failed, and whether chance explains the differences. */
export function renderSpread(spread: Spread, view: View): string {
  const lines = [
    ...wrap(headline(spread), view.columns),
    ...(view.quiet === true ? [] : ["", ...bars(spread, view)]),
    ...failures(spread, view),
    ...verdict(spread).flatMap((sentence) => wrap(sentence, view.columns)),
  ];
  return lines.join("\n");
}

function headline({ url, requested, answered, failed, seconds, stopped }: Spread): string {
  const sent = answered + failed;
  const count = sent === requested ? plural(sent, "request") : `${sent} of ${plural(requested, "request")}`;
  const outcome = failed === 0 ? "all answered" : `${answered} answered, ${failed} failed`;
  return `${count} to ${url} in ${seconds.toFixed(1)} s: ${sent === 0 ? "none finished" : outcome}${stopped ? ", stopped" : ""}`;
}

function bars({ replicas, answered }: Spread, { columns, color, rows }: View): string[] {
  const shown = replicas.slice(0, rows);
  const counts = shown.map(({ count }) => [String(count), `${((100 * count) / answered).toFixed(1)} %`] as const);
  const width = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => text.length));
  const numbers = [width(counts.map(([count]) => count)), width(counts.map(([, share]) => share))] as const;
  const names = shown.map(({ name, region, version }) => [name, region, version] as const);
  // Long names give way until the bar is wide enough to show anything.
  const room = columns - numbers[0] - numbers[1] - narrowestBar - 10;
  const labels = shrink(
    [0, 1, 2].map((column) => width(names.map((name) => name[column] ?? ""))),
    room,
  );
  const barWidth = columns - numbers[0] - numbers[1] - labels.reduce((sum, label) => sum + label, 0) - 10;

  const most = Math.max(...shown.map(({ count }) => count));
  const regions = [...new Set(replicas.map(({ region }) => region))].sort();
  const lines = shown.map(({ region, count }, row) => {
    const label = labels.map((size, column) => fit(names[row]?.[column] ?? "", size)).join("  ");
    const bar = blocks((count / most) * barWidth).padEnd(barWidth);
    const painted = color ? `\x1b[${palette[regions.indexOf(region) % palette.length]}m${bar}\x1b[0m` : bar;
    const [number = "", share = ""] = counts[row] ?? [];
    return `${label}  ${painted}  ${number.padStart(numbers[0])}  ${share.padStart(numbers[1])}`;
  });
  const hidden = replicas.length - shown.length;
  if (hidden > 0) lines.push(`and ${plural(hidden, "more replica")}`);
  return lines.length === 0 ? [] : [...lines, ""];
}

function failures({ failures: reasons }: Spread, { columns, color }: View): string[] {
  const lines = reasons.flatMap(({ reason, count }) => wrap(`${count} failed: ${reason}`, columns));
  if (lines.length === 0) return [];
  return [...lines.map((line) => (color ? `\x1b[31m${line}\x1b[0m` : line)), ""];
}

function verdict({ url, replicas, answered, failed, evenness }: Spread): string[] {
  if (answered === 0) {
    return failed === 0
      ? []
      : [`Nobody answers at ${url}: start the service there with npm start, or name another URL with --url.`];
  }
  if (evenness === undefined) return ["Only one replica answered, so there is no spread to judge."];
  const { chiSquare, degreesOfFreedom, p } = evenness;
  const chance = p < 0.0001 ? "p < 0.0001" : `p = ${p.toPrecision(2)}`;
  const figures = `χ² = ${chiSquare.toFixed(1)}, ${plural(degreesOfFreedom, "degree")} of freedom, ${chance}`;
  const sentences = [
    p < significant
      ? `Uneven: ${figures}. Chance alone gives this in fewer than 2 of 1000 runs.`
      : `Even: ${figures}. Differences like these are chance.`,
  ];
  if (answered / replicas.length < leastExpected) {
    sentences.push(
      `Few requests: with fewer than ${leastExpected} a replica this says little, and a replica may be missing.`,
    );
  }
  const versions = [...new Set(replicas.map(({ version }) => version))].sort();
  if (versions.length > 1) {
    sentences.push(`${versions.join(" and ")} answered: during a release, an uneven spread is no surprise.`);
  }
  return sentences;
}

/** A bar to an eighth of a column. */
function blocks(length: number): string {
  const eighths = Math.round(length * 8);
  return "█".repeat(Math.floor(eighths / 8)) + ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
}

/** Takes from the widest columns until all of them fit together. */
function shrink(widths: readonly number[], room: number): number[] {
  const result = [...widths];
  for (let excess = result.reduce((sum, width) => sum + width, 0) - room; excess > 0; excess--) {
    const widest = result.indexOf(Math.max(...result));
    if ((result[widest] ?? 0) <= 1) break;
    result[widest] = (result[widest] ?? 0) - 1;
  }
  return result;
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
