/** Runs a drill before the eyes of a user: requests go on all the while, and what comes of them is drawn and written down. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { SteadyLoad } from "../steady-load.ts";
import { renderSvg } from "../timeline-svg.ts";
import { type Mark, renderEvents, renderTimeline, type Timeline } from "../timeline.ts";
import { wrap } from "../wrap.ts";
import { type Drill, type Place, until } from "./drill.ts";
import { eventsSince } from "./events.ts";
import type { Undo } from "./undo.ts";

/** What came of a drill, as it is written to `out/`. */
export interface Outcome extends Timeline {
  readonly requests: number;
  readonly failed: number;
  /** Failed requests by the reason. */
  readonly failures: Readonly<Record<string, number>>;
  /** From the first mark to the last: from what was done to when all was as before. */
  readonly secondsToRecover: number;
  /** From the first mark to the end of the last second in which a request failed, 0 if none has failed. */
  readonly secondsOfFailures: number;
}

export interface Show {
  /** Draws while it goes on; otherwise each mark is a line. */
  readonly live: boolean;
  /** Only what came of it, in one sentence. */
  readonly quiet: boolean;
  readonly color: boolean;
  readonly columns: number;
  readonly rows: number;
}

/** @returns the exit code: 1 if requests failed */
export async function runDrill(drill: Drill, place: Place, undo: Undo, folder: string, show: Show): Promise<number> {
  const { title, by, name } = drill;
  const load = new SteadyLoad({
    url: place.url,
    ...drill.load,
    freshPerSecond: 60,
    keepAlivePerSecond: 60,
    clients: 6,
  });
  const started = Date.now();
  const marks: Mark[] = [];
  const screen = new Screen(show);
  const mark = (text: string): void => {
    const at = (Date.now() - started) / 1000;
    marks.push({ at, text });
    screen.line(`${at.toFixed(1).padStart(6)} s  ${text}`);
  };
  const draw = (): void => screen.draw(renderTimeline({ title, by, seconds: load.report().seconds, marks }, show));
  const ticker = show.live ? setInterval(draw, 500) : undefined;
  try {
    await until("100 requests that are answered", () => load.report().requests - load.report().failed > 100, 30);
    await drill.work({ mark, report: () => load.report(), undo });
    await pause(2000);
  } finally {
    clearInterval(ticker);
    // A failure's reason is told below the last picture; nothing is drawn over it.
    const back = await undo.run();
    for (const what of back) screen.line(`put back: ${what}`);
    await load.stop();
  }
  const events = await eventsSince(started, place.namespace);
  const { requests, failed, failures, seconds } = load.report();
  const times = measure(marks, seconds);
  const outcome: Outcome = { title, by, requests, failed, failures, ...times, marks, seconds, events };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `drill-${name}.json`), `${JSON.stringify(outcome, undefined, 2)}\n`);
  writeFileSync(join(folder, `drill-${name}.svg`), renderSvg(outcome));
  screen.erase();
  const parts = show.quiet ? [] : [renderTimeline(outcome, show), renderEvents(events, show)];
  const result = wrap(verdict(outcome, `out/drill-${name}`), show.columns).join("\n");
  process.stdout.write(`${[...parts.filter(Boolean), result].join("\n\n")}\n`);
  return failed === 0 ? 0 : 1;
}

/** How long it took, by the marks and the failed requests. */
export function measure(
  marks: readonly Mark[],
  seconds: readonly { readonly failed: number }[],
): Pick<Outcome, "secondsToRecover" | "secondsOfFailures"> {
  const first = marks[0]?.at ?? 0;
  const lastFailure = seconds.findLastIndex(({ failed }) => failed > 0);
  return {
    secondsToRecover: (marks.at(-1)?.at ?? 0) - first,
    secondsOfFailures: lastFailure < 0 ? 0 : Math.max(0, lastFailure + 1 - first),
  };
}

/** What came of a drill, in a sentence or three. */
export function verdict(outcome: Omit<Outcome, keyof Timeline>, files: string): string {
  const { requests, failed, failures, secondsToRecover, secondsOfFailures } = outcome;
  const reasons = Object.entries(failures).map(([reason, count]) => `${count} × ${reason}`);
  const lost =
    failed === 0 ? "none failed" : `${failed} failed within ${secondsOfFailures.toFixed(0)} s (${reasons.join(", ")})`;
  return `${requests} requests, ${lost}; as before after ${secondsToRecover.toFixed(1)} s. Also in ${files}.svg and .json.`;
}

/** A terminal on which a picture is drawn over and over, or a stream of lines. */
class Screen {
  readonly #show: Show;
  #drawn = 0;

  constructor(show: Show) {
    this.#show = show;
  }

  line(text: string): void {
    if (!this.#show.live && !this.#show.quiet) process.stdout.write(`${text}\n`);
  }

  draw(picture: string): void {
    const lines = picture.split("\n");
    const rows = Math.max(10, this.#show.rows - 3);
    // What has left the top of the screen cannot be drawn over.
    const frame = lines.length > rows ? [...lines.slice(0, 2), ...lines.slice(2).slice(2 - rows)] : lines;
    this.erase();
    process.stdout.write(`${frame.join("\n")}\n`);
    this.#drawn = frame.length;
  }

  erase(): void {
    if (this.#drawn > 0) process.stdout.write(`\x1b[${this.#drawn}A\x1b[0J`);
    this.#drawn = 0;
  }
}
