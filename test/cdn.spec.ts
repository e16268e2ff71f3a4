import assert from "node:assert/strict";

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { Cdn } from "../components/cdn.ts";
import type { CdnArgs } from "../components/cdn.ts";
import { created, graph, only, recordOptions, specOf, useMocks, valueOf } from "./mocks.ts";

const baseArgs = {
  origin: "http://hello.shop.svc:8888",
  namespace: "shop",
  regions: [{ name: "eu" }, { name: "us" }],
} satisfies CdnArgs;

const make = (args: Partial<CdnArgs> = {}, name = "meridian") => new Cdn(name, { ...baseArgs, ...args });

const nginxConf = async (region: string): Promise<string> => {
  const { inputs } = await only("kubernetes:core/v1:ConfigMap", `meridian-${region}`);
  return (inputs["data"] as Record<string, string>)["nginx.conf"]!;
};

interface Pod {
  affinity?: { nodeAffinity: Record<string, { nodeSelectorTerms: { matchExpressions: unknown[] }[] }> };
  containers: { image: string; resources: Record<string, Record<string, string>>; securityContext: object }[];
  volumes: { name: string; emptyDir?: { sizeLimit: string } }[];
}
const podOf = async (region: string): Promise<Pod> => {
  const { template } = (await specOf("kubernetes:apps/v1:Deployment", `meridian-${region}`)) as {
    template: { spec: Pod };
  };
  return template.spec;
};

