import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { parser } from "@prometheus-io/lezer-promql";

import { parseArguments } from "../commands/grafana.ts";
import { grafanaDashboard } from "../components/grafana-dashboard.ts";
import { Monitoring } from "../components/index.ts";
import { scrapeAnnotations } from "../components/monitoring.ts";
import { created, graph, only, recordOptions, useMocks, valueOf } from "./mocks.ts";

const configMap = "kubernetes:core/v1:ConfigMap";
const podMonitor = "kubernetes:monitoring.coreos.com/v1:PodMonitor";

/** The PromQL of each panel, with Grafana's own variable filled in. */
function queries(withCdn: boolean): string[] {
  const { panels } = JSON.parse(grafanaDashboard("hello", { withCdn })) as {
    panels: { targets?: { expr: string }[] }[];
  };
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  return expressions.map((expression) => expression.replaceAll("$__rate_interval", "1m"));
}

/** Names of the metrics in a query. @throws if Prometheus could not parse it */
function metricsOf(query: string): string[] {
  const names: string[] = [];
  parser.parse(query).iterate({
    enter: ({ type, from, to, node }) => {
      assert.ok(!type.isError, `${query} is no PromQL at character ${from}`);
      if (type.name === "Identifier" && node.parent?.name === "VectorSelector") names.push(query.slice(from, to));
    },
  });
  return names;
}

describe("Monitoring", () => {
  beforeEach(() => useMocks());

  it("gives Grafana a dashboard by the label that its sidecar looks for", async () => {
    const { dashboardName } = new Monitoring("watch", { service: "hello", namespace: "shop" });

    assert.deepEqual(await graph(), [`${configMap} watch-dashboard`, "meridian:index:Monitoring watch"]);
    const { metadata, data } = (await only(configMap)).inputs as {
      metadata: { namespace: string; labels: Record<string, string> };
      data: Record<string, string>;
    };
    const labels = { "app.kubernetes.io/name": "watch", "app.kubernetes.io/managed-by": "pulumi" };
    assert.deepEqual(metadata, { namespace: "shop", labels: { ...labels, grafana_dashboard: "1" } });
    assert.deepEqual(data, { "hello.json": grafanaDashboard("hello", { withCdn: false }) });
    assert.equal(await valueOf(dashboardName), "watch-dashboard-1a2b3c4d");
  });

  it("makes a PodMonitor for the replicas and one for the edges on demand", async () => {
    const { options, transformations } = recordOptions();
    const args = {
      service: "hello",
      cdn: "meridian",
      namespace: "shop",
      scrape: "podMonitor",
      intervalSeconds: 5,
      monitorLabels: { release: "prometheus" },
    } as const;
    new Monitoring("watch", args, { transformations });
    assert.deepEqual([...options.keys()].toSorted(), await graph());

    const monitors = (await created(podMonitor)).map(({ name, inputs }) => {
      const { labels } = inputs["metadata"] as { labels: Record<string, string> };
      return { name, release: labels["release"], spec: inputs["spec"] };
    });
    const monitor = (role: string, labels: Record<string, string>, port: string) => ({
      name: `watch-${role}`,
      release: "prometheus",
      spec: {
        selector: { matchLabels: labels },
        podMetricsEndpoints: [{ port, path: "/metrics", interval: "5s" }],
      },
    });
    assert.deepEqual(monitors, [
      monitor("replicas", { "app.kubernetes.io/name": "hello" }, "http"),
      monitor("edges", { "app.kubernetes.io/part-of": "meridian" }, "internal"),
    ]);
    const { data } = (await only(configMap)).inputs;
    assert.deepEqual(data, { "hello.json": grafanaDashboard("hello", { withCdn: true }) });

    await useMocks();
    new Monitoring("watch", { ...args, cdn: undefined });
    assert.deepEqual(
      (await created(podMonitor)).map(({ name }) => name),
      ["watch-replicas"],
    );
  });

  it("refuses a name that is none", () => {
    assert.throws(() => new Monitoring("Watch", { service: "hello" }), /^Error: name must be .*, got "Watch"$/);
  });

  it("knows the annotations for a Prometheus without its operator", () => {
    assert.deepEqual(scrapeAnnotations(3000), {
      "prometheus.io/scrape": "true",
      "prometheus.io/port": "3000",
      "prometheus.io/path": "/metrics",
    });
  });

  const wrong = [
    [{ service: "" }, /^service must be 1 to 40 lower-case letters.*, got ""$/],
    [{ cdn: "A" }, /^cdn must be .*, got "A"$/],
    [{ scrape: "all" }, /^scrape must be one of "podMonitor", "annotations", got "all"$/],
    [{ intervalSeconds: 0 }, /^intervalSeconds must be an integer from 1 to 3600, got 0$/],
    [{ monitorLabels: { release: "a b" } }, /^monitorLabels.release must be .*, got "a b"$/],
  ] as const;
  for (const [args, message] of wrong) {
    it(`refuses ${JSON.stringify(args)} in one sentence`, () => {
      assert.throws(() => new Monitoring("watch", { service: "hello", ...(args as object) }), { message });
    });
  }
});

