import assert from "node:assert/strict";
import type { V1Service } from "@kubernetes/client-node";
import { CommandError, run, succeeds, until, UserError } from "../exec.ts";
import { chooseAddress, isOurs, localhostPorts } from "../load-balancer.ts";
import { duration } from "../progress.ts";
import { checkRegions } from "../region-list.ts";
import { wantedBy } from "../start.ts";
import { explainBuildFailure } from "../tools.ts";

function service(name: string, created: Date | string, ports: number[], address?: string): V1Service {
  return {
    metadata: { name, uid: name, creationTimestamp: created as never },
    spec: { type: "LoadBalancer", ports: ports.map((port) => ({ port })) },
    ...(address !== undefined && { status: { loadBalancer: { ingress: [{ ip: address }] } } }),
  };
}

describe("run", () => {
  it("returns what a program printed", async () => {
    assert.equal(await run("sh", ["-c", "cat; echo err >&2"], { input: "hello" }), "hello");
  });

  it("says how a program failed, with the end of its output", async () => {
    await assert.rejects(run("sh", ["-c", "echo first; echo last >&2; exit 3"]), (error: unknown) => {
      assert.ok(error instanceof CommandError);
      assert.equal(error.message, "`sh -c echo first; echo last >&2; exit 3` failed with exit code 3:\nfirst\nlast");
      return true;
    });
  });

  it("says that a program is missing", async () => {
    await assert.rejects(run("no-such-program", []), {
      message: "`no-such-program` could not be run: spawn no-such-program ENOENT.",
    });
  });

  it("ends a program that takes too long", async () => {
    await assert.rejects(run("sleep", ["10"], { timeout: 50 }), { message: "`sleep 10` took longer than 0.05 s." });
  });

  it("tells success from failure", async () => {
    assert.deepEqual([await succeeds("true", []), await succeeds("false", [])], [true, false]);
  });
});

describe("until", () => {
  it("asks again until the condition holds", async () => {
    let asked = 0;
    await until("it", async () => ++asked === 3, { interval: 1 });
    assert.equal(asked, 3);
  });

  it("says what did not happen, and why", async () => {
    const never = (): Promise<boolean> => Promise.reject(new Error("refused"));
    await assert.rejects(until("the start", never, { seconds: 0.01, interval: 1 }), {
      message: "the start did not happen within 0.01 s (refused).",
    });
  });

  it("does not ask again after a misfortune that waiting cannot mend", async () => {
    const broken = (): Promise<boolean> => Promise.reject(new UserError("etcd ended."));
    await assert.rejects(until("the start", broken), { message: "etcd ended." });
  });
});

describe("checkRegions", () => {
  const wrong: [string[], string][] = [
    [
      ["EU"],
      'regions must be names of 1 to 10 lower-case letters, digits and hyphens that start with a letter, got "EU"; rename it.',
    ],
    [
      ["eu-west-frankfurt"],
      'regions must be names of 1 to 10 lower-case letters, digits and hyphens that start with a letter, got "eu-west-frankfurt"; rename it.',
    ],
    [["eu", "eu"], 'regions must have different names, got "eu" twice; rename one.'],
    [["lb"], 'regions must not be called "lb" or "host", which the kit needs itself, got "lb"; rename it.'],
    [[], "regions must be a list of 1 to 9 names, got 0; the local cluster has room for 9."],
    [[..."abcdefghij"], "regions must be a list of 1 to 9 names, got 10; the local cluster has room for 9."],
  ];
  for (const [names, message] of wrong) {
    it(`refuses ${JSON.stringify(names)}`, () => assert.throws(() => checkRegions(names), { message }));
  }

  it("takes one region and nine", () => {
    checkRegions(["a"]);
    checkRegions([..."abcdefghi"]);
  });
});

describe("npm start", () => {
  it("takes from the stack what the cluster needs to know, as `pulumi config set` or a person has written it", () => {
    const wanted = (config: Record<string, unknown>) => wantedBy((key) => config[key]);
    const all = { port: "9000", regions: ["eu"], host: "hello.example.com" };
    assert.deepEqual(wanted(all), { regions: ["eu"], servicePorts: [9000], gateway: true });
    assert.deepEqual(wanted({ port: 9000, host: "" }), { servicePorts: [9000] });
    for (const port of ["nine", "", undefined])
      assert.deepEqual(wanted({ port, regions: "eu" }), { servicePorts: [8888] });
  });
});

describe("the load balancer", () => {
  it("gives out the first free address, or the wanted one", () => {
    assert.equal(chooseAddress(new Set()), "10.213.1.1");
    assert.equal(chooseAddress(new Set(["10.213.1.1", "10.213.1.3"])), "10.213.1.2");
    assert.equal(chooseAddress(new Set(), "10.213.1.7"), "10.213.1.7");
    assert.equal(chooseAddress(new Set(["10.213.1.7"]), "10.213.1.7"), "10.213.1.1");
    assert.equal(chooseAddress(new Set(), "192.0.2.1"), "10.213.1.1");
  });

  it("has no address left when all are taken", () => {
    const all = Array.from({ length: 254 }, (_, index) => `10.213.1.${index + 1}`);
    assert.equal(chooseAddress(new Set(all)), undefined);
  });

  it("leads a port of localhost to the older of two Services that want it", () => {
    const services = [
      service("new", "2026-01-02T00:00:00Z", [8888, 9999], "10.213.1.2"),
      service("old", new Date("2026-01-01"), [8888], "10.213.1.1"),
    ];
    assert.deepEqual(
      [...localhostPorts(services, new Set())],
      [
        [8888, "10.213.1.1"],
        [9999, "10.213.1.2"],
      ],
    );
  });

  it("keeps the kit's own ports and waits for addresses", () => {
    const services = [
      service("a", new Date("2026-01-01"), [5001, 80], "10.213.1.1"),
      service("b", new Date("2026-01-01"), [81]),
    ];
    assert.deepEqual([...localhostPorts(services, new Set([5001]))], [[80, "10.213.1.1"]]);
  });

  it("leaves Services with a class to their own controller", () => {
    const other = service("other", new Date("2026-01-01"), [80]);
    other.spec = { ...other.spec, loadBalancerClass: "example.com/lb" };
    assert.deepEqual(
      [isOurs(service("mine", new Date("2026-01-01"), [80])), isOurs(other), isOurs({ spec: { type: "ClusterIP" } })],
      [true, false, false],
    );
  });
});

describe("explainBuildFailure", () => {
  const table: [string, RegExp][] = [
    [
      "compile: writing output: write /tmp/go-build1: no space left on device",
      /^the disk is full while building pulumi; free about 8 GB /,
    ],
    [
      'Get "https://proxy/x": dial tcp: lookup proxy: no such host',
      /^the Go module proxy cannot be reached, so pulumi cannot be built; /,
    ],
    ["verifying module: checksum mismatch", /^a downloaded Go module of pulumi does not match go.sum; /],
    ["main.go:3: syntax error", /^pulumi could not be built:\nmain.go:3: syntax error$/],
  ];
  for (const [output, message] of table) {
    it(`explains "${output.slice(0, 40)}"`, () => assert.match(explainBuildFailure("pulumi", output), message));
  }
});

describe("duration", () => {
  it("says seconds, then minutes", () => {
    assert.deepEqual([4321, 42_000, 125_000].map(duration), ["4.3 s", "42 s", "2 min 5 s"]);
  });
});
