import { describe, expect, it } from "vitest";
import { METRICS } from "../../../src/platform/metric-definitions.ts";
import { renderMetrics } from "../../../src/platform/metric-text.ts";
import { MetricTotals } from "../../../src/platform/metric-totals.ts";

const NOW_MS = 1_000_000;
const render = (reports: Parameters<typeof renderMetrics>[0], format?: "text" | "openmetrics") =>
  renderMetrics(reports, NOW_MS, format);
const fresh = (totals: MetricTotals) => ({ totals: totals.toJSON(), fresh: true });
const stale = (totals: MetricTotals) => ({ totals: totals.toJSON(), fresh: false });
const SAMPLE =
  /^[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})? (-?\d+(\.\d+)?(e[+-]\d+)?)$/;

/** Two reporters that use every metric. */
function everything(): MetricTotals[] {
  return [1, 2].map((reporter) => {
    const totals = new MetricTotals();
    for (const name of Object.keys(METRICS).filter(
      (key): key is keyof typeof METRICS => key in METRICS,
    )) {
      const definition = METRICS[name];
      const labels = Object.fromEntries(
        definition.labels.map((label) => [label, `${label}${reporter}`]),
      );
      if (definition.type === "counter") totals.add(name, labels, reporter);
      else if (definition.type === "gauge") totals.set(name, labels, reporter / 4);
      else totals.observe(name, labels, 3 * reporter);
    }
    return totals;
  });
}

describe("the metrics text", () => {
  it("is an exposition: one HELP and TYPE for each metric, its samples after them, each well formed", () => {
    const text = render(everything().map(fresh));
    expect(text.endsWith("\n")).toBe(true);
    const names: string[] = [];
    let current = "";
    for (const line of text.trimEnd().split("\n")) {
      const [hash, kind, name] = line.split(" ");
      if (hash === "#" && kind === "HELP") {
        current = name ?? "";
        names.push(current);
      } else if (hash === "#") {
        expect([kind, name]).toEqual(["TYPE", current]);
      } else {
        expect(line).toMatch(SAMPLE);
        expect(line.replace(/(_bucket|_sum|_count)?[{ ].*$/, "")).toBe(current);
      }
    }
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(Object.keys(METRICS));
  });

  it("has cumulative buckets up to +Inf, which is the count, and the sum", () => {
    const totals = new MetricTotals();
    for (const ms of [5, 6, 100, 99_999]) totals.observe("write_batch_ms", { table: "bars" }, ms);
    const lines = render([fresh(totals), fresh(totals)]).split("\n");
    const counts = lines
      .filter((line) => line.includes("_bucket"))
      .map((line) => Number(line.split(" ").at(-1)));
    expect(counts[0]).toBe(2);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(lines).toContain('write_batch_ms_bucket{table="bars",le="100"} 6');
    expect(lines).toContain('write_batch_ms_bucket{table="bars",le="+Inf"} 8');
    expect(lines).toContain('write_batch_ms_count{table="bars"} 8');
    expect(lines).toContain('write_batch_ms_sum{table="bars"} 200220');
  });

  it("escapes what a label may not hold", () => {
    const totals = new MetricTotals();
    totals.add("rows_refused_total", { reason: 'a "quote", a \\ and\na line' });
    expect(render([fresh(totals)])).toContain(
      'rows_refused_total{reason="a \\"quote\\", a \\\\ and\\na line"} 1',
    );
  });

  it("sums counters over all reporters, the silent ones too, and drops the gauges of those", () => {
    const [one, two] = [new MetricTotals(), new MetricTotals()];
    one.add("gaps_found_total", { interval: "1m" }, 2);
    one.set("ws_clients_gauge", { group: "g01" }, 5);
    two.add("gaps_found_total", { interval: "1m" }, 3);
    two.set("ws_clients_gauge", { group: "g01" }, 7);
    two.setSince("undrained_oldest_seconds", {}, NOW_MS - 60_000);
    const text = render([fresh(one), stale(two)]);
    expect(text).toContain('gaps_found_total{interval="1m"} 5');
    expect(text).toContain('ws_clients_gauge{group="g01"} 5');
    expect(text).not.toContain("undrained_oldest_seconds");
    expect(render([fresh(one), fresh(two)])).toContain('ws_clients_gauge{group="g01"} 12');
  });

  it("takes the worst of gauges that are not summed", () => {
    const [one, two] = [new MetricTotals(), new MetricTotals()];
    one.setSince("undrained_oldest_seconds", {}, NOW_MS - 9_000);
    two.setSince("undrained_oldest_seconds", {}, NOW_MS - 60_000);
    expect(render([fresh(one), fresh(two)])).toContain("undrained_oldest_seconds 60\n");
  });

  it("makes seconds of ages at the scrape; none waits is 0, and none is negative", () => {
    const totals = new MetricTotals();
    const age = (tier: string, sinceMs: number | null) =>
      totals.setSince("backfill_oldest_age_seconds", { tier }, sinceMs);
    age("T0", NOW_MS - 90_500);
    age("T1", null);
    age("T2", NOW_MS + 1);
    const lines = render([fresh(totals)]).split("\n");
    expect(lines.filter((line) => line.startsWith("backfill"))).toEqual([
      'backfill_oldest_age_seconds{tier="T0"} 90.5',
      'backfill_oldest_age_seconds{tier="T1"} 0',
      'backfill_oldest_age_seconds{tier="T2"} 0',
    ]);
    expect(() => totals.setSince("undrained_flushes", {}, 1)).toThrow(TypeError);
  });

  it("is OpenMetrics with families without _total, bounds as floats, and its end", () => {
    const text = render(everything().map(fresh), "openmetrics");
    expect(text.endsWith("\n# EOF\n")).toBe(true);
    expect(text).toContain("# TYPE gaps_found counter\ngaps_found_total{");
    expect(text).toContain('write_batch_ms_bucket{table="table1",le="5.0"} 1\n');
    expect(text).not.toMatch(/^# (?:TYPE|HELP) \w+_total /m);
    expect(render([], "openmetrics")).toBe("# EOF\n");
  });

  it("is empty without reports, and a gauge that was taken away is gone", () => {
    const totals = new MetricTotals();
    totals.setSince("ingestion_lag_seconds", { tier: "T0", interval: "1m" }, 3);
    totals.set("ingestion_lag_seconds", { tier: "T0", interval: "1m" }, null);
    expect(render([])).toBe("");
    expect(render([fresh(totals)])).toBe("");
  });
});

describe("the totals of a reporter", () => {
  it("go on from what was stored", () => {
    const before = new MetricTotals();
    before.add("gaps_found_total", { interval: "1m" }, 2);
    before.observe("write_batch_ms", { table: "bars" }, 7);
    const after = new MetricTotals(JSON.parse(JSON.stringify(before)));
    after.add("gaps_found_total", { interval: "1m" });
    after.observe("write_batch_ms", { table: "bars" }, 8);
    const text = render([fresh(after)]);
    expect(text).toContain('gaps_found_total{interval="1m"} 3');
    expect(text).toContain('write_batch_ms_sum{table="bars"} 15');
  });

  it("keep their counters when a gauge was set to something that is no number", () => {
    const before = new MetricTotals();
    before.add("gaps_found_total", { interval: "1m" }, 2);
    before.set("undrained_oldest_seconds", {}, Number.NaN);
    const after = new MetricTotals(JSON.parse(JSON.stringify(before)));
    expect(render([fresh(after)])).toContain('gaps_found_total{interval="1m"} 2');
  });

  it("start anew from a text that is not theirs", () => {
    expect(new MetricTotals("nonsense").toJSON()).toEqual({});
  });
});
