import assert from "node:assert/strict";

import { configCommands, describe as describeReleases, parseArguments } from "../release.ts";
import { plan, type Releases } from "../release-plan.ts";

const image = (digit: string): string => `ghcr.io/me/hello@sha256:${digit.repeat(64)}`;
const first = { version: "v0.0.1", image: image("1") };
const base: Releases = {
  kind: "blueGreen",
  version: "v0.0.2",
  image: image("2"),
  failed: false,
  promote: "auto",
  active: "v0.0.2",
  previous: [first],
  keepPrevious: 1,
  weight: 100,
};
const second = { version: "v0.0.2", image: image("2") };
const wish = { kind: "release", version: "v0.0.3", hold: false } as const;

describe("npm run release", () => {
  it("builds a new version and remembers those before", () => {
    const settings = { version: "v0.0.3", image: "", active: "", previous: [second, first] };
    assert.deepEqual(plan(base, wish), settings);
    assert.deepEqual(plan(base, { ...wish, keep: 2 }), { ...settings, keepPrevious: 2 });
    assert.deepEqual(plan(base, { ...wish, keep: 0 }), { ...settings, keepPrevious: 0 });
    assert.deepEqual(plan(base, { ...wish, releaseKind: "rolling" }), { ...settings, release: "rolling" });
  });

  it("remembers five earlier releases, or as many as go on running", () => {
    const many = [1, 2, 3, 4, 5, 6, 7].map((patch) => ({ version: `v0.1.${patch}`, image: image("a") }));
    assert.equal(plan({ ...base, previous: many }, wish).previous?.length, 5);
    assert.equal(plan({ ...base, previous: many }, { ...wish, keep: 6 }).previous?.length, 6);
  });

  it("holds a release back by leaving the traffic with the one before", () => {
    assert.equal(plan(base, { ...wish, hold: true }).active, "v0.0.2");
  });

  it("holds every release back, and says which one has the traffic, where releases are promoted by hand", () => {
    const manual = { ...base, promote: "manual" };
    assert.equal(plan(manual, wish).active, "v0.0.2");
    assert.equal(plan({ ...manual, active: "v0.0.1" }, { kind: "promote" }).active, "v0.0.2");
    assert.deepEqual(plan(manual, { kind: "rollback" }), { active: "v0.0.1" });
    assert.deepEqual(plan({ ...manual, failed: true }, { kind: "rollback" }), {
      ...first,
      active: "v0.0.1",
      previous: [],
    });
  });

  it("keeps nothing that has never worked", () => {
    assert.deepEqual(plan({ ...base, failed: true }, wish).previous, [first]);
    assert.deepEqual(plan({ ...base, image: undefined }, { ...wish, version: "v0.0.2" }).previous, [first]);
  });

  it("gives the traffic to a release that waits", () => {
    assert.deepEqual(plan({ ...base, active: "v0.0.1" }, { kind: "promote" }), { active: "" });
  });

  it("goes back to the release before, by the traffic alone where both are running", () => {
    const drop = { ...first, active: "", previous: [] };
    assert.deepEqual(plan(base, { kind: "rollback" }), { active: "v0.0.1" });
    assert.deepEqual(plan({ ...base, kind: "rolling" }, { kind: "rollback" }), drop);
    assert.deepEqual(plan({ ...base, keepPrevious: 0 }, { kind: "rollback" }), drop);
    assert.deepEqual(plan({ ...base, failed: true }, { kind: "rollback" }), drop);
    assert.deepEqual(plan({ ...base, active: "v0.0.1" }, { kind: "rollback" }), drop);
  });

  const impossible: [string, Parameters<typeof plan>, string][] = [
    [
      "something else than a version",
      [base, { ...wish, version: "2" }],
      'A version looks like v0.0.2 or v1.2.0-rc.1, not like "2".',
    ],
    [
      "the active version",
      [base, { ...wish, version: "v0.0.2" }],
      "v0.0.2 has the traffic already; a new release needs a new version.",
    ],
    [
      "an earlier version",
      [base, { ...wish, version: "v0.0.1" }],
      "v0.0.1 was released before: `rollback` goes back to it.",
    ],
    [
      "a version while another one waits",
      [{ ...base, active: "v0.0.1" }, wish],
      "v0.0.2 is deployed beside v0.0.1, which has the traffic: `promote` gives it the traffic, `rollback` drops it.",
    ],
    [
      "a rolling release that is held back",
      [
        { ...base, kind: "rolling" },
        { ...wish, hold: true },
      ],
      "Only a blueGreen release can be held back, and this stack's releases are rolling: add --kind blueGreen.",
    ],
    [
      "a release that is held back without another one",
      [base, { ...wish, hold: true, keep: 0 }],
      "--hold needs --keep 1 or more: the active release has to stay.",
    ],
    [
      "a rolling release where releases are promoted by hand",
      [
        { ...base, promote: "manual" },
        { ...wish, releaseKind: "rolling" },
      ],
      "Only a blueGreen release can be held back, and this stack's releases are rolling: add --kind blueGreen, or pulumi config set promote auto.",
    ],
    [
      "a release without another one where releases are promoted by hand",
      [
        { ...base, promote: "manual" },
        { ...wish, keep: 0 },
      ],
      'promote "manual" needs --keep 1 or more: the active release has to stay.',
    ],
    [
      "a first release where releases are promoted by hand",
      [{ ...base, promote: "manual", image: undefined, previous: [] }, wish],
      "There is no release yet that could keep the traffic: pulumi config set promote auto.",
    ],
    [
      "a version while a canary is under way",
      [{ ...base, kind: "canary", weight: 50 }, wish],
      "v0.0.2 is under way with 50 % of the traffic: `promote` gives it the rest, `rollback` drops it.",
    ],
    [
      "another kind while a canary is under way",
      [
        { ...base, kind: "canary", weight: 50 },
        { ...wish, releaseKind: "blueGreen" },
      ],
      "v0.0.2 is under way with 50 % of the traffic: `promote` gives it the rest, `rollback` drops it.",
    ],
    [
      "another kind while a blueGreen release waits",
      [
        { ...base, active: "v0.0.1" },
        { ...wish, releaseKind: "rolling" },
      ],
      "v0.0.2 is deployed beside v0.0.1, which has the traffic: `promote` gives it the traffic, `rollback` drops it.",
    ],
    [
      "a canary without a release beside it",
      [
        { ...base, image: undefined, previous: [] },
        { ...wish, releaseKind: "canary" },
      ],
      "A canary needs a release that works beside it, and there is none yet.",
    ],
    ["a promotion of nothing", [base, { kind: "promote" }], "No release waits: v0.0.2 has the traffic."],
    [
      "a way back to nowhere",
      [{ ...base, previous: [] }, { kind: "rollback" }],
      "There is no earlier release to go back to: v0.0.2 is the only one that is known.",
    ],
  ];
  for (const [what, args, message] of impossible) {
    it(`refuses ${what}`, () => assert.throws(() => plan(...args), { message }));
  }

  it("is what could be typed", () => {
    assert.deepEqual(configCommands({ active: "v0.0.1" }), [
      ["config", "set-all", "--path", "--plaintext", "active=v0.0.1"],
    ]);
    assert.deepEqual(configCommands({ version: "v0.0.3", previous: [first] }), [
      ["config", "rm", "previous"],
      [
        "config",
        "set-all",
        "--path",
        "--plaintext",
        "version=v0.0.3",
        "--plaintext",
        `previous[0]=v0.0.1=${first.image}`,
      ],
    ]);
  });

  it("says which release has the traffic", () => {
    assert.equal(
      describeReleases({ ...base, active: "v0.0.1" }),
      `Releases are blueGreen.\nv0.0.2  preview       ${image("2")}\nv0.0.1  active        ${image("1")}`,
    );
    const three = { ...base, version: "v0.0.3", active: "v0.0.3", previous: [second, first] };
    assert.match(describeReleases(three), /^v0\.0\.3 +active .*\nv0\.0\.2 +standby .*\nv0\.0\.1 +previous .*$/m);
    assert.match(describeReleases({ ...three, kind: "rolling" }), /^v0\.0\.2 +previous /m);
  });

  it("reads its command line", () => {
    const steps = [10, 50].map((weight) => ({ weight, pauseSeconds: 30 }));
    const course = { steps, limits: { maxErrorPercent: 1, maxP99Milliseconds: 1000 } };
    const quiet = false;
    assert.deepEqual(parseArguments(["v0.0.2", "--hold", "--keep", "2", "--stack", "dev"]), {
      course,
      quiet,
      wish: { kind: "release", version: "v0.0.2", keep: 2, hold: true, releaseKind: undefined },
      stack: ["--stack", "dev"],
    });
    assert.deepEqual(parseArguments(["rollback"]), { wish: { kind: "rollback" }, course, stack: [], quiet });
    assert.equal(parseArguments(["status", "--quiet"]).quiet, true);
    assert.throws(() => parseArguments(["v1.0.0", "--keep", "-1"]), {
      message: '--keep must be an integer from 0 to 10, got "-1".',
    });
    assert.throws(() => parseArguments(["v1.0.0", "--kind", "recreate"]), {
      message: '--kind must be rolling, blueGreen or canary, got "recreate".',
    });
    assert.throws(() => parseArguments([]), { message: "error: missing required argument 'wish'" });
  });
});
