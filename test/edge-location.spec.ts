import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { EdgeLocation } from "../components/edge-location.ts";
import type { EdgeLocationArgs } from "../components/edge-location.ts";
import { nginxConfig } from "../components/edge/nginx-config.ts";
import { edgePodSpec } from "../components/edge/pod.ts";
import type { EdgePodOptions } from "../components/edge/pod.ts";
import { defaultEdgeImage } from "../components/edge/settings.ts";
import { created, dependencies, graph, only, recordOptions, secret, specOf, useMocks, valueOf } from "./mocks.ts";
import { nginxOptions } from "./nginx-lines.ts";

const baseArgs: EdgeLocationArgs = {
  cdn: "www",
  region: "eu",
  origin: "http://hello.shop.svc:8888",
  token: "a-token-that-nobody-guesses",
  namespace: "shop",
};
const make = (args: Partial<EdgeLocationArgs> = {}, name = "www-eu") =>
  new EdgeLocation(name, { ...baseArgs, ...args });

const selector = { "app.kubernetes.io/name": "www-eu" };
const labels = { ...selector, "app.kubernetes.io/part-of": "www", "app.kubernetes.io/managed-by": "pulumi" };
const metadata = { namespace: "shop", labels };
const script = (name: string) => readFileSync(new URL(`../components/edge/${name}`, import.meta.url), "utf8");
const isAwaited = { "pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress}" };

/** What a resource says of itself, without its kind. */
const own = async (type: string, name?: string) => {
  const { apiVersion, kind, ...inputs } = (await only(`kubernetes:${type}`, name)).inputs;
  assert.equal(typeof apiVersion, "string");
  assert.equal(typeof kind, "string");
  return inputs;
};

const podOf = async () => ((await specOf("kubernetes:apps/v1:Deployment"))["template"] as { spec: unknown }).spec;

const podOptions: EdgePodOptions = {
  ...nginxOptions(),
  image: defaultEdgeImage,
  serviceAccountName: "www-eu-1a2b3c4d",
  configMapName: "www-eu-1a2b3c4d",
  secretName: "www-eu-1a2b3c4d",
  nodeLabels: { "topology.kubernetes.io/region": "eu" },
  isShield: false,
};