describe("Cdn", () => {
  beforeEach(() => useMocks());

  it("makes the same edges in each region, each with an address", async () => {
    const cdn = make();
    const perRegion = (region: string) =>
      [
        "apps/v1:Deployment",
        "core/v1:ConfigMap",
        "core/v1:Secret",
        "core/v1:Service",
        "core/v1:ServiceAccount",
        "networking.k8s.io/v1:NetworkPolicy",
        "policy/v1:PodDisruptionBudget",
      ].map((type) => `kubernetes:${type} meridian-${region}`);
    assert.deepEqual(
      await graph(),
      [
        ...perRegion("eu"),
        ...perRegion("us"),
        "meridian:index:Cdn meridian",
        "meridian:index:EdgeLocation meridian-eu",
        "meridian:index:EdgeLocation meridian-us",
        "random:index/randomPassword:RandomPassword meridian-token",
      ].toSorted(),
    );
    assert.deepEqual(await valueOf(cdn.locations), [
      { name: "eu", url: "http://192.0.2.10:80", replicas: 2, isShield: false },
      { name: "us", url: "http://192.0.2.10:80", replicas: 2, isShield: false },
    ]);
    assert.ok(await pulumi.isSecret(cdn.token));
  });

  it("keeps each edge on the nodes of its region, with disk for its cache and rights for nothing", async () => {
    make({ regions: [{ name: "eu", replicas: 3, cacheSize: "1Gi" }] });
    const { replicas, strategy } = await specOf("kubernetes:apps/v1:Deployment");
    assert.deepEqual(
      [replicas, strategy],
      [3, { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }],
    );
    const pod = await podOf("eu");
    assert.deepEqual(pod.affinity!.nodeAffinity["requiredDuringSchedulingIgnoredDuringExecution"]!.nodeSelectorTerms, [
      { matchExpressions: [{ key: "topology.kubernetes.io/region", operator: "In", values: ["eu"] }] },
    ]);
    assert.deepEqual(pod.containers[0]!.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    const gibibyte = 2 ** 30;
    assert.equal(pod.volumes.find(({ name }) => name === "cache")!.emptyDir!.sizeLimit, `${1.25 * gibibyte}`);
    const disk = Number(pod.containers[0]!.resources["requests"]!["ephemeral-storage"]);
    assert.ok(disk > 1.25 * gibibyte && disk < 1.5 * gibibyte);
    assert.match(await nginxConf("eu"), /max_size=1073741824 /);
  });

  it("runs the official image by digest, or the one it is given", async () => {
    make();
    assert.match(
      (await podOf("eu")).containers[0]!.image,
      /^nginxinc\/nginx-unprivileged:[\w.-]+@sha256:[0-9a-f]{64}$/,
    );
    await useMocks();
    make({ image: "registry.example/nginx@sha256:1" });
    assert.equal((await podOf("us")).containers[0]!.image, "registry.example/nginx@sha256:1");
  });

  it("fetches through the shield, and from the origin if that is lost", async () => {
    make({ shield: "us" });
    const eu = await nginxConf("eu");
    assert.match(
      eu,
      /server meridian-us-shield\.shop\.svc:8082 max_fails=1 fail_timeout=5s;\n\s+server unix:\S+ backup;/,
    );
    assert.doesNotMatch(eu, /listen 8082/);
    const us = await nginxConf("us");
    assert.match(us, /listen 8082;/);
    assert.doesNotMatch(us, /upstream shield/);
    assert.deepEqual((await created("kubernetes:core/v1:Service")).map(({ name }) => name).toSorted(), [
      "meridian-eu",
      "meridian-us",
      "meridian-us-shield",
    ]);
  });

  it("changes one region after the other, the shield first", async () => {
    const { options, transformations } = recordOptions();
    new Cdn("meridian", { ...baseArgs, shield: "us" }, { transformations });
    await graph();
    const after = (region: string) => {
      const { dependsOn = [] } = options.get(`meridian:index:EdgeLocation meridian-${region}`)!;
      return (dependsOn as pulumi.Resource[]).length;
    };
    assert.deepEqual([after("us"), after("eu")], [0, 1]);
  });

  it("makes the edges of a region that is a cluster of its own there", async () => {
    const { options, transformations } = recordOptions();
    const provider = (name: string) => new k8s.Provider(name, { kubeconfig: `{"of": "${name}"}` });
    const [one, two] = [provider("one"), provider("two")];
    const regions = [{ name: "eu", provider: one }, { name: "us", provider: two }, { name: "ap" }];
    new Cdn("meridian", { ...baseArgs, shield: "ap", regions }, { transformations });
    await graph();
    const providerOf = (region: string) => options.get(`meridian:index:EdgeLocation meridian-${region}`)!.provider;
    assert.deepEqual([providerOf("eu"), providerOf("us"), providerOf("ap")], [one, two, undefined]);
    // The nodes of a cluster of its own are all the region's, and it cannot reach the shield of another one.
    assert.equal((await podOf("eu")).affinity, undefined);
    assert.doesNotMatch(await nginxConf("eu"), /upstream shield/);
  });

  it("serves TLS and HTTP/2 with a Secret", async () => {
    const cdn = make({ tlsSecretName: "www-tls", hosts: ["www.example.com"] });
    assert.match(await nginxConf("eu"), /listen 8443 ssl;\n\s+http2 on;/);
    assert.equal((await valueOf(cdn.locations))[0]!.url, "https://192.0.2.10:443");
  });

  it("keeps the token out of the configuration", async () => {
    make({ token: "a-token-that-nobody-guesses" });
    assert.doesNotMatch(await nginxConf("eu"), /nobody-guesses/);
    const { inputs } = await only("kubernetes:core/v1:Secret", "meridian-eu");
    assert.match(JSON.stringify(inputs["stringData"]), /nobody-guesses/);
  });

  for (const [args, message] of [
    [{ regions: [] }, "regions must hold at least one region, got []"],
    [{ regions: [{ name: "eu" }, { name: "eu" }] }, 'names of regions must each be given once, got "eu" twice or more'],
    [{ shield: "ap" }, 'shield must be one of the regions "eu", "us", got "ap"'],
    [
      { regions: [{ name: "eu", cacheSize: "256" as "256Mi" }] },
      'regions[0].cacheSize must be a Kubernetes quantity above 0 such as "32Mi" or "1Gi", got "256"',
    ],
    [{ regions: [{ name: "eu", cacheSize: "1Mi" }] }, 'regions[0].cacheSize must be at least "16Mi", got "1Mi"'],
    [{ regions: [{ name: "eu", replicas: 0 }] }, "regions[0].replicas must be an integer from 1 to 100, got 0"],
    [
      { origin: "http://meridian-us.shop.svc" },
      'origin must not lead back to the CDN, got "http://meridian-us.shop.svc", which is one of its hosts',
    ],
    [
      { origin: "http://www.example.com", hosts: ["www.example.com"] },
      'origin must not lead back to the CDN, got "http://www.example.com", which is one of its hosts',
    ],
    [{ origin: "http://hello/app" }, 'origin must be a URL without a path, got "http://hello/app"'],
    [
      { origin: "hello:8888" },
      'origin must be a URL such as "http://hello.shop.svc:8888" or "https://www.example.com", got "hello:8888"',
    ],
    [
      { hosts: ["WWW.example.com"] },
      'hosts[0] must be a host name in lower case such as "www.example.com", got "WWW.example.com"',
    ],
    [
      { largeObjects: { prefixes: ["films"] } },
      'largeObjects.prefixes[0] must be a path such as "/downloads/", got "films"',
    ],
    [{ limits: { requestsPerSecond: 0 } }, "limits.requestsPerSecond must be an integer from 1 to 100000, got 0"],
    [{ limits: { burst: 5 } }, "limits.burst must be left out without limits.requestsPerSecond"],
    [
      { release: { path: "version", header: "X Version" } },
      'release.path must be a path such as "/downloads/", got "version"\n' +
        'release.header must be the name of a header such as "X-Version", got "X Version"',
    ],
    [{ negativeSeconds: -1 }, "negativeSeconds must be an integer from 0 to 3600, got -1"],
    [{ token: "short" }, "token must be at least 20 characters without spaces, got fewer or others"],
  ] as const) {
    it(`refuses ${JSON.stringify(args)}`, async () => {
      assert.throws(() => make(args as Partial<CdnArgs>), { message });
      assert.deepEqual(await graph(), ["meridian:index:Cdn meridian"]);
    });
  }
});
