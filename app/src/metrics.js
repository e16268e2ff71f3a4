/** Upper bounds in seconds: from an answer out of memory to the longest slow request. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What Prometheus reads, in its text format. */
export class Metrics {
  #requests = new Map();
  #slots = new Array(buckets.length + 1).fill(0);
  #seconds = 0;
  #settings;

  /** @param {{name: string, region: string, version: string, pod: string}} settings */
  constructor(settings) {
    this.#settings = settings;
  }

  observe(method, code, seconds) {
    // Clients choose the method: naming only those that are served bounds the number of series.
    const key = `code="${code}",method="${method === "GET" || method === "HEAD" ? method : "other"}"`;
    this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1);
    const slot = buckets.findIndex((bound) => seconds <= bound);
    this.#slots[slot === -1 ? buckets.length : slot]++;
    this.#seconds += seconds;
  }

  text() {
    const { name, pod, region, version } = this.#settings;
    const common = `version="${version}",region="${region}"`;
    const histogram = "http_request_duration_seconds";
    let count = 0;
    const lines = [
      "# HELP http_requests_total Requests answered, without successful probes and scrapes.",
      "# TYPE http_requests_total counter",
      ...[...this.#requests].map(([key, value]) => `http_requests_total{${key},${common}} ${value}`),
      `# HELP ${histogram} Time from a request's head to the end of its answer.`,
      `# TYPE ${histogram} histogram`,
      ...[...buckets, "+Inf"].map(
        (bound, slot) => `${histogram}_bucket{le="${bound}",${common}} ${(count += this.#slots[slot])}`,
      ),
      `${histogram}_sum{${common}} ${this.#seconds}`,
      `${histogram}_count{${common}} ${count}`,
      "# HELP app_info Which replica this is.",
      "# TYPE app_info gauge",
      `app_info{name="${name}",pod="${pod}",${common}} 1`,
      "# HELP process_resident_memory_bytes Resident memory size in bytes.",
      "# TYPE process_resident_memory_bytes gauge",
      `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
      "# HELP process_start_time_seconds Start time of the process since the Unix epoch in seconds.",
      "# TYPE process_start_time_seconds gauge",
      `process_start_time_seconds ${performance.timeOrigin / 1000}`,
    ];
    return `${lines.join("\n")}\n`;
  }
}
