import * as k8s from "@pulumi/kubernetes";

import { Cdn, ContainerImage, Dashboard, KeyValueStore, Monitoring, WebService } from "./components/index.ts";
import { cdnArgs, given, imageArgs, monitoringArgs, serviceArgs, storeArgs, storeImageArgs } from "./config-args.ts";
import { readConfig } from "./config.ts";

const config = readConfig();

// Whatever is put here, by this program or by hand, has to be safe: Kubernetes refuses any pod that could become root.
const place = new k8s.core.v1.Namespace("meridian", {
  metadata: { name: config.namespace, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
});
export const namespace = place.metadata.name;

// The image is known by its digest: a changed source is a release, an unchanged one is no change at all.
const image = new ContainerImage("hello", imageArgs(config));

// One count of all replicas together, which outlives them, if it is wanted: otherwise each counts for itself.
const storeImage = config.store ? new ContainerImage("store", storeImageArgs(config)) : undefined;
const store = storeImage && new KeyValueStore("store", { ...storeArgs(config), image: storeImage.ref, namespace });

// Replicas in each region, behind one address.
const app = new WebService("hello", {
  ...serviceArgs(config),
  image: image.ref,
  version: config.version,
  namespace,
  env: store && { STORE_URL: store.url },
  secretEnv: store && { STORE_PASSWORD: store.password },
});

// The same from a cache in each region, near its clients, if that is wanted.
const cdn = config.cdn ? new Cdn("meridian", { ...cdnArgs(config), origin: app.clusterUrl, namespace }) : undefined;

// For those who want to look, and not touch.
const dashboardImage = given(config.dashboardImage);
const dashboard = dashboardImage ? new Dashboard("dashboard", { image: dashboardImage, namespace }) : undefined;

// How Prometheus and Grafana, where they are there already, find and draw it.
const monitoring = monitoringArgs(config);
if (monitoring) new Monitoring("monitoring", { ...monitoring, namespace });

export const url = app.url;
export const imageRef = image.ref;
export const { replicas, version } = config;
export const cdnLocations = cdn?.locations ?? [];
export const cdnNameServers = cdn?.nameServers ?? [];
export const cdnToken = cdn?.token ?? "";
export const dashboardCommand = dashboard?.openCommand ?? "";
export const dashboardTokenCommand = dashboard?.tokenCommand ?? "";
