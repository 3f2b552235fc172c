import { DurableObject } from "cloudflare:workers";
import type { StoredTrace, TraceBatch, TraceHead } from "../src/contracts/trace.ts";
import { SECOND_MS } from "../src/domain/time.ts";
import { marketClock, wallClock } from "../src/platform/clocks.ts";
import { type MetricBatch, metricBatchSchema } from "../src/platform/metric-batch.ts";
import { applyBatch, type KnownReporter } from "../src/platform/metric-book.ts";
import { type ExpositionFormat, renderMetrics } from "../src/platform/metric-text.ts";
import {
  MetricTotals,
  type MetricTotalsJson,
  metricTotalsSchema,
} from "../src/platform/metric-totals.ts";
import { analyticsSink, type MetricsSink } from "../src/platform/metrics-sink.ts";
import { migrateObject } from "../src/platform/object-migrations.ts";
import { GAUGE_TTL_MS, type Heard, reportAges } from "../src/platform/report-ages.ts";
import { TraceStore } from "../src/platform/trace-store.ts";
import { METRICS_HUB_SCHEMA } from "./sqlite/metrics-hub-schema.ts";

const MAX_SOURCES = 1_000;
const MAX_SOURCE_LENGTH = 64;

/**
 * The atom of the deployment's metrics: the last totals of every reporter. Durable, all of it: a batch counts
 * when it is stored, and what a scrape shows is stored before its answer leaves, so no counter goes back when
 * the hub is evicted. A reporter keeps its own totals, so a report may be lost. While tracing is on, also of the
 * last traces; those may be lost, too.
 */
export class MetricsHub extends DurableObject<Env> {
  #sink: MetricsSink;
  #traces: TraceStore;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrateObject(ctx.storage, METRICS_HUB_SCHEMA);
    this.#sink = analyticsSink(env.METRICS_EVENTS);
    this.#traces = new TraceStore(ctx.storage.sql);
  }

  /** Takes the totals of a reporter; they replace its earlier ones. The same batch twice counts once. */
  async report(source: string, batch: MetricBatch): Promise<void> {
    const name = source.slice(0, MAX_SOURCE_LENGTH);
    const applied = applyBatch(this.#known(name), metricBatchSchema.parse(batch));
    if (applied === null) return;
    const { seq, totals, carried } = applied.known;
    this.ctx.storage.sql.exec(
      "INSERT INTO report (source, at, seq, body, carried) VALUES (?, ?, ?, ?, ?) ON CONFLICT (source) DO UPDATE SET at = excluded.at, seq = excluded.seq, body = excluded.body, carried = excluded.carried",
      name,
      wallClock.now(),
      seq,
      JSON.stringify(totals),
      JSON.stringify(carried),
    );
    this.#sink.write(name, applied.changes);
  }

  /** All metrics as an exposition, with what the caller measured at the scrape itself. */
  async scrape(measured: MetricTotalsJson, format: ExpositionFormat): Promise<string> {
    const nowMs = wallClock.now();
    const rows = this.ctx.storage.sql
      .exec<{
        source: string;
        at: number;
        body: string;
        carried: string;
      }>("SELECT source, at, body, carried FROM report")
      .toArray();
    const reports = rows.flatMap(({ at, body, carried }) => [
      { totals: parseTotals(body), fresh: nowMs - at <= GAUGE_TTL_MS },
      { totals: parseTotals(carried), fresh: true },
    ]);
    const own = new MetricTotals(metricTotalsSchema.parse(measured));
    for (const [reporter, ageMs] of reportAges(rows, nowMs))
      own.set("metrics_report_age_seconds", { reporter }, ageMs / SECOND_MS);
    const all = [...reports, { totals: own.toJSON(), fresh: true }];
    return renderMetrics(all, marketClock.now(), format);
  }

  /** When each reporter was heard last. */
  async heard(): Promise<Heard[]> {
    const { sql } = this.ctx.storage;
    return sql
      .exec<{ source: string; at: number }>("SELECT source, at FROM report")
      .toArray()
      .map(({ source, at }) => ({ source, at }));
  }

  #known(source: string): KnownReporter | null {
    const { sql } = this.ctx.storage;
    const [row] = sql
      .exec<{
        seq: number;
        body: string;
        carried: string;
      }>("SELECT seq, body, carried FROM report WHERE source = ?", source)
      .toArray();
    if (row !== undefined)
      return { seq: row.seq, totals: parseTotals(row.body), carried: parseTotals(row.carried) };
    const { sources } = sql
      .exec<{ sources: number }>("SELECT count(*) AS sources FROM report")
      .one();
    if (sources >= MAX_SOURCES) throw new RangeError(`more than ${MAX_SOURCES} sources of metrics`);
    return null;
  }

  /** Keeps spans of a trace. */
  async keepTrace(batch: TraceBatch): Promise<void> {
    this.#traces.keep(batch);
  }

  /** The newest traces, without their spans. */
  async listTraces(limit: number): Promise<TraceHead[]> {
    return this.#traces.list(limit);
  }

  /** A trace with its spans; null when there is none of that id. */
  async findTrace(id: string): Promise<StoredTrace | null> {
    return this.#traces.find(id);
  }
}

function parseTotals(text: string): MetricTotalsJson {
  return metricTotalsSchema.parse(JSON.parse(text));
}
