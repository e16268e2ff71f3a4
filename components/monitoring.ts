import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { checkInteger, checkLabelValue, checkName, checkOneOf, refuse } from "./check.ts";

/** How Prometheus learns whom to ask: by its operator's objects, or by the annotations that pods have. */
export const scrapeKinds = ["podMonitor", "annotations"] as const;

/** Pods that Prometheus asks. */
export interface ScrapeTarget {
  /** Their label `app.kubernetes.io/name` or, of a `Cdn`, `app.kubernetes.io/part-of`. */
  readonly labels: Readonly<Record<string, string>>;
  /** The name of their port with `/metrics`. */
  readonly port: string;
}

/** What a `Monitoring` is made of. */
export interface MonitoringArgs {
  /**
   * The namespace of the pods, and of all that is made here.
   *
   * @default - the provider's namespace
   */
  readonly namespace?: pulumi.Input<string> | undefined;
  /** The name of the `WebService` that is watched. */
  readonly service: string;
  /**
   * The name of the `Cdn` in front of it.
   *
   * @default - none
   */
  readonly cdn?: string | undefined;
  /**
   * `podMonitor` makes objects for the Prometheus Operator, whose definitions the cluster must have. `annotations` makes
   * none: edges have `prometheus.io/scrape` by themselves, and replicas by `podAnnotations: scrapeAnnotations(3000)`.
   *
   * @default "annotations"
   */
  readonly scrape?: (typeof scrapeKinds)[number] | undefined;
  /**
   * Seconds from one scrape to the next, 1 to 3600; only with `podMonitor`.
   *
   * @default 15
   */
  readonly intervalSeconds?: number | undefined;
  /**
   * Labels by which a Prometheus finds its monitors, such as `{ release: "prometheus" }`; only with `podMonitor`.
   *
   * @default {}
   */
  readonly monitorLabels?: Readonly<Record<string, string>> | undefined;
}

/** Annotations of pods that a Prometheus without the operator scrapes, as its usual configuration has it. */
export function scrapeAnnotations(port: number): Record<string, string> {
  return { "prometheus.io/scrape": "true", "prometheus.io/port": `${port}`, "prometheus.io/path": "/metrics" };
}

/**
 * What a Prometheus and a Grafana that are there already need to know of an app: whom to ask, and how to draw it. Grafana's
 * sidecar finds the dashboard by the label `grafana_dashboard`.
 *
 * @example
 * new WebService("hello", { image, podAnnotations: scrapeAnnotations(3000) });
 * new Monitoring("hello", { service: "hello" });
 *
 * @see https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PodMonitor
 */
export class Monitoring extends pulumi.ComponentResource {
  /** The name of the ConfigMap with the dashboard. */
  readonly dashboardName: pulumi.Output<string>;

  constructor(name: string, args: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("meridian:index:Monitoring", name, args, opts);
    const { namespace, service, cdn, scrape = "annotations", intervalSeconds = 15, monitorLabels = {} } = args;
    refuse(
      [
        ...checkName("name", name),
        ...checkName("service", service),
        ...(cdn === undefined ? [] : checkName("cdn", cdn)),
        ...checkOneOf("scrape", scrape, scrapeKinds),
        ...checkInteger("intervalSeconds", intervalSeconds, 1, 3600),
        ...Object.entries(monitorLabels).flatMap(([key, value]) => checkLabelValue(`monitorLabels.${key}`, value)),
      ],
      this,
    );
    const parent = { parent: this };
    const labels = { "app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "pulumi" };

    if (scrape === "podMonitor") {
      const monitor = (role: string, target: ScrapeTarget) => {
        const metadata = { namespace, labels: { ...labels, ...monitorLabels } };
        const spec = {
          selector: { matchLabels: target.labels },
          podMetricsEndpoints: [{ port: target.port, path: "/metrics", interval: `${intervalSeconds}s` }],
        };
        const [apiVersion, kind] = ["monitoring.coreos.com/v1", "PodMonitor"];
        new k8s.apiextensions.CustomResource(`${name}-${role}`, { apiVersion, kind, metadata, spec }, parent);
      };
      monitor("replicas", { labels: { "app.kubernetes.io/name": service }, port: "http" });
      if (cdn !== undefined) monitor("edges", { labels: { "app.kubernetes.io/part-of": cdn }, port: "internal" });
    }

    // Grafana's SDK is large, and most programs do without a dashboard.
    const dashboard = import("./grafana-dashboard.ts").then(({ grafanaDashboard }) =>
      grafanaDashboard(service, { withCdn: cdn !== undefined }),
    );
    const configMap = new k8s.core.v1.ConfigMap(
      `${name}-dashboard`,
      {
        metadata: { namespace, labels: { ...labels, grafana_dashboard: "1" } },
        data: { [`${service}.json`]: dashboard },
      },
      parent,
    );
    this.dashboardName = configMap.metadata.name;
    this.registerOutputs({ dashboardName: this.dashboardName });
  }
}
