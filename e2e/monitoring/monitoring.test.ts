// Alerts and dashboard against what there is: the metrics an agent has, their labels, and the headings that alerts name.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { anchorsOf } from "../../cmd/dev/markdown.ts";
import { metricsIn, sampleMetrics } from "../../src/agent/sample-metrics.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

const ruleSchema = v.strictObject({
  alert: v.pipe(v.string(), v.regex(/^Hextet[A-Z]\w+$/)),
  expr: v.string(),
  for: v.pipe(v.string(), v.regex(/^\d+[mh]$/)),
  labels: v.strictObject({ severity: v.picklist(["critical", "warning", "info"]) }),
  annotations: v.strictObject({
    summary: v.pipe(v.string(), v.minLength(20)),
    description: v.pipe(v.string(), v.minLength(60)),
    runbook: v.string(),
  }),
});
const rulesSchema = v.strictObject({
  groups: v.array(v.strictObject({ name: v.string(), rules: v.array(ruleSchema) })),
});
const every = {
  id: v.number(),
  title: v.pipe(v.string(), v.minLength(3)),
  description: v.optional(v.string()),
  gridPos: v.strictObject({ h: v.number(), w: v.number(), x: v.number(), y: v.number() }),
  targets: v.optional(v.array(v.looseObject({ refId: v.string(), expr: v.string(), legendFormat: v.string() })), []),
};
/** Options that each kind must have: Stat and TimeSeries of https://github.com/grafana/grafana-foundation-sdk/tree/main/jsonschema */
const panelSchema = v.variant("type", [
  v.looseObject({ ...every, type: v.literal("row"), collapsed: v.boolean(), panels: v.array(v.unknown()) }),
  v.looseObject({
    ...every,
    type: v.literal("stat"),
    options: v.strictObject({
      reduceOptions: v.strictObject({ calcs: v.array(v.string()), fields: v.string(), values: v.boolean() }),
      colorMode: v.picklist(["value", "background", "background_solid", "none"]),
      graphMode: v.picklist(["none", "line", "area"]),
      textMode: v.picklist(["auto", "value", "value_and_name", "name", "none"]),
      justifyMode: v.picklist(["auto", "center"]),
      orientation: v.picklist(["auto", "vertical", "horizontal"]),
      wideLayout: v.boolean(),
      showPercentChange: v.boolean(),
      percentChangeColorMode: v.picklist(["standard", "inverted", "same_as_value"]),
    }),
  }),
  v.looseObject({
    ...every,
    type: v.literal("timeseries"),
    options: v.strictObject({
      legend: v.strictObject({
        displayMode: v.picklist(["list", "table", "hidden"]),
        placement: v.picklist(["bottom", "right"]),
        showLegend: v.boolean(),
        calcs: v.array(v.string()),
      }),
      tooltip: v.strictObject({
        mode: v.picklist(["single", "multi", "none"]),
        sort: v.picklist(["asc", "desc", "none"]),
      }),
    }),
  }),
]);
const dashboardSchema = v.looseObject({
  title: v.literal("Hextet"),
  uid: v.literal("hextet"),
  schemaVersion: v.number(),
  templating: v.object({ list: v.array(v.looseObject({ name: v.string(), type: v.string() })) }),
  panels: v.array(panelSchema),
});

const alerts = v
  .parse(rulesSchema, parse(read("manifests/monitoring/alerts.yaml")))
  .groups.flatMap(({ rules }) => rules);
const dashboard = v.parse(dashboardSchema, JSON.parse(read("manifests/monitoring/dashboard.json")));
const metrics = metricsIn(await sampleMetrics());

/** What an expression asks for that no agent has, `up` aside, which Prometheus itself makes. */
function unknownIn(expression: string): readonly string[] {
  const names = [...expression.matchAll(/\b(?:hextet|process)_\w+/g)].map(([name]) => name);
  const wrong = names.filter((name) => !metrics.has(name.replace(/_(bucket|count|sum)$/, "")));
  const selectors = [...expression.matchAll(/\b((?:hextet|process)_\w+?)(?:_bucket|_count|_sum)?\{([^}]*)\}/g)];
  const labels = selectors.flatMap(([, name = "", inside = ""]) => {
    const known = new Set([...(metrics.get(name) ?? []), "instance", "job", "le"]);
    return [...inside.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].flatMap(([, label = ""]) =>
      known.has(label) ? [] : [`${name}{${label}}`],
    );
  });
  return [...wrong, ...labels];
}

