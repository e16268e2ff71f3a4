import { colorOf, labels, red, type Timeline, total } from "./timeline.ts";

const [left, top, width, height] = [60, 76, 900, 280];
const mostEvents = 14;

/** A timeline as a picture: bars for the seconds, a number for each thing that happened, and below what the numbers mean. */
export function renderSvg(timeline: Timeline): string {
  const { seconds, marks, title, by, events = [] } = timeline;
  const step = width / Math.max(1, seconds.length);
  const most = nice(Math.max(1, ...seconds.map((second) => total(second, by))));
  const notes = top + height + 50;
  const happened = notes + 22 * marks.length + (events.length > 0 ? 34 : 0);
  const shown = events.slice(0, mostEvents);
  const bottom = happened + 18 * shown.length;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 20} ${bottom}" font-family="system-ui, sans-serif" font-size="13" fill="#222" role="img">`,
    `<title>${escape(title)}</title><rect width="100%" height="100%" fill="#fff"/>`,
    text(left, 26, title, ' font-size="17" font-weight="600"'),
    ...legend(timeline),
    ...axes(seconds.length, step, most),
    ...bars(timeline, step, most),
    ...marks.flatMap(({ at, text: words }, index) => {
      const y = notes + 22 * index;
      const x = left + at * step;
      return [
        `<line x1="${x.toFixed(1)}" y1="${top}" x2="${x.toFixed(1)}" y2="${top + height}" stroke="#222" stroke-dasharray="3 3"/>`,
        // Marks of the same moment stand on each other.
        badge(x, top - 9 + 16 * closeBefore(marks, index, step), index + 1),
        badge(left + 8, y - 4, index + 1),
        text(left + 24, y, `${at.toFixed(1)} s`, ' font-weight="600"'),
        text(left + 80, y, words),
      ];
    }),
    ...(shown.length > 0 ? [text(left, happened - 16, "What Kubernetes did", ' font-weight="600"')] : []),
    ...shown.map(({ at, reason, object, message, isWarning }, index) => {
      const line = `${at.toFixed(0)} s  ${reason}  ${object}: ${message}`;
      const cut = line.length > 132 ? `${line.slice(0, 131)}…` : line;
      const more = index === mostEvents - 1 && events.length > mostEvents;
      const words = more ? `… and ${events.length - mostEvents + 1} more` : cut;
      return text(left, happened + 4 + 18 * index, words, ` font-size="11.5" fill="${isWarning ? "#a04000" : "#555"}"`);
    }),
    "</svg>\n",
  ].join("\n");
}

/** How many of the marks just before this one have their badges in its way. */
function closeBefore(marks: Timeline["marks"], index: number, step: number): number {
  let count = 0;
  for (let i = index; i > 0 && (marks[i]!.at - marks[i - 1]!.at) * step < 18; i--) count++;
  return count;
}

function legend(timeline: Timeline): string[] {
  const all = labels(timeline).map((label, part) => [label, colorOf(part).hex] as const);
  let x = left;
  return [...all, ["failed", red.hex] as const].flatMap(([label, fill]) => {
    const parts = [box(x, 39, 12, 12, fill, label), text(x + 18, 50, label)];
    x += 48 + 7.5 * label.length;
    return parts;
  });
}

/** Requests per second upwards, seconds to the right. */
function axes(count: number, step: number, most: number): string[] {
  const rows = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => {
    const y = top + height * (1 - share);
    return [
      `<line x1="${left}" y1="${y}" x2="${left + width}" y2="${y}" stroke="#ddd"/>`,
      text(left - 8, y + 4, String(Math.round(most * share)), ' text-anchor="end" fill="#555"'),
    ];
  });
  const every = [1, 2, 5, 10, 20, 60, 120].find((size) => count / size <= 20) ?? 300;
  const columns = Array.from({ length: Math.ceil(count / every) }, (_, index) =>
    text(left + index * every * step, top + height + 18, `${index * every} s`, ' text-anchor="middle" fill="#555"'),
  );
  const unit = text(left + width, 50, "requests per second", ' text-anchor="end" fill="#555"');
  return [...rows, ...columns, unit];
}

function bars(timeline: Timeline, step: number, most: number): string[] {
  const { seconds, by } = timeline;
  const all = labels(timeline);
  return seconds.flatMap((second, index) => {
    let y = top + height;
    const parts = all.map((label, part) => [label, second[by][label] ?? 0, colorOf(part).hex] as const);
    return [...parts, ["failed", second.failed, red.hex] as const].flatMap(([label, count, fill]) => {
      if (count === 0) return [];
      // A failure is always seen, however few there are.
      const h = Math.max(fill === red.hex ? 3 : 0, (count / most) * height);
      y -= h;
      const hint = `${label}: ${count} in second ${index}`;
      return [box(left + index * step, y, Math.max(step - 1, 0.5), h, fill, hint)];
    });
  });
}

/** The next number that people count in. */
function nice(number: number): number {
  const power = 10 ** Math.floor(Math.log10(number));
  return [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10].map((factor) => factor * power).find((next) => next >= number) ?? number;
}

const box = (x: number, y: number, w: number, h: number, fill: string, hint: string): string =>
  `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${w.toFixed(1)}" height="${h.toFixed(1)}" fill="${fill}">` +
  `<title>${escape(hint)}</title></rect>`;

const text = (x: number, y: number, words: string, more = ""): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${more}>${escape(words)}</text>`;

const badge = (x: number, y: number, number: number): string =>
  `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="8" fill="#222"/>` +
  text(x, y + 4, String(number), ' text-anchor="middle" font-size="11" fill="#fff"');

function escape(words: string): string {
  return words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
