/** The same app without Kubernetes: on one Docker host, or on a Swarm. */
import { ContainerImage, DockerApp, SwarmApp } from "./components/index.ts";
import { given, imageArgs, storeArgs, storeImageArgs } from "./config-args.ts";
import { readConfig } from "./config.ts";

const config = readConfig();

// The image is known by its digest: a changed source is a release, an unchanged one is no change at all.
const image = new ContainerImage("hello", imageArgs(config));

// One count of all replicas together, which outlives them, if it is wanted.
const storeImage = config.store ? new ContainerImage("store", storeImageArgs(config)) : undefined;
const store = storeImage && { image: storeImage.ref, ...storeArgs(config) };

const args = {
  image: image.ref,
  replicas: config.replicas,
  ports: [{ name: "http", containerPort: 3000, port: config.port }],
  // Health checks start a program inside of the replica, and count.
  resources: { limits: { cpu: config.target === "swarm" ? "0.25" : "1", memory: "512M" } },
  store,
  balancerImage: given(config.cdnImage),
} as const;

// Replicas behind a load balancer.
const app =
  config.target === "swarm"
    ? new SwarmApp("hello", { ...args, publish: config.swarmPublish })
    : new DockerApp("hello", args);

export const url = app.url;
export const imageRef = image.ref;
export const replicas = config.replicas;
export const version = config.version;
