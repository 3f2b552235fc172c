import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import {
  type StoredTrace,
  type TraceBatch,
  traceBatchSchema,
  type TraceHead,
  traceSpanSchema,
} from "../contracts/trace.ts";

/** Traces that are kept: the newest ones, and of one label not so many that others have no room. */
export const MAX_TRACES = 400;
export const MAX_TRACES_OF_LABEL = 40;
/** Spans and their text, bytes, that a trace keeps: all traces together stay below 55 MB. */
export const MAX_TRACE_SPANS = 1_000;
const MAX_TRACE_BYTES = 128 * 1_024;

const COLUMNS =
  "id, label, begun_ms AS begunMs, ended_ms AS endedMs, spans, dropped, batches, bytes";
const rowSchema = z.object({
  id: z.string(),
  label: z.string().nullable(),
  begunMs: z.number(),
  endedMs: z.number(),
  spans: z.number(),
  dropped: z.number(),
  batches: z.number(),
  bytes: z.number(),
});
type Row = z.infer<typeof rowSchema>;

/** The stored traces: a row each, and a row for every batch of spans. */
export class TraceStore {
  #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Keeps a batch, or only counts its spans when the trace is full; what is over the bounds goes. */
  keep(input: TraceBatch): void {
    const { trace: id, spans, dropped } = traceBatchSchema.parse(input);
    const known = this.#find(id);
    const body = JSON.stringify(spans);
    const isFull =
      (known?.spans ?? 0) + spans.length > MAX_TRACE_SPANS ||
      (known?.bytes ?? 0) + body.length > MAX_TRACE_BYTES;
    const first = spans.find(({ parent }) => parent === null);
    const number = known?.batches ?? 0;
    this.#write({
      id,
      label: known?.label ?? first?.label ?? null,
      begunMs: Math.min(known?.begunMs ?? Infinity, ...spans.map((span) => span.startMs)),
      endedMs: Math.max(known?.endedMs ?? 0, ...spans.map((span) => span.endMs)),
      spans: (known?.spans ?? 0) + (isFull ? 0 : spans.length),
      dropped: (known?.dropped ?? 0) + dropped + (isFull ? spans.length : 0),
      batches: number + (isFull ? 0 : 1),
      bytes: (known?.bytes ?? 0) + (isFull ? 0 : body.length),
    });
    const insert = "INSERT INTO trace_batch (trace, number, body) VALUES (?, ?, ?)";
    if (!isFull) this.#sql.exec(insert, id, number, body);
    if (known === null) this.#prune("TRUE", MAX_TRACES);
    if (first !== undefined) this.#prune("label = ?", MAX_TRACES_OF_LABEL, first.label);
  }

  /** The newest traces, without their spans. */
  list(limit: number): TraceHead[] {
    const text = `SELECT ${COLUMNS} FROM trace ORDER BY begun_ms DESC, id LIMIT ?`;
    return this.#sql
      .exec(text, Math.min(limit, MAX_TRACES))
      .toArray()
      .map((row) => headOf(rowSchema.parse(row)));
  }

  /** A trace with its spans; null when there is none of that id. */
  find(id: string): StoredTrace | null {
    const row = this.#find(id);
    if (row === null) return null;
    const all = this.#sql
      .exec<{ body: string }>("SELECT body FROM trace_batch WHERE trace = ? ORDER BY number", id)
      .toArray()
      .flatMap(({ body }) => z.array(traceSpanSchema).parse(JSON.parse(body)));
    return { ...headOf(row), all };
  }

  #find(id: string): Row | null {
    const [row] = this.#sql.exec(`SELECT ${COLUMNS} FROM trace WHERE id = ?`, id).toArray();
    return row === undefined ? null : rowSchema.parse(row);
  }

  #write({ id, label, begunMs, endedMs, spans, dropped, batches, bytes }: Row): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO trace (id, label, begun_ms, ended_ms, spans, dropped, batches, bytes)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      label,
      begunMs,
      endedMs,
      spans,
      dropped,
      batches,
      bytes,
    );
  }

  /** Lets the oldest go of those that the condition names, down to so many. */
  #prune(condition: string, most: number, ...values: readonly string[]): void {
    const surplus = `SELECT id FROM trace WHERE ${condition} ORDER BY begun_ms DESC LIMIT -1 OFFSET ${most}`;
    for (const row of this.#sql.exec<{ id: string }>(surplus, ...values).toArray()) {
      this.#sql.exec("DELETE FROM trace_batch WHERE trace = ?", row.id);
      this.#sql.exec("DELETE FROM trace WHERE id = ?", row.id);
    }
  }
}

function headOf({ id, label, begunMs, endedMs, spans, dropped }: Row): TraceHead {
  return { id, label, begunMs, endedMs, spans, dropped };
}
