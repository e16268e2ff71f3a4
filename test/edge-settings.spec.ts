import assert from "node:assert/strict";

import { checkCacheSize, checkEdge, checkOrigin, edgeSettings } from "../components/edge/settings.ts";
import type { EdgeOptions } from "../components/edge/settings.ts";

const problemsOf = (options: EdgeOptions) => checkEdge(edgeSettings(options, {}));

describe("the settings of an edge", () => {
  it("are these unless others are given", () => {
    assert.deepStrictEqual(edgeSettings({}, {}), {
      hosts: [],
      port: 80,
      tlsSecretName: undefined,
      service: {},
      negativeSeconds: 5,
      keepSeconds: 86400,
      stale: { maxWhileRevalidateSeconds: 86400, maxIfErrorSeconds: 86400 },
      release: undefined,
      connectTimeoutSeconds: 2,
      answerTimeoutSeconds: 30,
      largeObjects: { prefixes: [], sliceSize: "1Mi" },
      limits: {},
      maxBodySize: "1Mi",
      rolloutTimeoutSeconds: 180,
      resolver: "kube-dns.kube-system.svc.cluster.local",
      resources: {
        requests: { cpu: "50m", memory: "64Mi", "ephemeral-storage": "16Mi" },
        limits: { cpu: "1", memory: "256Mi", "ephemeral-storage": "64Mi" },
      },
      replicas: 2,
      cacheSize: "256Mi",
    });
    assert.equal(edgeSettings({ tlsSecretName: "www-tls" }, {}).port, 443);
    const { requests, limits } = edgeSettings(
      { resources: { requests: { cpu: "10m" }, limits: { memory: "1Gi" } } },
      {},
    ).resources;
    assert.deepEqual([requests.cpu, requests.memory, limits.cpu, limits.memory], ["10m", "64Mi", "1", "1Gi"]);
  });

  const right: EdgeOptions[] = [
    {},
    { hosts: ["www.example.com", "a", "1.example.com"], port: 65535 },
    { negativeSeconds: 3600, keepSeconds: 60, connectTimeoutSeconds: 60, answerTimeoutSeconds: 3600 },
    { stale: { maxWhileRevalidateSeconds: 0, maxIfErrorSeconds: 31_536_000 } },
    { limits: { requestsPerSecond: 100_000, burst: 1, connections: 1 } },
    { limits: { requestsPerSecond: 1 } },
    { largeObjects: { prefixes: ["/films/", "/a.b/~c-d_e/"], sliceSize: "2Mi" } },
    { release: { path: "/version", header: "X-App-Version", keep: ["/assets/"] } },
    { rolloutTimeoutSeconds: 10 },
    { resolver: "[2001:db8::53]:53" },
  ];
  for (const options of right) {
    it(`can be ${JSON.stringify(options)}`, () => assert.deepEqual(problemsOf(options), []));
  }

  const integer = (key: string, from: number, to: number, got: number) =>
    `${key} must be an integer from ${from} to ${to}, got ${got}`;
  const path = (key: string, got: string) => `${key} must be a path such as "/downloads/", got "${got}"`;
  const quantity = (key: string, got: string) =>
    `${key} must be a Kubernetes quantity above 0 such as "32Mi" or "1Gi", got "${got}"`;
  const host = 'must be a host name in lower case such as "www.example.com", got';
  const wrong: [EdgeOptions, string[]][] = [
    [{ hosts: ["example.com", "example.com"] }, ['hosts must each be given once, got "example.com" twice or more']],
    [{ hosts: ["www.-a.com", "a..b"] }, [`hosts[0] ${host} "www.-a.com"`, `hosts[1] ${host} "a..b"`]],
    [{ port: 0 }, [integer("port", 1, 65535, 0)]],
    [{ negativeSeconds: 3601 }, [integer("negativeSeconds", 0, 3600, 3601)]],
    [{ keepSeconds: 59 }, [integer("keepSeconds", 60, 31536000, 59)]],
    [
      { stale: { maxWhileRevalidateSeconds: -1, maxIfErrorSeconds: 31_536_001 } },
      [
        integer("stale.maxWhileRevalidateSeconds", 0, 31536000, -1),
        integer("stale.maxIfErrorSeconds", 0, 31536000, 31536001),
      ],
    ],
    [{ connectTimeoutSeconds: 0 }, [integer("connectTimeoutSeconds", 1, 60, 0)]],
    [{ answerTimeoutSeconds: 3601 }, [integer("answerTimeoutSeconds", 1, 3600, 3601)]],
    [{ rolloutTimeoutSeconds: 9 }, [integer("rolloutTimeoutSeconds", 10, 3600, 9)]],
    [{ largeObjects: { prefixes: ["a/b"] } }, [path("largeObjects.prefixes[0]", "a/b")]],
    [{ largeObjects: { prefixes: ["/a b"] } }, [path("largeObjects.prefixes[0]", "/a b")]],
    [
      { largeObjects: { prefixes: ["/a/", "/a/"] } },
      ['largeObjects.prefixes must each be given once, got "/a/" twice or more'],
    ],
    [{ largeObjects: { sliceSize: "1" as "1Mi" } }, [quantity("largeObjects.sliceSize", "1")]],
    [{ maxBodySize: "1MB" as "1Mi" }, [quantity("maxBodySize", "1MB")]],
    [
      { limits: { requestsPerSecond: 1, burst: 0, connections: 100_001 } },
      [integer("limits.burst", 1, 100000, 0), integer("limits.connections", 1, 100000, 100001)],
    ],
    [{ limits: { requestsPerSecond: 0 } }, [integer("limits.requestsPerSecond", 1, 100000, 0)]],
    [{ release: { path: "version", header: "X-App-Version" } }, [path("release.path", "version")]],
    [{ limits: { burst: 1 } }, ["limits.burst must be left out without limits.requestsPerSecond"]],
    [
      { release: { path: "/version", header: "-X", keep: ["assets/"] } },
      ['release.header must be the name of a header such as "X-Version", got "-X"', path("release.keep[0]", "assets/")],
    ],
    ...["a b", "dns;", " dns"].map((resolver): [EdgeOptions, string[]] => [
      { resolver },
      [`resolver must be the name or address of a DNS server, got "${resolver}"`],
    ]),
    [
      { service: { type: "ClusterIP", externalTrafficPolicy: "Local" } },
      [
        "service.externalTrafficPolicy must be left out unless service.type is LoadBalancer or NodePort, " +
          'got type "ClusterIP"',
      ],
    ],
  ];
  for (const [options, problems] of wrong) {
    it(`cannot be ${JSON.stringify(options)}`, () => assert.deepEqual(problemsOf(options), problems));
  }

  it("say of which region the replicas and the cache are", () => {
    assert.deepEqual(checkEdge(edgeSettings({}, { replicas: 0, cacheSize: "16383Ki" }), "regions[1]."), [
      integer("regions[1].replicas", 1, 100, 0),
      'regions[1].cacheSize must be at least "16Mi", got "16383Ki"',
    ]);
    assert.deepEqual(checkCacheSize("cacheSize", "16Mi"), []);
    assert.deepEqual(checkCacheSize("cacheSize", 16), ['cacheSize must be a size such as "256Mi", got 16']);
  });

  const noUrl = 'origin must be a URL such as "http://hello.shop.svc:8888" or "https://www.example.com", got';
  for (const [origin, problem] of [
    ["http://hello.shop.svc:8888", undefined],
    ["https://www.example.com/", undefined],
    ["hello.shop.svc", `${noUrl} "hello.shop.svc"`],
    ["ftp://hello.shop.svc", `${noUrl} "ftp://hello.shop.svc"`],
    ["http://me@hello.shop.svc", `${noUrl} "http://me@hello.shop.svc"`],
    ["http://hello/?a=1", 'origin must be a URL without a path, got "http://hello/?a=1"'],
    ["http://hello/#a", 'origin must be a URL without a path, got "http://hello/#a"'],
    [
      "http://me.example:81",
      'origin must not lead back to the CDN, got "http://me.example:81", which is one of its hosts',
    ],
  ] as const) {
    it(`${problem === undefined ? "can" : "cannot"} have the origin ${origin}`, () =>
      assert.deepEqual(checkOrigin("origin", origin, ["me.example"]), problem === undefined ? [] : [problem]));
  }
});
