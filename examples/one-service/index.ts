import { WebService } from "../../components/index.ts";

const app = new WebService("hello", {
  image: "ghcr.io/me/hello@sha256:0000000000000000000000000000000000000000000000000000000000000001",
  ports: [{ name: "http", containerPort: 8080, port: 80 }],
  probes: { liveness: { kind: "tcp" } },
});

export const url = app.url;
