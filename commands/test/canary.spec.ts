import assert from "node:assert/strict";

import { add, judge, parseCounts, parseSteps } from "../canary.ts";

const metrics = `# TYPE http_requests_total counter
http_requests_total{code="200",method="GET",version="v1",region="eu"} 197
http_requests_total{code="404",method="GET",version="v1",region="eu"} 1
http_requests_total{code="503",method="GET",version="v1",region="eu"} 2
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.1",version="v1",region="eu"} 190
http_request_duration_seconds_bucket{le="0.5",version="v1",region="eu"} 198
http_request_duration_seconds_bucket{le="+Inf",version="v1",region="eu"} 200
http_request_duration_seconds_sum{version="v1",region="eu"} 12.5
`;
const limits = { maxErrorPercent: 1, maxP99Milliseconds: 500 };

describe("a canary", () => {
  const counts = parseCounts(metrics);

  it("is judged by its errors and its p99", () => {
    assert.deepEqual(judge(counts, limits), {
      good: true,
      figures: "2 of 200 requests failed (1.0 %, at most 1 %), p99 is at most 500 ms (at most 500 ms)",
    });
    assert.equal(judge(counts, { ...limits, maxErrorPercent: 0.9 }).good, false);
    assert.equal(judge(counts, { ...limits, maxP99Milliseconds: 499 }).good, false);
  });

  it("is judged by what came in the step, from all replicas", () => {
    const later = add(counts, { requests: 100, errors: 50, buckets: new Map([[Infinity, 100]]) });
    const { requests, errors, buckets } = add(later, counts, -1);
    assert.deepEqual([requests, errors, buckets.get(Infinity), buckets.get(0.1)], [100, 50, 100, 0]);
  });

  it("does not pass without a request", () => {
    const nothing = { requests: 0, errors: 0, buckets: new Map<number, number>() };
    assert.deepEqual(judge(nothing, limits), {
      good: false,
      figures: "it got no request, so nothing can be said of it",
    });
  });

  it("takes rising steps below 100 only", () => {
    assert.deepEqual(parseSteps("5:30,50:0"), [
      { weight: 5, pauseSeconds: 30 },
      { weight: 50, pauseSeconds: 0 },
    ]);
    for (const wrong of ["", "50", "50:30,50:30", "50:30,5:30", "0:30", "100:30", "5:-1", "5:30,"]) {
      assert.throws(() => parseSteps(wrong), {
        message: `--steps must be rising weights from 1 to 99, each with its seconds, such as 10:30,50:30, got ${JSON.stringify(wrong)}.`,
      });
    }
  });
});
