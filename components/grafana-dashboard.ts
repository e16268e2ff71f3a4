import { StackingConfigBuilder, StackingMode } from "@grafana/grafana-foundation-sdk/common";
import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  FieldColorBuilder,
  FieldColorModeId,
  RowBuilder,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

interface Panel {
  readonly title: string;
  readonly description: string;
  /** Queries by what their lines are called, in Grafana's form. */
  readonly queries: Readonly<Record<string, string>>;
  readonly unit: "reqps" | "percentunit" | "s" | "bytes" | "short";
  /** On top of each other, since they are parts of a whole. */
  readonly isStacked?: true;
}

/** Replicas and edges count by the same names: only replicas have a version, only edges a cache. */
const ofReplicas = '{version!=""}';
const ofEdges = '{cache!=""}';

const percentile = (share: number): string =>
  `histogram_quantile(${share}, sum by (le, version) (rate(http_request_duration_seconds_bucket${ofReplicas}[$__rate_interval])))`;

const app: readonly Panel[] = [
  {
    title: "Requests by version",
    description: "A release under way shows as one colour taking the place of the other.",
    queries: { "{{version}}": `sum by (version) (rate(http_requests_total${ofReplicas}[$__rate_interval]))` },
    unit: "reqps",
    isStacked: true,
  },
  {
    title: "Share of failed requests",
    description: "Answers of 500 and above, by version: what a canary is judged by.",
    queries: {
      "{{version}}": `(sum by (version) (rate(http_requests_total{code=~"5..", version!=""}[$__rate_interval])) or 0 * sum by (version) (rate(http_requests_total${ofReplicas}[$__rate_interval]))) / sum by (version) (rate(http_requests_total${ofReplicas}[$__rate_interval]))`,
    },
    unit: "percentunit",
  },
  {
    title: "Duration by version",
    description: "The times within which half, 90 % and 99 % of the requests were answered.",
    queries: {
      "p50 {{version}}": percentile(0.5),
      "p90 {{version}}": percentile(0.9),
      "p99 {{version}}": percentile(0.99),
    },
    unit: "s",
  },
  {
    title: "Requests by region",
    description: "Where requests are answered.",
    queries: { "{{region}}": `sum by (region) (rate(http_requests_total${ofReplicas}[$__rate_interval]))` },
    unit: "reqps",
    isStacked: true,
  },
  {
    title: "Replicas by version",
    description: "Replicas that are there to be asked.",
    queries: { "{{version}} in {{region}}": "count by (version, region) (app_info)" },
    unit: "short",
    isStacked: true,
  },
  {
    title: "Memory by replica",
    description: "Resident memory of each replica, on top of those of all others its age.",
    queries: { "{{pod}}": "process_resident_memory_bytes * on (instance) group_left (pod) app_info" },
    unit: "bytes",
  },
];

const edges: readonly Panel[] = [
  {
    title: "Answers by what the cache did",
    description: "A hit costs the origin nothing.",
    queries: { "{{cache}}": `sum by (cache) (rate(http_requests_total${ofEdges}[$__rate_interval]))` },
    unit: "reqps",
    isStacked: true,
  },
  {
    title: "Share from the cache",
    description: "Answers that did not wait for the origin.",
    queries: {
      "from cache": `sum(rate(http_requests_total{cache=~"hit|stale|updating"}[$__rate_interval])) / sum(rate(http_requests_total${ofEdges}[$__rate_interval]))`,
    },
    unit: "percentunit",
  },
  {
    title: "Wait for the origin",
    description: "Mean time until the origin's first byte.",
    queries: {
      mean: "sum(rate(edge_origin_seconds_sum[$__rate_interval])) / sum(rate(edge_origin_seconds_count[$__rate_interval]))",
    },
    unit: "s",
  },
];

/**
 * The JSON of a Grafana dashboard of the app's replicas and, `withCdn`, of its edges.
 *
 * @see https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
 */
export function grafanaDashboard(name: string, { withCdn }: { readonly withCdn: boolean }): string {
  const builder = new DashboardBuilder(name)
    // Known by it: the next version takes the place of this one.
    .uid(`meridian-${name}`)
    .tags(["meridian"])
    .refresh("10s")
    .time({ from: "now-15m", to: "now" })
    .withVariable(new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"))
    .withRow(new RowBuilder("Replicas"));
  for (const panel of app) builder.withPanel(timeseries(panel));
  if (withCdn) {
    builder.withRow(new RowBuilder("Edges"));
    for (const panel of edges) builder.withPanel(timeseries(panel));
  }
  return JSON.stringify(builder.build(), undefined, 2);
}

function timeseries({ title, description, queries, unit, isStacked }: Panel): PanelBuilder {
  const panel = new PanelBuilder()
    .title(title)
    .description(description)
    .datasource({ type: "prometheus", uid: "${datasource}" })
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassic))
    .unit(unit)
    .min(0)
    .height(8)
    .span(8)
    .fillOpacity(isStacked ? 40 : 5);
  if (isStacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
  if (unit === "percentunit") panel.max(1);
  Object.entries(queries).forEach(([legend, expression], index) => {
    panel.withTarget(new DataqueryBuilder().refId("ABC"[index]!).expr(expression).legendFormat(legend));
  });
  return panel;
}
