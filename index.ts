import * as k8s from "@pulumi/kubernetes";

import {
  Cdn,
  ContainerImage,
  Dashboard,
  KeyValueStore,
  Monitoring,
  scrapeAnnotations,
  WebService,
} from "./components/index.ts";
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

// One count of all replicas together, which outlives them, if it is wanted: otherwise each counts for itself.
const store = config.store
  ? new KeyValueStore("store", {
      image: new ContainerImage("store", {
        repository: `${config.repository}-store`,
        tags: ["8.1"],
        context: "./store",
      }).ref,
      namespace: place.metadata.name,
      passwordVersion: config.storePasswordVersion,
      isProtected: config.storeProtected,
    })
  : undefined;

// How a new version takes the place of the old one. Before a blue/green release gets the traffic, its preview has to answer.
const { maxSurge, maxUnavailable, minReadySeconds, previous, scaleDownDelaySeconds, weight } = config;
const active = config.active === "" ? config.version : config.active;
const standby = previous.slice(0, config.keepPrevious);
const smokeTest = { expect: [{ path: "/", body: '"hello":"world"' }, { path: "/readyz" }] };
const releases = {
  rolling: { kind: "rolling", maxSurge, maxUnavailable, minReadySeconds },
  blueGreen: { kind: "blueGreen", minReadySeconds, smokeTest, previous: standby, active, scaleDownDelaySeconds },
  canary: { kind: "canary", minReadySeconds, stable: previous[0], weight },
} as const;

// A host name, if one is wanted: from a Gateway, which shares requests out exactly, or from the ingress controller.
const { gateway, host, tls } = config;
const [gatewayNamespace, gatewayName = ""] = gateway.split("/");
const ingress = host === "" || gateway !== "" ? undefined : { host, ...(tls && { tlsSecretName: "hello-tls" }) };
const route =
  gateway === "" ? undefined : { host, gateway: { name: gatewayName, namespace: gatewayNamespace! }, isTls: tls };

// Replicas in each region, behind one address.
const app = new WebService("hello", {
  image: image.ref,
  namespace: place.metadata.name,
  version: config.version,
  replicas: config.replicas,
  regions: config.regions,
  ports: [{ name: "http", containerPort: 3000, port: config.port }],
  env: store && { STORE_URL: store.url },
  secretEnv: store && { STORE_PASSWORD: store.password },
  service: { type: config.serviceType, loadBalancerSourceRanges: config.loadBalancerSourceRanges },
  ingress,
  route,
  release: releases[config.release],
  // A page gets its own assets, whichever release is asked for them.
  assetStore: config.assetStore ? { folder: "/app/dist", previous } : undefined,
  autoscaling: config.maxReplicas > 0 ? { maxReplicas: config.maxReplicas } : undefined,
  podAnnotations: scrapeAnnotations(3000),
});

// The same from a cache in each region, near its clients, if that is wanted.
const cdn = config.cdn
  ? new Cdn("meridian", {
      origin: app.clusterUrl,
      namespace: place.metadata.name,
      image: config.cdnImage === "" ? undefined : config.cdnImage,
      regions: config.regions.map((name) => ({
        name,
        replicas: config.cdnReplicas,
        cacheSize: config.cdnCacheSize,
      })),
      shield: config.cdnShield === "" ? undefined : config.cdnShield,
      hosts: config.cdnHosts,
      // A page never outlives its release; what is named after its content does.
      release: { path: "/version", header: "X-Version", keep: ["/assets/"] },
      port: config.cdnPort,
    })
  : undefined;

// For those who want to look, and not touch.
const dashboard =
  config.dashboardImage === ""
    ? undefined
    : new Dashboard("dashboard", { image: config.dashboardImage, namespace: place.metadata.name });

// How Prometheus and Grafana, where they are there already, find and draw it.
if (config.monitoring !== "off") {
  new Monitoring("monitoring", {
    service: "hello",
    cdn: config.cdn ? "meridian" : undefined,
    namespace: place.metadata.name,
    scrape: config.monitoring,
  });
}

export const url = app.url;
export const imageRef = image.ref;
export const replicas = config.replicas;
export const version = config.version;
export const namespace = place.metadata.name;
export const cdnLocations = cdn?.locations ?? [];
export const cdnToken = cdn?.token ?? "";
export const dashboardCommand = dashboard?.openCommand ?? "";
export const dashboardTokenCommand = dashboard?.tokenCommand ?? "";
