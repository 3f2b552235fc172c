import type { AnalyticsEngineDataPoint } from "@cloudflare/workers-types";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyBatch, type KnownReporter } from "../../../src/platform/metric-book.ts";
import { reportAges } from "../../../src/platform/report-ages.ts";
import { analyticsSink } from "../../../src/platform/metrics-sink.ts";

const GAPS = 'interval="1m"';
const TABLE = 'table="quotes_l1"';
const batch = (seq: number, gaps: number) => ({
  seq,
  totals: { gaps_found_total: { [GAPS]: gaps }, undrained_flushes: { "": 3 } },
});
const shown = (known: KnownReporter | null) => {
  const cell = (totals: KnownReporter["totals"] | undefined) =>
    Number(totals?.["gaps_found_total"]?.[GAPS] ?? 0);
  return cell(known?.totals) + cell(known?.carried);
};

describe("the book of metrics", () => {
  it("never shows less than before, whatever state a reporter is set back to", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { minLength: 1, maxLength: 20 }), (values) => {
        let known: KnownReporter | null = null;
        let [before, grown] = [0, 0];
        values.forEach((value, at) => {
          const applied = applyBatch(known, batch(at + 1, value));
          known = applied?.known ?? known;
          grown += applied?.changes.reduce((sum, { count }) => sum + count, 0) ?? 0;
          expect(shown(known)).toBeGreaterThanOrEqual(before);
          before = shown(known);
          // What went to the sink adds up to what a scrape shows.
          expect(grown).toBe(before);
        });
      }),
    );
  });

  it("takes each batch once and no earlier one after it", () => {
    const first = applyBatch(null, batch(7, 5));
    expect(first?.changes).toEqual([{ name: "gaps_found_total", labels: GAPS, count: 5, sum: 0 }]);
    expect(applyBatch(first?.known ?? null, batch(7, 5))).toBeNull();
    expect(applyBatch(first?.known ?? null, batch(6, 9))).toBeNull();
  });

  it("keeps the buckets of a histogram whose reporter forgot them", () => {
    const cells = [1, 2, 0, 300];
    const known = { seq: 1, totals: { write_batch_ms: { [TABLE]: cells } }, carried: {} };
    const applied = applyBatch(known, { seq: 2, totals: {} });
    expect(applied?.known.carried).toEqual({ write_batch_ms: { [TABLE]: cells } });
    const again = applyBatch(applied?.known ?? null, {
      seq: 3,
      totals: { write_batch_ms: { [TABLE]: [1, 0, 0, 4] } },
    });
    expect(again?.known.carried).toEqual({ write_batch_ms: { [TABLE]: cells } });
    expect(again?.changes).toEqual([{ name: "write_batch_ms", labels: TABLE, count: 1, sum: 4 }]);
  });
});

describe("the ages of reports", () => {
  it("are those of the most silent of a kind; who need not report each minute is left out", () => {
    const heard = [
      { source: "g00", at: 900 },
      { source: "g31", at: 400 },
      { source: "slo", at: 1_000 },
      { source: "canary", at: 0 },
      { source: "h-weur-0", at: 0 },
    ];
    expect([...reportAges(heard, 1_000)]).toEqual([
      ["group", 600],
      ["slo", 0],
    ]);
  });
});

describe("the analytics sink", () => {
  it("writes a point a change, 250 at most, and its fault is nobody else's", () => {
    const points: AnalyticsEngineDataPoint[] = [];
    const sink = analyticsSink({ writeDataPoint: (point) => void points.push(point ?? {}) });
    const change = { name: "provider_errors_total", count: 2, sum: 0 } as const;
    const labels = 'provider="alpaca",endpoint="bars",code="a \\" b"';
    sink.write(
      "g01",
      Array.from({ length: 300 }, () => ({ ...change, labels })),
    );
    expect(points).toHaveLength(250);
    expect(points[0]).toEqual({
      indexes: ["provider_errors_total"],
      blobs: ["provider_errors_total", "g01", "alpaca", "bars", 'a \\" b'],
      doubles: [2, 0],
    });
    const broken = analyticsSink({
      writeDataPoint: () => {
        throw new Error("no such data set");
      },
    });
    expect(() => broken.write("g01", [{ ...change, labels }])).not.toThrow();
  });
});
