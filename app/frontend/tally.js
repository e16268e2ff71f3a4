const seconds = 60;
const samples = 1000;

/** What was answered, by whom, when and how fast. Knows nothing of the page, so that it can be tested without one. */
export class Tally {
  answered = 0;
  failed = 0;
  replicas = new Map();
  regions = new Map();
  reasons = new Map();
  #milliseconds = [];
  #history = new Map();

  /**
   * @param {{name: string, region: string, version: string}} answer
   * @param {number} milliseconds how long it took
   * @param {number} now in seconds
   */
  add({ name, region, version }, milliseconds, now) {
    this.answered++;
    const replica = this.replicas.get(name) ?? { name, region, version, count: 0 };
    replica.count++;
    this.replicas.set(name, replica);
    increase(this.regions, region);
    this.#milliseconds.push(milliseconds);
    if (this.#milliseconds.length > samples) this.#milliseconds.shift();

    const second = Math.floor(now);
    if (!this.#history.has(second)) this.#history.set(second, new Map());
    increase(this.#history.get(second), version);
    for (const old of this.#history.keys()) {
      if (old > second - seconds) break;
      this.#history.delete(old);
    }
  }

  fail(reason) {
    this.failed++;
    increase(this.reasons, reason);
  }

  /** The slowest of the fastest `share` of the last answers, in milliseconds. */
  percentile(share) {
    const sorted = this.#milliseconds.toSorted((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  }

  /** Answers per version in each second of the last minute, oldest first. */
  history(now) {
    const first = Math.floor(now) - seconds + 1;
    return Array.from({ length: seconds }, (_, index) => this.#history.get(first + index) ?? new Map());
  }

  /** Answers per version over the last minute. */
  versions(now) {
    const totals = new Map();
    for (const second of this.history(now)) for (const [version, count] of second) increase(totals, version, count);
    return new Map([...totals].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true })));
  }
}

function increase(counts, key, by = 1) {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
