/** Argo Rollouts beside the local cluster: its controller runs on this machine, its kinds are the cluster's for as long. */
import { repository } from "../../local/paths.ts";
import { buildArgoRollouts, definitions, tool } from "../../local/tools.ts";
import { apply, kubectl, Running, until } from "../../test/e2e/support.ts";
import { serveLike } from "./like-service.ts";
import type { Service } from "./like-service.ts";

const controller = "rollouts-controller";
/** Ports of this machine that nothing else of the kit has. */
const [metricsPort, healthPort] = [18_590, 18_591];

interface Deployment {
  readonly spec: Record<string, unknown>;
}

export class ArgoRollouts {
  readonly #namespace: string;
  #controller: Running | undefined;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** Starts the controller, and puts a Service like the given one on a port in front of the releases that follow: its address. */
  async start(like: Service, port: number): Promise<string> {
    await buildArgoRollouts();
    await kubectl("apply", "--server-side", "-k", definitions(controller));
    // A kind that was defined a moment ago is served a moment later.
    await until("the API server's offer of rollouts", async () => {
      return (await kubectl("get", "rollouts.argoproj.io", "-A", "-o", "name")) === "";
    });
    await kubectl("create", "namespace", this.#namespace);
    const options = ["--namespaced", `--namespace=${this.#namespace}`, "--leader-elect=false", "--loglevel=error"];
    const ports = [`--metricsPort=${metricsPort}`, `--healthzPort=${healthPort}`];
    this.#controller = new Running(tool(controller), [...options, ...ports], { cwd: repository, env: process.env });
    await until("the start of Argo Rollouts", async () => {
      return (await fetch(`http://localhost:${healthPort}/healthz`)).ok;
    });
    return await serveLike(like, { namespace: this.#namespace, name: "active", port, selector: { app: "argo" } });
  }

  /** Releases the Pods of a Deployment as blueGreen, without an analysis. Argo's controller does the rest by itself. */
  async release({ spec }: Deployment): Promise<void> {
    const { template, ...others } = spec as { template: { metadata: { labels: object } } };
    const labels = { ...template.metadata.labels, app: "argo" };
    // Soon, since a release that still runs would only have to be given the traffic when it comes back.
    const blueGreen = { activeService: "active", autoPromotionEnabled: true, scaleDownDelaySeconds: 3 };
    await apply(this.#namespace, {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Rollout",
      metadata: { name: "argo" },
      spec: {
        ...others,
        selector: { matchLabels: { app: "argo" } },
        template: { ...template, metadata: { labels } },
        strategy: { blueGreen },
      },
    });
  }

  /** Waits until the last release has the traffic, and only its Pods are left. */
  async settled(replicas: number): Promise<void> {
    const get = (what: string, path: string) => kubectl("-n", this.#namespace, "get", what, "-o", `jsonpath=${path}`);
    await until("the end of Argo's release", async () => {
      const isHealthy = (await get("rollouts/argo", "{.status.phase}")) === "Healthy";
      return isHealthy && (await get("pods", "{.items[*].metadata.name}")).split(" ").length === replicas;
    });
  }

  async remove(): Promise<void> {
    await kubectl("delete", "namespace", this.#namespace, "--ignore-not-found");
    this.#controller?.signal("SIGINT");
    await this.#controller?.result;
    await kubectl("delete", "--ignore-not-found", "-k", definitions(controller));
  }
}
