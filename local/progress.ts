/** What long work prints: one line per step with its duration; on a terminal, the running step is redrawn with what it does. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { styleText } from "node:util";
import { cache } from "./paths.ts";

const terminal = process.stderr.isTTY === true;
let quiet = false;

/** Prints only results and errors from now on. */
export function beQuiet(): void {
  quiet = true;
}

export const isQuiet = (): boolean => quiet;

const colour = (format: "green" | "red" | "dim", text: string): string =>
  styleText(format, text, { stream: process.stderr, validateStream: true });

export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  return seconds < 100 ? `${Math.round(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** How long each step has taken the last time that it had something to do, in milliseconds. */
const durationsFile = join(cache, "durations.json");

function lastDurations(): Record<string, number> {
  try {
    return JSON.parse(readFileSync(durationsFile, "utf8")) as Record<string, number>;
  } catch {
    return {}; // none yet, or half written: it is only for "how long yet"
  }
}

function keepDuration(title: string, milliseconds: number): void {
  mkdirSync(cache, { recursive: true });
  writeFileSync(durationsFile, JSON.stringify({ ...lastDurations(), [title]: milliseconds }, undefined, 2));
}

export interface Step {
  /** Says what the step is doing right now; shown on a terminal, and every 30 s elsewhere. */
  readonly note: (text: string) => void;
}

/** Steps may run side by side; the last one started owns the line that is redrawn. */
const running: { title: string; started: number; usual: string; note: string; printed: number }[] = [];
let timer: NodeJS.Timeout | undefined;

function draw(): void {
  const step = running.at(-1);
  if (step === undefined || quiet) return;
  const line = `• ${step.title} ${duration(Date.now() - step.started)}${step.usual}${step.note === "" ? "" : ` – ${step.note}`}`;
  if (terminal) process.stderr.write(`\r\x1b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
  else if (Date.now() - step.printed > 30_000) {
    step.printed = Date.now();
    console.error(line);
  }
}

/** Runs one step. Steps that turn out to have nothing to do return "skipped" and leave no line. */
export async function step<T>(title: string, work: (step: Step) => Promise<T>): Promise<T> {
  const last = lastDurations()[title];
  // A step of the blink of an eye needs no forecast.
  const usual = last === undefined || last < 1000 ? "" : ` of about ${duration(last)}`;
  const me = { title, started: Date.now(), usual, note: "", printed: Date.now() };
  running.push(me);
  timer ??= setInterval(draw, 200);
  draw();
  let mark = colour("red", "✗");
  try {
    const result = await work({ note: (text) => void (me.note = text) });
    mark = result === "skipped" ? "" : colour("green", "✓");
    if (mark !== "") keepDuration(title, Date.now() - me.started);
    return result;
  } finally {
    running.splice(running.indexOf(me), 1);
    if (running.length === 0) {
      clearInterval(timer);
      timer = undefined;
    }
    if (!quiet) {
      if (terminal) process.stderr.write("\r\x1b[K");
      if (mark !== "") console.error(`${mark} ${title} ${colour("dim", duration(Date.now() - me.started))}`);
    }
  }
}

export function say(line: string): void {
  if (quiet) return;
  if (terminal && running.length > 0) process.stderr.write("\r\x1b[K");
  console.error(line);
}
