import { cacheOutcome } from "./cache-status.js";

const seconds = 60;
const samples = 1000;
/** How many seconds together make one point of the chart: with a few requests a second, one alone would jump. */
const smooth = 3;
/** For how long both releases have to be silent or heard before a release counts as over. */
const recent = 5;

/** What was answered, by whom, when and how fast. Knows nothing of the page, so that it can be tested without one. */
export class Tally {
  sent = 0;
  answered = 0;
  failed = 0;
  replicas = new Map();
  regions = new Map();
  caches = new Map();
  reasons = new Map();
  #milliseconds = [];
  #history = new Map();

  /**
   * @param {{name: string, region: string, version: string, cache: string | null}} answer
   * @param {number} milliseconds how long it took
   * @param {number} now in seconds
   */
  add({ name, region, version, cache }, milliseconds, now) {
    this.answered++;
    const replica = this.replicas.get(name) ?? { name, region, version, count: 0 };
    replica.count++;
    replica.heard = now;
    this.replicas.set(name, replica);
    increase(this.regions, region);
    increase(this.caches, cacheOutcome(cache));
    this.#milliseconds.push(milliseconds);
    if (this.#milliseconds.length > samples) this.#milliseconds.shift();
    this.#note(now, version);
  }

  /**
   * @param {string} reason
   * @param {number} now in seconds
   */
  fail(reason, now) {
    this.failed++;
    increase(this.reasons, reason);
    this.#note(now, "failed");
  }

  #note(now, what) {
    const second = Math.floor(now);
    if (!this.#history.has(second)) this.#history.set(second, new Map());
    increase(this.#history.get(second), what);
    for (const old of this.#history.keys()) {
      if (old > second - seconds - smooth) break;
      this.#history.delete(old);
    }
  }

  /** Whether a version has answered before. */
  knows(version) {
    return [...this.replicas.values()].some((replica) => replica.version === version);
  }

  /** The slowest of the fastest `share` of the last answers, in milliseconds. */
  percentile(share) {
    const sorted = this.#milliseconds.toSorted((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  }

  /** Outcomes of the `count` seconds up to and with this one: how many of each version, and "failed". */
  #lately(second, count) {
    const totals = new Map();
    for (let each = second - count + 1; each <= second; each++) {
      for (const [what, times] of this.#history.get(each) ?? []) increase(totals, what, times);
    }
    // In the order of releases; failures, which are none, last.
    return new Map(
      [...totals].sort(
        ([a], [b]) => (a === "failed") - (b === "failed") || a.localeCompare(b, "en", { numeric: true }),
      ),
    );
  }

  /** Outcomes at each second of the last minute, oldest first, smoothed over a few seconds. */
  history(now) {
    const first = Math.floor(now) - seconds + 1;
    return Array.from({ length: seconds }, (_, index) => this.#lately(first + index, smooth));
  }

  /** Outcomes over the last minute. */
  versions(now) {
    return this.#lately(Math.floor(now), seconds);
  }

  /**
   * The versions that answered in the last few seconds, oldest release first, and the newest one's share of their answers.
   * @returns {{versions: string[], share: number}}
   */
  release(now) {
    const lately = this.#lately(Math.floor(now), recent);
    lately.delete("failed");
    const all = [...lately.values()].reduce((sum, count) => sum + count, 0);
    const versions = [...lately.keys()];
    return { versions, share: all === 0 ? 0 : lately.get(versions.at(-1)) / all };
  }
}

function increase(counts, key, by = 1) {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
