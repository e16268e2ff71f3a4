/** Every argument that the apps on a Docker host and on a Swarm have in common. */
import type { ContainerAppArgs } from "../components/app-args.ts";
import { digest } from "./mocks.ts";

export const appArgs: ContainerAppArgs = {
  image: `ghcr.io/me/hello@${digest}`,
  replicas: 2,
  ports: [{ name: "http", containerPort: 8000, port: 80 }],
  command: ["node"],
  args: ["server.js"],
  env: { LOG_LEVEL: "debug" },
  secrets: { API_KEY: "s3cret" },
  resources: { limits: { cpu: "250m", memory: "64.5Mi" } },
  drainSeconds: 7,
  runAsUser: 1234,
  healthCheck: {
    command: ["/check", "--fast"],
    intervalSeconds: 3,
    timeoutSeconds: 4,
    retries: 5,
    startPeriodSeconds: 6,
  },
  store: { image: "ghcr.io/me/store:8", passwordVersion: 2, isProtected: false },
  balancerImage: "registry.example/nginx:1",
};
