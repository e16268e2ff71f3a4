import * as k8s from "@pulumi/kubernetes";

import { ContainerImage, WebService } from "./components/index.ts";
import { readConfig } from "./config.ts";

const config = readConfig();

// Whatever is put here, by this program or by hand, has to be safe: Kubernetes refuses any pod that could become root.
const place = new k8s.core.v1.Namespace("meridian", {
  metadata: { name: config.namespace, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
});

// The image is known by its digest: a changed source is a release, an unchanged one is no change at all.
const image = new ContainerImage("hello", {
  repository: config.repository,
  tags: [config.version],
  buildArgs: { VERSION: config.version },
  platforms: config.platforms,
  prebuilt: config.image === "" ? undefined : config.image,
});

// Before a blue/green release gets the traffic, its preview has to answer.
const { maxSurge, maxUnavailable, minReadySeconds } = config;
const smokeTest = {
  command: ["node", "-e", "fetch(process.env.PREVIEW_URL).then((answer) => process.exit(answer.ok ? 0 : 1))"],
};

// Replicas in each region, behind one address.
const app = new WebService("hello", {
  image: image.ref,
  namespace: place.metadata.name,
  version: config.version,
  replicas: config.replicas,
  regions: config.regions,
  ports: [{ name: "http", containerPort: 3000, port: config.port }],
  service: { type: config.serviceType, loadBalancerSourceRanges: config.loadBalancerSourceRanges },
  release:
    config.release === "rolling"
      ? { kind: "rolling", maxSurge, maxUnavailable, minReadySeconds }
      : { kind: "blueGreen", minReadySeconds, smokeTest },
  autoscaling: config.maxReplicas > 0 ? { maxReplicas: config.maxReplicas } : undefined,
  podAnnotations: { "prometheus.io/scrape": "true", "prometheus.io/port": "3000", "prometheus.io/path": "/metrics" },
});

export const url = app.url;
export const imageRef = image.ref;
export const replicas = config.replicas;
export const version = config.version;
export const namespace = place.metadata.name;