describe("unknownIn()", () => {
  test("finds metrics and labels that no agent has", () => {
    expect(
      unknownIn(
        'rate(hextet_fault[5m]) + hextet_faults{loop="a"} + hextet_cni_call_duration_seconds_bucket{verb="ADD"}',
      ),
    ).toEqual(["hextet_fault", "hextet_faults{loop}"]);
  });
});

describe("alerts.yaml", () => {
  test.for(alerts)("$alert asks for metrics that there are", ({ expr }) => {
    expect(expr).toMatch(/\b(hextet_\w+|up)\b/);
    expect(unknownIn(expr)).toEqual([]);
  });

  test("each alert has a runbook, and monitoring.md a heading for nothing else", () => {
    const anchors = anchorsOf(read("docs/monitoring.md"));
    const named = alerts.map(({ annotations }) => annotations.runbook.split("#"));
    expect(new Set(named.map(([page]) => page))).toEqual(new Set(["docs/monitoring.md"]));
    expect(new Set(["monitoring", ...named.map(([, anchor]) => anchor)])).toEqual(anchors);
  });

  test("names no alert twice", () => {
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  });

  test("prometheus-rule.yaml has the same", () => {
    const [object] = parseAllDocuments(read("manifests/monitoring/prometheus-rule.yaml")).map((document) =>
      document.toJS(),
    );
    expect(object).toMatchObject({ apiVersion: "monitoring.coreos.com/v1", kind: "PrometheusRule" });
    expect(object.spec).toEqual(parse(read("manifests/monitoring/alerts.yaml")));
  });
});

describe("pod-monitor.yaml", () => {
  test("selects the agents' pods, and a port that they have", () => {
    const monitor = parse(read("manifests/monitoring/pod-monitor.yaml"));
    const agent = parse(read("manifests/kustomize/base/agent.yaml"));
    const { labels } = agent.spec.template.metadata;
    expect(labels).toMatchObject(monitor.spec.selector.matchLabels);
    expect(monitor.metadata.namespace).toBe(agent.metadata.namespace);
    const ports = agent.spec.template.spec.containers[0].ports.map(({ name }: { readonly name: string }) => name);
    expect(ports).toContain(monitor.spec.podMetricsEndpoints[0].port);
  });
});

describe("dashboard.json", () => {
  const drawn = dashboard.panels.filter(({ type }) => type !== "row");

  test.for(drawn)("$title asks for metrics that there are", ({ targets, description }) => {
    expect(description).toBeDefined();
    expect(targets.length).toBeGreaterThan(0);
    expect(targets.flatMap(({ expr }) => unknownIn(expr))).toEqual([]);
  });

  test("shows every metric", () => {
    const text = drawn.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join("\n");
    const unseen = [...metrics.keys()].filter((name) => !new RegExp(`\\b${name}(_bucket|_count)?\\b`).test(text));
    const leftToOthers = [
      "hextet_cluster_faults_total",
      "hextet_cluster_last_change_timestamp_seconds",
      "hextet_metrics_errors_total",
      "process_start_time_seconds",
    ];
    expect(unseen.toSorted()).toEqual(leftToOthers);
  });

  test("has panels that lie side by side, each with a number of its own", () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const boxes = dashboard.panels.map(({ gridPos }) => gridPos);
    expect(boxes.every(({ x, w }) => x + w <= 24)).toBe(true);
    const overlapping = boxes.filter((one, at) =>
      boxes
        .slice(at + 1)
        .some(
          (other) =>
            one.x < other.x + other.w &&
            other.x < one.x + one.w &&
            one.y < other.y + other.h &&
            other.y < one.y + one.h,
        ),
    );
    expect(overlapping).toEqual([]);
  });

  test("uses only variables it has, of any Prometheus", () => {
    const known = new Set([...dashboard.templating.list.map(({ name }) => name), "__rate_interval", "__all"]);
    const used = [...JSON.stringify(dashboard).matchAll(/\$\{?(\w+)\}?/g)].map(([, name = ""]) => name);
    expect(used.filter((name) => !known.has(name))).toEqual([]);
    expect(new Set([...JSON.stringify(dashboard).matchAll(/"uid":"([^"]*)"/g)].map(([, uid]) => uid))).toEqual(
      new Set(["${datasource}", "hextet"]),
    );
  });
});
