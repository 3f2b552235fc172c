import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ALERT_CASES } from "../../../dev/monitoring/alert-cases.ts";
import { DEFAULT_PARAMETERS, SLO_ALERTS } from "../../../dev/monitoring/alert-parameters.ts";
import { alertRules } from "../../../dev/monitoring/alert-rules.ts";
import { generatedFiles } from "../../../dev/monitoring/generated-files.ts";
import { toYaml } from "../../../dev/monitoring/yaml.ts";
import { METRICS, type MetricDefinition } from "../../../src/platform/metric-definitions.ts";
import { promqlNames } from "../../support/promql-names.ts";
import { ROOT } from "../../support/source-tree.ts";

const definitions: ReadonlyMap<string, MetricDefinition> = new Map(Object.entries(METRICS));
const rules = alertRules(DEFAULT_PARAMETERS).flatMap((group) => group.rules);
const dashboardSchema = z.object({
  uid: z.string(),
  panels: z.array(
    z.object({
      title: z.string(),
      targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })),
    }),
  ),
});
const dashboards = [...generatedFiles()]
  .filter(([path]) => path.startsWith("deploy/monitoring/grafana/"))
  .map(([, text]) => dashboardSchema.parse(JSON.parse(text)));

/** Labels that a series of this name has when it is scraped; null: no metric of ours. */
function labelsOf(series: string): readonly string[] | null {
  const scrape = ["job", "instance"];
  if (series === "up") return scrape;
  const exact = definitions.get(series);
  if (exact !== undefined && exact.type !== "histogram") return [...scrape, ...exact.labels];
  const histogram = definitions.get(series.replace(/_(?:bucket|sum|count)$/, ""));
  if (histogram?.type !== "histogram" || exact !== undefined) return null;
  const le = series.endsWith("_bucket") ? ["le"] : [];
  return [...scrape, ...le, ...histogram.labels];
}

/** What of a query does not exist. */
function unknownIn(query: string): string[] {
  const { metrics, clauses } = promqlNames(query);
  const all = metrics.flatMap(({ name }) => labelsOf(name) ?? []);
  return [
    ...metrics.flatMap(({ name, labels }) => {
      const known = labelsOf(name);
      if (known === null) return [name];
      return labels.filter((label) => !known.includes(label)).map((label) => `${name}{${label}}`);
    }),
    ...clauses.filter((label) => !all.includes(label)),
  ];
}

describe("the files of monitoring", () => {
  it.each([...generatedFiles()])(
    "%s is what its template says: npm run monitoring",
    (path, text) => {
      const file = join(ROOT, path);
      expect(existsSync(file) ? readFileSync(file, "utf8") : "not there").toBe(text);
    },
  );

  it("query metrics and labels that exist", () => {
    const queries = [
      ...rules.map(({ alert, expr }) => [alert, expr]),
      ...dashboards.flatMap(({ uid, panels }) =>
        panels.flatMap(({ title, targets }) =>
          targets.map(({ expr }) => [`${uid}: ${title}`, expr]),
        ),
      ),
    ];
    expect(queries.length).toBeGreaterThan(60);
    const faults = queries.flatMap(([where, query = ""]) =>
      unknownIn(query).map((name) => `${where}: ${name}`),
    );
    expect(faults).toEqual([]);
  });

  it("would not pass with a metric or a label that does not exist", () => {
    expect(unknownIn('sum by (tier) (backfill_depth{tier="T0"}) > 1')).toContain("backfill_depth");
    expect(unknownIn('backfill_queue_depth{symbol="SPY"}')).toEqual([
      "backfill_queue_depth{symbol}",
    ]);
    expect(unknownIn("sum by (symbol) (rate(gaps_found_total[5m]))")).toEqual(["symbol"]);
    expect(unknownIn("rate(write_batch_ms[5m])")).toEqual(["write_batch_ms"]);
    expect(unknownIn("max_over_time(up[5m]) == 1 unless on (job) market_open")).toEqual([]);
  });
});

describe("the alerts", () => {
  it("are the eleven, and three that say what can't be known or inform", () => {
    const names = rules.map(({ alert }) => alert);
    expect(names).toHaveLength(14);
    expect(new Set(names).size).toBe(14);
    expect(names).toEqual(expect.arrayContaining([...SLO_ALERTS, "SLOUnknown", "MetricsHubStale"]));
  });

  it("say how bad it is, what it is, what to do, and where to look", () => {
    const uids = dashboards.map(({ uid }) => `/d/${uid}`);
    for (const { alert, labels, annotations } of rules) {
      expect(["critical", "warning", "info"]).toContain(labels["severity"]);
      expect(annotations["summary"]).not.toBe("");
      expect(annotations["description"]).not.toBe("");
      expect(annotations["runbook_url"]).toBe(`docs/operate.md#${alert.toLowerCase()}`);
      expect(uids).toContain(annotations["dashboard_url"]);
    }
  });

  it("each have cases that fire, that do not, and one without any data", () => {
    for (const { alert } of rules) {
      const cases = ALERT_CASES.filter((one) => one.alert === alert);
      expect(
        cases.some(({ fires }) => fires.length > 0),
        alert,
      ).toBe(true);
      expect(
        cases.some(({ fires }) => fires.length === 0),
        alert,
      ).toBe(true);
    }
    const whens = ALERT_CASES.map(({ when }) => when).join("\n");
    for (const when of ["night", "weekend", "early close", "no data"])
      expect(whens).toContain(when);
  });

  it("shrink with the time scale, windows and all", () => {
    const text = JSON.stringify(alertRules({ ...DEFAULT_PARAMETERS, timeScale: 60 }));
    expect(text).toContain("[15s]");
    expect(text).toContain('"for":"5s"');
    expect(text).toContain('"interval":"500ms"');
    expect(text).toContain("[1m]");
    expect(text).not.toContain("[1h]");
  });
});

describe("the YAML writer", () => {
  it("quotes what YAML would read otherwise, and keeps lines of a text", () => {
    const value = { a: "x", b: "5m", on: "yes", list: [{ c: 1, d: "e: f" }, "g"], text: "h\n  i" };
    expect(toYaml(value)).toBe(
      'a: x\nb: "5m"\non: "yes"\nlist:\n  - c: 1\n    d: "e: f"\n  - g\ntext: |-\n  h\n    i\n',
    );
    expect(toYaml({ none: [] })).toBe("none: []\n");
  });
});
