import assert from "node:assert/strict";

import * as pulumi from "@pulumi/pulumi";

import { WebService } from "../components/index.ts";
import type { WebServiceArgs } from "../components/index.ts";
import { digest, graph, useMocks } from "./mocks.ts";

const image = `registry.example/hello@${digest}`;
const baseArgs: WebServiceArgs = { image };
const nameRule = '1 to 40 lower-case letters, digits and "-", beginning with a letter and not ending with "-"';
const portRule = '1 to 15 lower-case letters, digits and "-", with at least one letter';
const http = { name: "http", containerPort: 3000, port: 8888 };
const tmp = { kind: "emptyDir", name: "tmp", mountPath: "/tmp", sizeLimit: "16Mi" } as const;

describe("WebService's arguments", () => {
  beforeEach(() => useMocks());

  // Sentences for arguments, some of which only callers without a type checker can give.
  const refused: [string, object, ...string[]][] = [
    ["no replica", { replicas: 0 }, "replicas must be an integer from 1 to 100, got 0"],
    ["half a replica", { replicas: 1.5 }, "replicas must be an integer from 1 to 100, got 1.5"],
    ["replicas in words", { replicas: "three" }, 'replicas must be an integer from 1 to 100, got "three"'],
    [
      "a malformed version",
      { version: "v 1" },
      'version must be 1 to 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit, got "v 1"',
    ],
    [
      "a region given twice",
      { regions: ["eu", "us", "eu"] },
      'regions must each be given once, got "eu" twice or more',
    ],
    ["no port", { ports: [] }, "ports[0].port must be given, since it is the port of the service's url"],
    [
      "port names given twice",
      { ports: [http, { name: "http", containerPort: 3001 }] },
      'port names must each be given once, got "http" twice or more',
    ],
    [
      "port numbers given twice",
      { ports: [http, { name: "admin", containerPort: 3000, port: 8888 }] },
      "container ports must each be given once, got 3000 twice or more",
      "service ports must each be given once, got 8888 twice or more",
    ],
    [
      "malformed ports",
      { ports: [{ name: "HTTP", containerPort: 80, port: 0 }] },
      `ports[0].name must be ${portRule}, got "HTTP"`,
      "ports[0].containerPort must be an integer from 1024 to 65535, got 80",
      "ports[0].port must be an integer from 1 to 65535, got 0",
    ],
    [
      "variables of the component's own",
      { env: { PORT: "80" } },
      'env and secretEnv must leave PORT, DRAIN_SECONDS, POD_NAME, REGION, ASSET_STORE_URL to the component, got "PORT"',
    ],
    [
      "variables given twice or malformed",
      { env: { KEY: "1", "MY-KEY": "2" }, secretEnv: { KEY: "3" } },
      'names in env and secretEnv must be letters, digits and "_", not beginning with a digit, got "MY-KEY"',
      'names in env and secretEnv must each be given once, got "KEY" twice or more',
    ],
    [
      "malformed quantities",
      { resources: { requests: { cpu: "0.5 cores" }, limits: { memory: "512MB", "ephemeral-storage": "100m" } } },
      'resources.requests.cpu must be a Kubernetes quantity above 0 such as "50m" or "0.5", got "0.5 cores"',
      'resources.limits.memory must be a Kubernetes quantity above 0 such as "32Mi" or "1Gi", got "512MB"',
      'resources.limits.ephemeral-storage must be a Kubernetes quantity above 0 such as "32Mi" or "1Gi", got "100m"',
    ],
    [
      "requests above limits",
      { resources: { requests: { cpu: "1500m", memory: "1Gi" }, limits: { memory: "1000Mi" } } },
      'resources.requests.cpu must be at most the limit "1", got "1500m"',
      'resources.requests.memory must be at most the limit "1000Mi", got "1Gi"',
    ],
    [
      "the same question for liveness and readiness",
      { probes: { liveness: { kind: "http", path: "/readyz", port: "http" } } },
      "probes.liveness must ask something else than probes.readiness, got GET /readyz on port http for both: " +
        "a replica that is only busy would be restarted",
    ],
    [
      "probes that cannot work",
      {
        probes: {
          startup: { kind: "exec", command: [] },
          liveness: { kind: "http", path: "healthz", periodSeconds: 0 },
          readiness: { kind: "tcp", port: "admin", timeoutSeconds: 0, failureThreshold: 0 },
        },
      },
      "probes.startup.command must name a program, got []",
      "probes.liveness.periodSeconds must be an integer from 1 to 3600, got 0",
      'probes.liveness.path must be a path that begins with "/", got "healthz"',
      "probes.readiness.timeoutSeconds must be an integer from 1 to 3600, got 0",
      "probes.readiness.failureThreshold must be an integer from 1 to 1000, got 0",
      'probes.readiness.port must be one of the ports "http", got "admin"',
    ],
    [
      "a drain longer than the grace period",
      { preStopSeconds: 10, drainSeconds: 20 },
      "preStopSeconds + drainSeconds must be below terminationGracePeriodSeconds, which is 30, got 10 + 20 = 30",
    ],
    ["time that runs backwards", { preStopSeconds: -1 }, "preStopSeconds must be an integer from 0 to 3600, got -1"],
    [
      "volumes mounted twice",
      { volumes: [tmp, { ...tmp, sizeLimit: "512MB" }] },
      'volumes[1].sizeLimit must be a Kubernetes quantity above 0 such as "32Mi" or "1Gi", got "512MB"',
      'volume names must each be given once, got "tmp" twice or more',
      'mount paths of volumes must each be given once, got "/tmp" twice or more',
    ],
    [
      "malformed volumes",
      { volumes: [{ ...tmp, name: "TMP", mountPath: "tmp/" }] },
      'volumes[0].name must be 1 to 40 lower-case letters, digits and "-", got "TMP"',
      'volumes[0].mountPath must be an absolute path without ":" or a "/" at its end, got "tmp/"',
    ],
    ["the superuser", { runAsUser: 0 }, "runAsUser must be an integer from 1 to 2147483647, got 0"],
    [
      "a release that could never go on",
      { release: { kind: "rolling", maxSurge: "0%" } },
      "release.maxSurge and release.maxUnavailable must not both be 0: no replica could ever be replaced",
    ],
    [
      "malformed shares",
      { release: { kind: "rolling", maxSurge: -1, maxUnavailable: "150%" } },
      "release.maxSurge must be an integer from 0 to 100, got -1",
      'release.maxUnavailable must be a number of replicas or a percentage from "0%" to "100%", got "150%"',
    ],
    [
      "a deadline before the goal",
      { release: { kind: "blueGreen", minReadySeconds: 60, progressDeadlineSeconds: 60 } },
      "release.progressDeadlineSeconds must be above release.minReadySeconds, got 60, which is not more than 60",
    ],
    [
      "a smoke test without a program",
      { release: { kind: "blueGreen", smokeTest: { command: [], timeoutSeconds: 0 } } },
      "release.smokeTest.command must name a program, got []",
      "release.smokeTest.timeoutSeconds must be an integer from 1 to 3600, got 0",
    ],
    [
      "an active release that there is not",
      {
        version: "v2",
        release: {
          kind: "blueGreen",
          active: "v3",
          previous: ["v1", "v1", "v 0"].map((version) => ({ version, image })),
        },
      },
      'release.previous[2].version must be 1 to 63 letters, digits, "-", "_" and ".", beginning and ending with a letter ' +
        'or digit, got "v 0"',
      'version and release.previous[…].version must each be given once, got "v1" twice or more',
      'release.active must be one of "v2", "v1", "v1", "v 0", got "v3"',
    ],
    [
      "a release that waits where no other one could have the traffic",
      { version: "v2", release: { kind: "blueGreen", promote: "manual" } },
      'release.previous must hold the release that keeps the traffic with release.promote "manual"',
    ],
    [
      "another way to be promoted",
      { release: { kind: "blueGreen", promote: "later" as "auto" } },
      'release.promote must be one of "auto", "manual", got "later"',
    ],
    [
      "previous releases of a service without a version",
      { release: { kind: "blueGreen", previous: [{ version: "v1", image }] } },
      "version must be set with release.active or release.previous, which tell releases apart by it",
    ],
    [
      "a minimum above the maximum of replicas",
      { autoscaling: { maxReplicas: 2 } },
      "autoscaling.maxReplicas must be at least replicas, which is 3, got 2",
    ],
    [
      "aims out of range",
      { autoscaling: { maxReplicas: 0, cpuUtilizationPercent: 0, memoryUtilizationPercent: 1001 } },
      "autoscaling.maxReplicas must be an integer from 1 to 1000, got 0",
      "autoscaling.cpuUtilizationPercent must be an integer from 1 to 1000, got 0",
      "autoscaling.memoryUtilizationPercent must be an integer from 1 to 1000, got 1001",
    ],
    [
      "autoscaling with blue/green",
      { autoscaling: { maxReplicas: 5 }, release: { kind: "blueGreen" } },
      'release.kind must be "rolling" with autoscaling, got "blueGreen": ' +
        "a new release would start with `replicas` replicas under the load of all that autoscaling had added",
    ],
    [
      "an unknown type of Service",
      { service: { type: "ExternalName" } },
      'service.type must be one of "LoadBalancer", "NodePort", "ClusterIP", got "ExternalName"',
    ],
    [
      "options of a load balancer without one",
      {
        service: {
          type: "ClusterIP",
          loadBalancerClass: "example.com/x",
          loadBalancerSourceRanges: ["10.0.0.0/33"],
          externalTrafficPolicy: "Local",
        },
      },
      'service.loadBalancerClass must be left out unless service.type is LoadBalancer, got type "ClusterIP"',
      'service.loadBalancerSourceRanges must be left out unless service.type is LoadBalancer, got type "ClusterIP"',
      'service.externalTrafficPolicy must be left out unless service.type is LoadBalancer or NodePort, got type "ClusterIP"',
      'service.loadBalancerSourceRanges[0] must be a CIDR block such as "203.0.113.0/24" or "2001:db8::/32", got "10.0.0.0/33"',
    ],
    [
      "a malformed Ingress",
      { ingress: { host: "Hello.example.com", path: "shop" } },
      'ingress.host must be a host name in lower case such as "hello.example.com", got "Hello.example.com"',
      'ingress.path must be a path that begins with "/", got "shop"',
    ],
  ];
  for (const [what, args, ...sentences] of refused) {
    it(`do not allow ${what}`, async () => {
      const attempt = () => new WebService("hello", { ...baseArgs, ...args });
      assert.throws(attempt, (error: Error) => {
        assert.deepEqual(error.message.split("\n"), sentences);
        return pulumi.ResourceError.isInstance(error) && error.hideStack === true;
      });
      assert.deepEqual(await graph(), ["meridian:index:WebService hello"]);
    });
  }

  for (const name of ["Hello", "h".repeat(64), "-hello", "hello-", "9lives"]) {
    it(`do not allow the name "${name}"`, () => {
      const message = `name must be ${nameRule}, got "${name}"`;
      assert.throws(() => new WebService(name, baseArgs), { message });
    });
  }

  it("allow the longest name, the widest ranges and every kind of probe", async () => {
    new WebService("h".repeat(40), {
      ...baseArgs,
      replicas: 100,
      preStopSeconds: 0,
      drainSeconds: 0,
      terminationGracePeriodSeconds: 1,
      ports: [{ name: "a".repeat(15), containerPort: 65535, port: 65535 }],
      probes: {
        startup: { kind: "exec", command: ["true"] },
        liveness: { kind: "grpc", service: "live" },
        readiness: { kind: "tcp" },
      },
    });
    assert.ok((await graph()).includes(`kubernetes:apps/v1:Deployment ${"h".repeat(40)}`));
  });
});
