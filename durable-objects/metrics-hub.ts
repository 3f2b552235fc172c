import { DurableObject } from "cloudflare:workers";
import type { StoredTrace, TraceBatch, TraceHead } from "../src/contracts/trace.ts";
import { wallClock } from "../src/platform/clocks.ts";
import { migrateObject } from "../src/platform/object-migrations.ts";
import { renderMetrics } from "../src/platform/metric-text.ts";
import { type MetricTotalsJson, metricTotalsSchema } from "../src/platform/metric-totals.ts";
import { TraceStore } from "../src/platform/trace-store.ts";
import { TRACE_SCHEMA } from "./sqlite/trace-schema.ts";

const SCHEMA = [
  `CREATE TABLE report (source TEXT PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID`,
  ...TRACE_SCHEMA,
];
/** Gauges of a reporter that has been silent for this long no longer count: it may be dead. */
const GAUGE_TTL_MS = 180_000;
const MAX_SOURCES = 1_000;

/**
 * The atom of the deployment's metrics: the last totals of every reporter. Durable, so counters never
 * go backwards when the hub is evicted; a reporter keeps its own totals, so a report may be lost.
 * While tracing is on, also of the last traces; those may be lost, too.
 */
export class MetricsHub extends DurableObject<Env> {
  #traces = new TraceStore(this.ctx.storage.sql);

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrateObject(ctx.storage, SCHEMA);
  }

  /** Takes the totals of a reporter; they replace its earlier ones. */
  async report(source: string, totals: MetricTotalsJson): Promise<void> {
    const body = JSON.stringify(metricTotalsSchema.parse(totals));
    const { sql } = this.ctx.storage;
    const { others } = sql
      .exec<{ others: number }>("SELECT count(*) AS others FROM report WHERE source <> ?", source)
      .one();
    if (others >= MAX_SOURCES) throw new RangeError(`more than ${MAX_SOURCES} sources of metrics`);
    sql.exec(
      "INSERT INTO report (source, at, body) VALUES (?, ?, ?) ON CONFLICT (source) DO UPDATE SET at = excluded.at, body = excluded.body",
      source.slice(0, 64),
      wallClock.now(),
      body,
    );
  }

  /** All metrics as Prometheus text, with what the caller measured at the scrape itself. */
  async scrape(measured: MetricTotalsJson): Promise<string> {
    const rows = this.ctx.storage.sql
      .exec<{ at: number; body: string }>("SELECT at, body FROM report")
      .toArray();
    const reports = rows.map((row) => ({
      totals: metricTotalsSchema.parse(JSON.parse(row.body)),
      fresh: wallClock.now() - row.at <= GAUGE_TTL_MS,
    }));
    return renderMetrics([...reports, { totals: metricTotalsSchema.parse(measured), fresh: true }]);
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
