import { evenness } from "../chi-square.ts";
import { renderSpread, type View } from "../spread-view.ts";
import type { ReplicaCount, Spread } from "../spread.ts";
import assert from "node:assert/strict";

const course: ReplicaCount[] = [
  { name: "Z2vTvgmxb0", region: "ap", version: "v0.0.1", count: 37 },
  { name: "mZ71tWfPqA", region: "eu", version: "v0.0.1", count: 31 },
  { name: "0aBcDeFgHi", region: "us", version: "v0.0.1", count: 32 },
];

function counted(replicas: ReplicaCount[], changed: Partial<Spread> = {}): Spread {
  const answered = replicas.reduce((sum, { count }) => sum + count, 0);
  return {
    url: "http://localhost:8888",
    requested: answered,
    answered,
    failed: 0,
    seconds: 0.42,
    stopped: false,
    replicas,
    failures: [],
    evenness: evenness(replicas.map(({ count }) => count)),
    ...changed,
  };
}

function lines(spread: Spread, view: Partial<View> = {}): string[] {
  return renderSpread(spread, { columns: 100, color: false, ...view }).split("\n");
}

describe("renderSpread", () => {
  it("says only how many were answered, what failed, and the verdict, if it shall be quiet", () => {
    const failures = [{ reason: "HTTP 503", count: 2 }];
    const [headline, ...rest] = lines(counted(course, { requested: 102, failed: 2, failures }), { quiet: true });
    assert.equal(headline, "102 requests to http://localhost:8888 in 0.4 s: 100 answered, 2 failed");
    assert.deepEqual(rest.slice(0, 2), ["2 failed: HTTP 503", ""]);
    assert.match(rest[2] ?? "", /^Even: χ² = /);
    assert.equal(rest.length, 3);
  });

  it("draws a bar per replica on 100 columns", () => {
    assert.deepEqual(lines(counted(course)), [
      "100 requests to http://localhost:8888 in 0.4 s: all answered",
      "",
      `Z2vTvgmxb0  ap  v0.0.1  ${"█".repeat(64)}  37  37.0 %`,
      `mZ71tWfPqA  eu  v0.0.1  ${"█".repeat(53)}▋${" ".repeat(10)}  31  31.0 %`,
      `0aBcDeFgHi  us  v0.0.1  ${"█".repeat(55)}▍${" ".repeat(8)}  32  32.0 %`,
      "",
      "Even: χ² = 0.6, 2 degrees of freedom, p = 0.73. Differences like these are chance.",
    ]);
  });

  it("stays within 60 columns, even with long names and many failures", () => {
    const long = course.map((replica) => ({
      ...replica,
      name: `${replica.name}-${"x".repeat(50)}`,
      region: "northamerica-northeast2",
      count: replica.count * 1000,
    }));
    const failures = [{ reason: "a reason that takes more words than a narrow terminal can hold", count: 12345 }];
    const rendered = lines(counted(long, { failed: 12345, failures }), { columns: 60 });
    assert.deepEqual(
      rendered.filter((line) => line.length > 60),
      [],
    );
    assert.equal(rendered.filter((line) => line.includes("████")).length, 3);
  });

  it("colours bars by region, and only if told to", () => {
    assert.ok(renderSpread(counted(course), { columns: 80, color: true }).includes("\x1b[36m█"));
    assert.ok(!renderSpread(counted(course), { columns: 80, color: false }).includes("\x1b"));
  });

  it("says that a spread is uneven when chance does not explain it", () => {
    const uneven = counted(course.map((replica, index) => ({ ...replica, count: index === 0 ? 60 : 20 })));
    assert.equal(
      lines(uneven, { columns: 200 }).at(-1),
      "Uneven: χ² = 32.0, 2 degrees of freedom, p < 0.0001. Chance alone gives this in fewer than 2 of 1000 runs.",
    );
  });

  it("warns of few requests", () => {
    const few = counted(course.map((replica) => ({ ...replica, count: 2 })));
    assert.equal(
      lines(few, { columns: 200 }).at(-1),
      "Few requests: with fewer than 5 a replica this says little, and a replica may be missing.",
    );
  });

  it("does not judge a single replica", () => {
    assert.equal(
      lines(counted(course.slice(0, 1))).at(-1),
      "Only one replica answered, so there is no spread to judge.",
    );
  });

  it("says that a release is no time to judge", () => {
    const mixed = counted(course.map((replica, index) => (index === 0 ? { ...replica, version: "v0.0.2" } : replica)));
    assert.equal(lines(mixed).at(-1), "v0.0.1 and v0.0.2 answered: during a release, an uneven spread is no surprise.");
  });

  it("says what failed, why, and what to do if nobody answers", () => {
    const nobody = counted([], { requested: 100, failed: 20, stopped: true });
    assert.deepEqual(lines({ ...nobody, failures: [{ reason: "connection refused", count: 20 }] }, { columns: 200 }), [
      "20 of 100 requests to http://localhost:8888 in 0.4 s: 0 answered, 20 failed, stopped",
      "",
      "20 failed: connection refused",
      "",
      "Nobody answers at http://localhost:8888: start the service there with npm start, or name another URL with --url.",
    ]);
  });

  it("counts the replicas that it has no rows for", () => {
    assert.equal(lines(counted(course), { rows: 1 })[3], "and 2 more replicas");
  });
});
