import assert from "node:assert/strict";

import * as pulumi from "@pulumi/pulumi";

import { digest, graph, only, runProgram, secret, specOf, useConfig, useMocks, valueOf } from "./mocks.ts";

const noDashboard = { dashboardCommand: "", dashboardTokenCommand: "" };

describe("the program", () => {
  beforeEach(() => useMocks());

  it("makes an image and a service in a namespace of its own", async () => {
    useConfig();
    await runProgram();

    assert.deepEqual(await graph(), [
      "docker-build:index:Image hello",
      "kubernetes:apps/v1:Deployment hello",
      "kubernetes:core/v1:Namespace meridian",
      "kubernetes:core/v1:Service hello",
      "kubernetes:core/v1:ServiceAccount hello",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy hello",
      "kubernetes:policy/v1:PodDisruptionBudget hello",
      "meridian:index:ContainerImage hello",
      "meridian:index:WebService hello",
    ]);
  });

  it("exports where the service answers and what it runs", async () => {
    useConfig({ replicas: "6", version: "v0.0.2", namespace: "shop" });
    const { url, imageRef, namespace, ...plain } = await runProgram();

    assert.equal(await valueOf(url), "http://192.0.2.10:8888");
    assert.equal(await valueOf(imageRef), `localhost:5001/meridian/hello@${digest}`);
    assert.equal(await valueOf(namespace), "shop");
    assert.deepEqual(plain, {
      replicas: 6,
      version: "v0.0.2",
      cdnLocations: [],
      cdnNameServers: [],
      cdnToken: "",
      ...noDashboard,
    });
  });

  it("enforces Pod Security's level restricted in the namespace", async () => {
    useConfig();
    await runProgram();

    assert.deepEqual((await only("kubernetes:core/v1:Namespace")).inputs["metadata"], {
      name: "meridian",
      labels: { "pod-security.kubernetes.io/enforce": "restricted" },
    });
  });

  it("deploys an earlier image as it is, without a build", async () => {
    const image = `ghcr.io/me/hello@sha256:${"a".repeat(64)}`;
    useConfig({ image });
    const { imageRef } = await runProgram();

    assert.equal(await valueOf(imageRef), image);
    assert.ok(!(await graph()).includes("docker-build:index:Image hello"));
  });

  it("tests a blue/green release before it gets the traffic", async () => {
    useConfig({ release: "blueGreen", minReadySeconds: "2" });
    await runProgram();

    const { inputs } = await only("kubernetes:batch/v1:Job");
    assert.match(JSON.stringify(inputs), /"PREVIEW_URL","value":"http:\/\/hello-preview-1a2b3c4d.meridian.svc:8888"/);
  });

  it("leaves the number of replicas to the autoscaler if there is a largest one", async () => {
    useConfig({ maxReplicas: "10" });
    await runProgram();

    const { inputs } = await only("kubernetes:autoscaling/v2:HorizontalPodAutoscaler");
    const { minReplicas, maxReplicas } = inputs["spec"] as Record<string, unknown>;
    assert.deepEqual({ minReplicas, maxReplicas }, { minReplicas: 3, maxReplicas: 10 });
  });

  it("puts a cache in front of the app in each region, if there is to be a CDN", async () => {
    useConfig({ cdn: "true", regions: '["eu","us"]', cdnShield: "us", cdnPort: "8890" });
    const { cdnLocations, cdnToken } = await runProgram();

    assert.deepEqual(await valueOf(pulumi.output(cdnLocations)), [
      { name: "eu", url: "http://192.0.2.10:8890", replicas: 2, isShield: false },
      { name: "us", url: "http://192.0.2.10:8890", replicas: 2, isShield: true },
    ]);
    assert.equal(await valueOf(pulumi.output(cdnToken)), "random password");
    const { data } = (await only("kubernetes:core/v1:ConfigMap", "meridian-us")).inputs as {
      data: Record<string, string>;
    };
    assert.match(data["nginx.conf"]!, /server hello\.meridian\.svc:8888/);
  });

  it("has a store and a dashboard if they are wanted, and its replicas know the store", async () => {
    const image = `ghcr.io/headlamp-k8s/headlamp@${digest}`;
    useConfig({ store: "true", storePasswordVersion: "2", dashboardImage: image, namespace: "shop" });
    const { dashboardCommand } = await runProgram();

    const names = (await graph()).filter((name) => name.startsWith("meridian:"));
    assert.deepEqual(names, [
      "meridian:index:ContainerImage hello",
      "meridian:index:ContainerImage store",
      "meridian:index:Dashboard dashboard",
      "meridian:index:KeyValueStore store",
      "meridian:index:WebService hello",
    ]);
    const { template } = await specOf("kubernetes:apps/v1:Deployment", "hello");
    assert.match(JSON.stringify(template), /"STORE_URL","value":"redis:\/\/store\.shop\.svc:6379"/);
    const { stringData } = (await only("kubernetes:core/v1:Secret", "hello-env")).inputs;
    assert.deepEqual(stringData, secret({ STORE_PASSWORD: "random password" }));
    const { keepers } = (await only("random:index/randomPassword:RandomPassword", "store")).inputs;
    assert.deepEqual(keepers, { version: "2" });
    const command = await valueOf(dashboardCommand as pulumi.Output<string>);
    assert.equal(command, "kubectl --namespace shop port-forward service/dashboard-1a2b3c4d 4466:80");
  });

  it("tells Prometheus and Grafana of its replicas and edges if that is wanted", async () => {
    useConfig({ cdn: "true", monitoring: "podMonitor", namespace: "shop", regions: '["eu"]' });
    await runProgram();

    const made = (await graph()).filter((name) => name.includes(" monitoring"));
    assert.deepEqual(made, [
      "kubernetes:core/v1:ConfigMap monitoring-dashboard",
      "kubernetes:monitoring.coreos.com/v1:PodMonitor monitoring-edges",
      "kubernetes:monitoring.coreos.com/v1:PodMonitor monitoring-replicas",
      "meridian:index:Monitoring monitoring",
    ]);
  });

  it("says in one go what is wrong with the configuration, and makes nothing", async () => {
    useConfig({ replicas: "0", port: "http", replcas: "3" });

    await assert.rejects(runProgram(), {
      name: "Error",
      message: [
        "The stack's configuration cannot be used:",
        "  replcas is not a key of this program: did you mean replicas? pulumi config rm replcas removes it",
        "  replicas must be an integer from 1 to 100, got 0; for example: pulumi config set replicas 3",
        '  port must be an integer from 1 to 65535, got "http"; for example: pulumi config set port 8888',
      ].join("\n"),
    });
    assert.deepEqual(await graph(), []);
  });
});
