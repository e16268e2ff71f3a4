import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { Cdn } from "../components/cdn.ts";
import type { CdnArgs } from "../components/cdn.ts";
import type { NearestDns } from "../components/dns/options.ts";
import { all, dependencies, graph, only, recordOptions, specOf, useMocks, valueOf } from "./mocks.ts";

const nearest = {
  policy: "nearest",
  hostname: "shop.example",
  latency: { eu: { us: 90 } },
  clients: { eu: ["192.0.2.0/24"] },
} satisfies NearestDns;

const make = (dns: Partial<NearestDns> = {}, args: Partial<CdnArgs> = {}, opts = {}) =>
  new Cdn(
    "meridian",
    {
      origin: "http://hello.shop.svc:8888",
      namespace: "shop",
      regions: [{ name: "eu" }, { name: "us", nodeLabels: { zone: "b" } }],
      dns: { ...nearest, ...dns },
      ...args,
    },
    opts,
  );

const metadataOf = async (type: string, name: string) => (await only(type, name)).inputs["metadata"];
const selector = (region: string) => ({ "app.kubernetes.io/name": `meridian-dns-${region}` });
const labels = (region: string) => ({
  ...selector(region),
  "app.kubernetes.io/part-of": "meridian-dns",
  "app.kubernetes.io/managed-by": "pulumi",
});

const corefile = `# Generated. Who asks decides which zone answers; the zones are written by the container beside this one.
shop.example:5353 {
  view region-eu {
    expr incidr(client_ip(), '192.0.2.0/24')
  }
  errors
  file /zones/region-eu.zone {
    reload 250ms
  }
}
shop.example:5353 {
  errors
  file /zones/others.zone {
    reload 250ms
  }
}
.:5353 {
  ready
  template ANY ANY {
    rcode REFUSED
  }
}
`;

const checkerConfig = `# Generated: asks the edges of all regions four times a second whether they can serve.
load_module /usr/lib/nginx/modules/ngx_http_js_module.so;
worker_processes 1;
pid /tmp/nginx.pid;
error_log stderr warn;
events {
  worker_connections 1024;
}
http {
  js_import health from /etc/dns/health.js;
  js_shared_dict_zone zone=failures:64k type=number;
  js_shared_dict_zone zone=chosen:64k;
  # Once around the world and back, twice.
  js_fetch_timeout 750ms;
  access_log off;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  server {
    listen 8081;
    location @check {
      js_periodic health.check interval=250ms;
    }
    location = /readyz {
      js_content health.ready;
    }
    location / {
      return 404;
    }
  }
}
`;