describe("EdgeLocation", () => {
  beforeEach(() => useMocks());

  it("runs two edges, and brings new ones before the old ones go", async () => {
    make();
    assert.deepStrictEqual(await own("apps/v1:Deployment"), {
      metadata: { ...metadata, annotations: { "pulumi.com/timeoutSeconds": "180" } },
      spec: {
        replicas: 2,
        selector: { matchLabels: selector },
        strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        revisionHistoryLimit: 2,
        template: {
          metadata: {
            labels,
            annotations: {
              "prometheus.io/scrape": "true",
              "prometheus.io/port": "8081",
              "prometheus.io/path": "/metrics",
            },
          },
          spec: edgePodSpec(podOptions, selector),
        },
      },
    });
  });

  it("has an account without rights, a secret token, and a configuration that never changes under an edge", async () => {
    make();
    assert.deepStrictEqual(await own("core/v1:ServiceAccount"), { metadata, automountServiceAccountToken: false });
    assert.deepStrictEqual(await own("core/v1:Secret"), {
      metadata,
      stringData: secret({ EDGE_TOKEN: "a-token-that-nobody-guesses" }),
      immutable: true,
    });
    assert.deepStrictEqual(await own("core/v1:ConfigMap"), {
      metadata,
      data: {
        "nginx.conf": nginxConfig(nginxOptions()),
        ...Object.fromEntries(["edge.js", "purges.js", "rules.js"].map((name) => [name, script(name)])),
      },
      immutable: true,
    });
  });

  it("answers behind a load balancer once edges are ready, and loses one at a time", async () => {
    const { options, transformations } = recordOptions();
    const edge = new EdgeLocation("www-eu", baseArgs, { transformations });
    assert.deepStrictEqual(await own("core/v1:Service"), {
      metadata: { ...metadata, name: "www-eu", annotations: isAwaited },
      spec: {
        type: "LoadBalancer",
        externalTrafficPolicy: "Cluster",
        selector,
        ports: [{ name: "http", port: 80, targetPort: "http" }],
      },
    });
    assert.deepStrictEqual(await own("policy/v1:PodDisruptionBudget"), {
      metadata,
      spec: { selector: { matchLabels: selector }, maxUnavailable: 1, unhealthyPodEvictionPolicy: "AlwaysAllow" },
    });
    assert.deepEqual(await dependencies(options, "kubernetes:core/v1:Service www-eu"), [
      "kubernetes:apps/v1:Deployment::www-eu",
    ]);
    assert.ok([...options.values()].every(({ parent }) => parent === edge || parent === undefined));
    assert.equal([...options.values()].filter(({ parent }) => parent === edge).length, 7);
    assert.equal(await valueOf(edge.url), "http://192.0.2.10:80");
    assert.equal(edge.shieldUrl, undefined);
  });

  it("lets in clients, other edges of its CDN, and whoever reads metrics in the cluster", async () => {
    make();
    const tcp = (port: number) => ({ port, protocol: "TCP" });
    assert.deepStrictEqual(await own("networking.k8s.io/v1:NetworkPolicy"), {
      metadata,
      spec: {
        podSelector: { matchLabels: selector },
        policyTypes: ["Ingress", "Egress"],
        egress: [{}],
        ingress: [
          { ports: [tcp(8080), tcp(8443)] },
          {
            from: [{ podSelector: { matchLabels: { "app.kubernetes.io/part-of": "www" } } }],
            ports: [tcp(8082)],
          },
          { from: [{ namespaceSelector: {} }], ports: [tcp(8081)] },
        ],
      },
    });
  });

  it("has an address for other edges inside the cluster, as their shield", async () => {
    const edge = make({ isShield: true });
    assert.deepStrictEqual(await own("core/v1:Service", "www-eu-shield"), {
      metadata: { ...metadata, name: "www-eu-shield", annotations: { "pulumi.com/skipAwait": "true" } },
      spec: { type: "ClusterIP", selector, ports: [{ name: "shield", port: 8082, targetPort: "shield" }] },
    });
    assert.deepStrictEqual(await podOf(), edgePodSpec({ ...podOptions, isShield: true }, selector));
    assert.equal(await valueOf(edge.shieldUrl!), "http://www-eu-shield.shop.svc:8082");
  });

  it("serves TLS with the certificate of a Secret", async () => {
    const edge = make({ tlsSecretName: "www-tls", hosts: ["http.example.com"], service: { type: "ClusterIP" } });
    assert.deepStrictEqual(await own("core/v1:Service"), {
      metadata: { ...metadata, name: "www-eu", annotations: { "pulumi.com/skipAwait": "true" } },
      spec: { type: "ClusterIP", selector, ports: [{ name: "https", port: 443, targetPort: "https" }] },
    });
    assert.equal(await valueOf(edge.url), "https://www-eu.shop.svc:443");
  });

  it("takes nodes by any labels, another image, and annotations on top", async () => {
    const annotations = { "example.com/pool": "edge" };
    const image = "registry.example/nginx@sha256:1";
    make({ nodeLabels: { pool: "edge" }, image, service: { annotations } });
    assert.deepStrictEqual(
      await podOf(),
      edgePodSpec({ ...podOptions, image, nodeLabels: { pool: "edge" } }, selector),
    );
    const { metadata: meta } = await own("core/v1:Service");
    assert.deepEqual(meta, { ...metadata, name: "www-eu", annotations: { ...isAwaited, ...annotations } });
  });

  it("refuses what is wrong, all at once, before anything is made", async () => {
    assert.throws(() => make({ region: "eu west", replicas: 101 }, "WWW"), {
      message:
        'name must be 1 to 40 lower-case letters, digits and "-", beginning with a letter and not ending with "-", got "WWW"\n' +
        'region must be 1 to 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit, got "eu west"\n' +
        "replicas must be an integer from 1 to 100, got 101",
    });
    assert.deepEqual(await graph(), ["meridian:index:EdgeLocation WWW"]);
    assert.deepEqual(await created("kubernetes:apps/v1:Deployment"), []);
  });
});
