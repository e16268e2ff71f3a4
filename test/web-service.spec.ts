import assert from "node:assert/strict";

import * as pulumi from "@pulumi/pulumi";

import { WebService } from "../components/index.ts";
import type { WebServiceArgs } from "../components/index.ts";
import { created, digest, graph, only, recordOptions, specOf, useMocks, valueOf } from "./mocks.ts";

const baseArgs: WebServiceArgs = { image: `registry.example/hello@${digest}` };
const selector = { "app.kubernetes.io/name": "hello" };
const active = { ...selector, "app.kubernetes.io/instance": "hello" };
const labels = { ...selector, "app.kubernetes.io/managed-by": "pulumi" };

const deploymentType = "kubernetes:apps/v1:Deployment";
const serviceType = "kubernetes:core/v1:Service";

describe("WebService", () => {
  beforeEach(() => useMocks());

  it("is replicas behind one address, with what keeps them safe and available", async () => {
    new WebService("hello", baseArgs);

    assert.deepEqual(await graph(), [
      "kubernetes:apps/v1:Deployment hello",
      "kubernetes:core/v1:Service hello",
      "kubernetes:core/v1:ServiceAccount hello",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy hello",
      "kubernetes:policy/v1:PodDisruptionBudget hello",
      "meridian:index:WebService hello",
    ]);
  });

  it("runs three replicas, and takes one more to release without a gap", async () => {
    new WebService("hello", { ...baseArgs, version: "v0.0.1", podAnnotations: { "prometheus.io/scrape": "true" } });

    const { template, ...spec } = await specOf(deploymentType);
    assert.deepEqual(spec, {
      replicas: 3,
      selector: { matchLabels: selector },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      minReadySeconds: 0,
      progressDeadlineSeconds: 120,
    });
    assert.deepEqual((template as { metadata: unknown }).metadata, {
      labels: { ...labels, ...active, "app.kubernetes.io/version": "v0.0.1" },
      annotations: { "prometheus.io/scrape": "true" },
    });
    assert.deepEqual((await only(deploymentType)).inputs["metadata"], {
      labels,
      annotations: { "pulumi.com/timeoutSeconds": "360" },
    });
  });

  it("never stands in the way of a drained node, and lets nobody in but to its ports", async () => {
    const ports = [
      { name: "http", containerPort: 3000, port: 8888 },
      { name: "metrics", containerPort: 9090 },
    ];
    const allowFrom = [{ podSelector: { matchLabels: { role: "edge" } } }];
    const allowTo = [{ podSelector: { matchLabels: { role: "store" } } }];
    new WebService("hello", { ...baseArgs, ports, allowFrom, allowTo });

    assert.deepEqual(await specOf("kubernetes:policy/v1:PodDisruptionBudget"), {
      selector: { matchLabels: selector },
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    });
    assert.deepEqual(await specOf("kubernetes:networking.k8s.io/v1:NetworkPolicy"), {
      podSelector: { matchLabels: selector },
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        {
          from: allowFrom,
          ports: [
            { port: "http", protocol: "TCP" },
            { port: "metrics", protocol: "TCP" },
          ],
        },
      ],
      egress: [
        { to: allowTo },
        {
          ports: [
            { port: 53, protocol: "UDP" },
            { port: 53, protocol: "TCP" },
          ],
        },
      ],
    });
  });

  it("lets everyone in to its ports, and replicas out to everywhere, unless told otherwise", async () => {
    new WebService("hello", baseArgs);

    const { ingress, egress } = await specOf("kubernetes:networking.k8s.io/v1:NetworkPolicy");
    assert.deepEqual(ingress, [{ ports: [{ port: "http", protocol: "TCP" }] }]);
    assert.deepEqual(egress, [{}]);
  });

  it("answers at its load balancer's address, on port 8888, under a name of its own", async () => {
    const app = new WebService("hello", { ...baseArgs, namespace: "shop" });

    assert.equal(await valueOf(app.url), "http://192.0.2.10:8888");
    assert.equal(await valueOf(app.deploymentName), "hello-1a2b3c4d");
    assert.deepEqual((await only(serviceType)).inputs["metadata"], {
      name: "hello",
      namespace: "shop",
      labels,
      annotations: { "pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress}" },
    });
    assert.deepEqual(await specOf(serviceType), {
      type: "LoadBalancer",
      selector: active,
      externalTrafficPolicy: "Cluster",
      ports: [{ name: "http", port: 8888, targetPort: "http" }],
    });
  });

  it("passes on what the Service is to be", async () => {
    new WebService("hello", {
      ...baseArgs,
      service: {
        externalTrafficPolicy: "Local",
        trafficDistribution: "PreferSameZone",
        loadBalancerClass: "example.com/internal",
        loadBalancerSourceRanges: ["203.0.113.0/24"],
        annotations: { "example.com/idle-timeout": "60" },
      },
    });

    assert.deepEqual(await specOf(serviceType), {
      type: "LoadBalancer",
      selector: active,
      externalTrafficPolicy: "Local",
      trafficDistribution: "PreferSameZone",
      loadBalancerClass: "example.com/internal",
      loadBalancerSourceRanges: ["203.0.113.0/24"],
      ports: [{ name: "http", port: 8888, targetPort: "http" }],
    });
    const { annotations } = (await only(serviceType)).inputs["metadata"] as { annotations: Record<string, string> };
    assert.equal(annotations["example.com/idle-timeout"], "60");
  });

  it("answers by its name in the cluster if it has no other address", async () => {
    const app = new WebService("hello", { ...baseArgs, service: { type: "ClusterIP" } });

    assert.equal(await valueOf(app.url), "http://hello.default.svc:8888");
    assert.equal((await specOf(serviceType))["externalTrafficPolicy"], undefined);
  });

  it("leaves the number of replicas to the autoscaler", async () => {
    const autoscaling = { maxReplicas: 9, cpuUtilizationPercent: 60, memoryUtilizationPercent: 80 };
    new WebService("hello", { ...baseArgs, autoscaling });

    assert.ok(!("replicas" in (await specOf(deploymentType))));
    const metric = (name: string, averageUtilization: number) => ({
      type: "Resource",
      resource: { name, target: { type: "Utilization", averageUtilization } },
    });
    assert.deepEqual(await specOf("kubernetes:autoscaling/v2:HorizontalPodAutoscaler"), {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "hello-1a2b3c4d" },
      minReplicas: 3,
      maxReplicas: 9,
      metrics: [metric("cpu", 60), metric("memory", 80)],
    });
  });

  it("answers at its Ingress's host", async () => {
    const ingress = { host: "hello.example.com", path: "/shop", className: "nginx", tlsSecretName: "hello-tls" };
    const app = new WebService("hello", { ...baseArgs, ingress, service: { type: "ClusterIP" } });

    assert.equal(await valueOf(app.url), "https://hello.example.com/shop");
    const backend = { service: { name: "hello", port: { name: "http" } } };
    assert.deepEqual(await specOf("kubernetes:networking.k8s.io/v1:Ingress"), {
      ingressClassName: "nginx",
      rules: [{ host: "hello.example.com", http: { paths: [{ path: "/shop", pathType: "Prefix", backend }] } }],
      tls: [{ hosts: ["hello.example.com"], secretName: "hello-tls" }],
    });
  });

  it("can be changed in every detail by its user's transformations", async () => {
    const { options, transformations } = recordOptions();
    const addPriority: pulumi.ResourceTransformation = ({ type, props, opts }) =>
      type === deploymentType ? { props: { ...props, spec: { ...props["spec"], paused: true } }, opts } : undefined;
    new WebService("hello", baseArgs, { transformations: [...transformations, addPriority] });

    assert.equal((await specOf(deploymentType))["paused"], true);
    assert.equal(options.size, 6);
    assert.equal((await created(deploymentType)).length, 1);
  });
});