describe("the name servers of a Cdn", () => {
  beforeEach(() => useMocks());

  it("are a Service and a Deployment in each region, and a configuration and an account for all", async () => {
    make();
    assert.deepEqual(
      (await graph()).filter((resource) => resource.includes("dns")),
      [
        "kubernetes:apps/v1:Deployment meridian-dns-eu",
        "kubernetes:apps/v1:Deployment meridian-dns-us",
        "kubernetes:core/v1:ConfigMap meridian-dns",
        "kubernetes:core/v1:Service meridian-dns-eu",
        "kubernetes:core/v1:Service meridian-dns-us",
        "kubernetes:core/v1:ServiceAccount meridian-dns",
        "meridian:index:CdnDns meridian-dns",
      ],
    );
  });

  it("have an address each, and see who asks", async () => {
    make();
    assert.deepEqual(await metadataOf("kubernetes:core/v1:Service", "meridian-dns-us"), {
      namespace: "shop",
      labels: labels("us"),
      annotations: { "pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress}" },
    });
    assert.deepEqual(await specOf("kubernetes:core/v1:Service", "meridian-dns-us"), {
      type: "LoadBalancer",
      selector: selector("us"),
      ports: [
        { name: "dns", port: 53, targetPort: "dns", protocol: "UDP" },
        { name: "dns-tcp", port: 53, targetPort: "dns-tcp", protocol: "TCP" },
      ],
      externalTrafficPolicy: "Local",
    });
  });

  it("have Services as they are asked for", async () => {
    const service = {
      annotations: { "example.com/pool": "dns" },
      externalTrafficPolicy: "Cluster",
      trafficDistribution: "PreferSameZone",
      loadBalancerClass: "example.com/nlb",
      loadBalancerSourceRanges: ["198.51.100.0/24"],
    } as const;
    make({ service });
    const { annotations } = (await metadataOf("kubernetes:core/v1:Service", "meridian-dns-eu")) as {
      annotations: Record<string, string>;
    };
    assert.equal(annotations["example.com/pool"], "dns");
    assert.ok("pulumi.com/waitFor" in annotations);
    const { externalTrafficPolicy, trafficDistribution, loadBalancerClass, loadBalancerSourceRanges } = await specOf(
      "kubernetes:core/v1:Service",
      "meridian-dns-eu",
    );
    assert.deepEqual(
      { externalTrafficPolicy, trafficDistribution, loadBalancerClass, loadBalancerSourceRanges },
      Object.fromEntries(Object.entries(service).filter(([key]) => key !== "annotations")),
    );
  });

  it("are inside of the cluster only, without a policy for traffic from outside, if that is the type", async () => {
    const { nameServers } = make({ service: { type: "ClusterIP" } });
    assert.deepEqual(await valueOf(nameServers), [
      { region: "eu", address: "10.0.0.10" },
      { region: "us", address: "10.0.0.10" },
    ]);
    const spec = await specOf("kubernetes:core/v1:Service", "meridian-dns-eu");
    assert.equal(spec["type"], "ClusterIP");
    assert.ok(!("externalTrafficPolicy" in spec));
  });

  it("know the zones' names and clients, all regions' addresses, and the nearest regions first", async () => {
    make();
    const { data, immutable, metadata } = (await only("kubernetes:core/v1:ConfigMap", "meridian-dns")).inputs;
    const { "regions.json": regions, ...files } = data as Record<string, string>;
    assert.deepEqual([immutable, metadata], [true, { namespace: "shop" }]);
    assert.deepEqual(files, {
      Corefile: corefile,
      "nginx.conf": checkerConfig,
      "health.js": readFileSync(new URL("../components/dns/health.js", import.meta.url), "utf8"),
    });
    const edge = { url: "http://192.0.2.10:80", address: "192.0.2.10" };
    assert.deepEqual(JSON.parse(regions!), {
      hostname: "shop.example",
      ttlSeconds: 1,
      nameServers: ["192.0.2.10", "192.0.2.10"],
      regions: { eu: edge, us: edge },
      orders: { "region-eu": ["eu", "us"], others: ["eu", "us"] },
    });
  });

  it("are one pod in each region, with CoreDNS and what looks after the edges, as a user who may do nothing", async () => {
    make({ image: "registry.example/dns:1" }, { image: "registry.example/edge:1" });
    assert.deepEqual((await only("kubernetes:core/v1:ServiceAccount", "meridian-dns")).inputs, {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { namespace: "shop" },
      automountServiceAccountToken: false,
    });
    assert.deepEqual(await metadataOf("kubernetes:apps/v1:Deployment", "meridian-dns-us"), {
      namespace: "shop",
      labels: labels("us"),
      annotations: { "pulumi.com/timeoutSeconds": "180" },
    });
    const config = { name: "config", mountPath: "/etc/dns", readOnly: true };
    const probe = (path: string, port: string) => ({
      readinessProbe: { httpGet: { path, port }, periodSeconds: 1, timeoutSeconds: 2 },
    });
    const restricted = {
      imagePullPolicy: "IfNotPresent",
      resources: {
        requests: { cpu: "20m", memory: "48Mi", "ephemeral-storage": "16Mi" },
        limits: { cpu: "1", memory: "128Mi", "ephemeral-storage": "64Mi" },
      },
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        readOnlyRootFilesystem: true,
      },
    };
    assert.deepEqual(await specOf("kubernetes:apps/v1:Deployment", "meridian-dns-us"), {
      replicas: 1,
      selector: { matchLabels: selector("us") },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      revisionHistoryLimit: 2,
      template: {
        metadata: { labels: labels("us") },
        spec: {
          automountServiceAccountToken: false,
          serviceAccountName: "meridian-dns-1a2b3c4d",
          nodeSelector: { zone: "b" },
          terminationGracePeriodSeconds: 15,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 10101,
            runAsGroup: 10101,
            fsGroup: 10101,
            seccompProfile: { type: "RuntimeDefault" },
          },
          volumes: [
            { name: "config", configMap: { name: "meridian-dns-1a2b3c4d" } },
            { name: "zones", emptyDir: { sizeLimit: "16Mi" } },
            { name: "scratch", emptyDir: { sizeLimit: "16Mi" } },
          ],
          containers: [
            {
              ...restricted,
              ...probe("/ready", "ready"),
              name: "coredns",
              image: "registry.example/dns:1",
              command: ["/coredns", "-conf", "/etc/dns/Corefile"],
              ports: [
                { name: "dns", containerPort: 5353, protocol: "UDP" },
                { name: "dns-tcp", containerPort: 5353, protocol: "TCP" },
                { name: "ready", containerPort: 8181 },
              ],
              lifecycle: { preStop: { sleep: { seconds: 5 } } },
              volumeMounts: [config, { name: "zones", mountPath: "/zones", readOnly: true }],
            },
            {
              ...restricted,
              ...probe("/readyz", "health"),
              name: "health",
              image: "registry.example/edge:1",
              command: ["nginx", "-e", "stderr", "-c", "/etc/dns/nginx.conf", "-g", "daemon off;"],
              ports: [{ name: "health", containerPort: 8081 }],
              volumeMounts: [
                config,
                { name: "zones", mountPath: "/zones", readOnly: false },
                { name: "scratch", mountPath: "/tmp", readOnly: false },
              ],
            },
          ],
        },
      },
    });
  });

  it("are in nodes of their region, and there are images of either program without asking", async () => {
    make();
    const { template } = (await specOf("kubernetes:apps/v1:Deployment", "meridian-dns-eu")) as {
      template: { spec: { nodeSelector: object; containers: { image: string }[] } };
    };
    assert.deepEqual(template.spec.nodeSelector, { "topology.kubernetes.io/region": "eu" });
    const images = template.spec.containers.map(({ image }) => image);
    assert.match(images[0]!, /^coredns\/coredns:1\.14\.2/);
    assert.match(images[1]!, /^nginxinc\/nginx-unprivileged:.*@sha256:/);
  });

  it("are changed one after the other, so that one answers always", async () => {
    const { options, transformations } = recordOptions();
    make({}, {}, { transformations });
    await all();
    const deployment = "kubernetes:apps/v1:Deployment";
    assert.deepEqual(await dependencies(options, `${deployment} meridian-dns-eu`), []);
    assert.deepEqual(await dependencies(options, `${deployment} meridian-dns-us`), [`${deployment}::meridian-dns-eu`]);
  });
});