describe("the Grafana dashboard", () => {
  it("asks in PromQL that Prometheus can parse", () => {
    assert.ok(queries(true).length >= 11);
    for (const query of queries(true)) assert.ok(metricsOf(query).length > 0, query);
    assert.throws(() => metricsOf("sum by (version (up)"), /is no PromQL/);
  });

  it("asks the replicas only for metrics that the app exports", async () => {
    const env = { PORT: "0", DRAIN_SECONDS: "0", REGION: "eu" };
    const replica = spawn(process.execPath, ["app/server.js"], { env });
    try {
      const [line] = (await once(createInterface({ input: replica.stdout }), "line")) as [string];
      const { port } = JSON.parse(line) as { port: number };
      await (await fetch(`http://127.0.0.1:${port}/`)).text();
      const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      const exported = new Set([...metrics.matchAll(/^(\w+)(?:\{| )/gm)].map(([, name]) => name));
      for (const name of queries(false).flatMap(metricsOf)) assert.ok(exported.has(name), `${name} is not exported`);
      for (const label of ["code", "method", "version", "region"]) {
        assert.match(metrics, new RegExp(`^http_requests_total\\{.*${label}="`, "m"));
      }
    } finally {
      replica.kill("SIGKILL");
    }
  });

  it("counts requests of the replicas apart from those of the edges, which have the same name", () => {
    const selectors = queries(true).flatMap((query) => [...query.matchAll(/http_request\w+(\{.*?\})?/g)]);
    assert.ok(selectors.length >= 10);
    for (const [all, labels] of selectors) assert.match(labels ?? "", /version!=""|cache!=""|cache=~"hit/, all);
  });

  it("shows each panel in its unit, parts of a whole on top of each other, shares up to one", () => {
    const { panels, ...dashboard } = JSON.parse(grafanaDashboard("hello", { withCdn: true })) as {
      [key: string]: unknown;
      panels: {
        title: string;
        type: string;
        datasource?: unknown;
        targets?: { legendFormat: string; refId: string }[];
        fieldConfig?: {
          defaults: {
            unit: string;
            min: number;
            max?: number;
            custom: { fillOpacity: number; stacking?: { mode: string } };
          };
        };
      }[];
    };
    const { title, uid, tags, refresh, time, templating } = dashboard;
    assert.deepEqual([title, uid, tags, refresh], ["hello", "meridian-hello", ["meridian"], "10s"]);
    assert.deepEqual(time, { from: "now-15m", to: "now" });
    const [variable] = (templating as { list: { name: string; query: string; label: string }[] }).list;
    assert.deepEqual([variable?.name, variable?.query, variable?.label], ["datasource", "prometheus", "Data source"]);
    const shown = panels.map(({ title, type, datasource, targets = [], fieldConfig }) => {
      if (type === "row") return [title];
      assert.deepEqual(datasource, { type: "prometheus", uid: "${datasource}" });
      assert.equal(targets.map(({ refId }) => refId).join(""), "ABC".slice(0, targets.length));
      const { unit, min, max, custom } = fieldConfig!.defaults;
      assert.equal(min, 0);
      const legends = targets.map(({ legendFormat }) => legendFormat).join(" · ");
      return [title, legends, unit, max, custom.stacking?.mode, custom.fillOpacity];
    });
    const stacked = [undefined, "normal", 40];
    const lines = [undefined, undefined, 5];
    const shares = [1, undefined, 5];
    assert.deepEqual(shown, [
      ["Replicas"],
      ["Requests by version", "{{version}}", "reqps", ...stacked],
      ["Share of failed requests", "{{version}}", "percentunit", ...shares],
      ["Duration by version", "p50 {{version}} · p90 {{version}} · p99 {{version}}", "s", ...lines],
      ["Requests by region", "{{region}}", "reqps", ...stacked],
      ["Replicas by version", "{{version}} in {{region}}", "short", ...stacked],
      ["Memory by replica", "{{pod}}", "bytes", ...lines],
      ["Edges"],
      ["Answers by what the cache did", "{{cache}}", "reqps", ...stacked],
      ["Share from the cache", "from cache", "percentunit", ...shares],
      ["Wait for the origin", "mean", "s", ...lines],
    ]);
  });

  it("has the panels of the edges only where there are any", () => {
    const ofEdges = (query: string) => query.includes("edge_") || query.includes("{cache");
    assert.ok(queries(true).some(ofEdges));
    assert.ok(!queries(false).some(ofEdges));
    assert.deepEqual(parseArguments(["--service", "shop", "--no-cdn"]), { service: "shop", cdn: false });
  });
});
