import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import { HOLE_ORIGINS, holeAttemptSchema } from "../contracts/backfill.ts";
import type { EpochMs, TimeRange } from "../domain/time.ts";
import type { QueuedHole } from "./settle-hole.ts";

const rowSchema = z
  .object({
    id: z.number(),
    grp: z.number(),
    symbol: z.string(),
    interval: z.enum(["1m", "1d"]),
    start_ms: z.number(),
    end_ms: z.number(),
    priority: z.number(),
    origin: z.enum(HOLE_ORIGINS),
    enqueued_ms: z.number(),
    attempts: z.number(),
    waits: z.number(),
    due_ms: z.number(),
    history: z
      .string()
      .transform((text): unknown => JSON.parse(text))
      .pipe(z.array(holeAttemptSchema)),
    run: z.string().nullable(),
  })
  .transform(({ grp: group, start_ms: startMs, end_ms: endMs, ...row }) => {
    const { enqueued_ms: enqueuedMs, due_ms: dueMs, ...rest } = row;
    return { ...rest, group, startMs, endMs, enqueuedMs, dueMs };
  });
const COLUMNS = `id, grp, symbol, interval, start_ms, end_ms, priority, origin, enqueued_ms, attempts,
  waits, due_ms, history, run`;

/** A hole that a job has, by the job's id, or none. */
export type HeldHole = QueuedHole & { readonly run: string | null };

/** The holes of a queue as rows. In the order of running: priority, then the oldest minute. */
export class HoleTable {
  #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  count(): number {
    return this.#sql.exec<{ holes: number }>("SELECT count(*) AS holes FROM hole").one().holes;
  }

  oldestMs(): EpochMs | null {
    return this.#sql
      .exec<{ oldest: number | null }>("SELECT min(enqueued_ms) AS oldest FROM hole")
      .one().oldest;
  }

  /** When the next hole may be tried; null: all are being run, or there is none. */
  nextDueMs(): EpochMs | null {
    return this.#sql
      .exec<{ due: number | null }>("SELECT min(due_ms) AS due FROM hole WHERE run IS NULL")
      .one().due;
  }

  /** The first hole that may be tried at `nowMs`. */
  first(nowMs: EpochMs): HeldHole | null {
    // The plus keeps SQLite on the order's index: by the index of due times it would sort all that is due.
    const clause = "WHERE run IS NULL AND +due_ms <= ? ORDER BY priority, start_ms, id LIMIT 1";
    return this.#read(clause, nowMs)[0] ?? null;
  }

  /**
   * Holes that may be tried beside the first in the same window: of its group (daily bars: of any), in
   * order; one a symbol, at most `limit`.
   */
  beside(first: HeldHole, window: TimeRange, nowMs: EpochMs, limit: number): HeldHole[] {
    const ofGroup = first.interval === "1m" ? "grp = ?1" : "grp >= 0 AND ?1 >= 0";
    const rows = this.#read(
      `WHERE ${ofGroup} AND run IS NULL AND due_ms <= ?2 AND interval = ?3
         AND start_ms < ?4 AND end_ms > ?5 ORDER BY priority, start_ms, id LIMIT ${4 * limit}`,
      first.group,
      nowMs,
      first.interval,
      window.endMs,
      window.startMs,
    );
    const bySymbol = Map.groupBy(rows, ({ symbol }) => symbol);
    return [...bySymbol.values()].slice(0, limit).flat();
  }

  /** What is held of a symbol that overlaps or touches a range. */
  touching(symbol: string, interval: string, range: TimeRange): HeldHole[] {
    return this.#read(
      "WHERE symbol = ? AND interval = ? AND start_ms <= ? AND end_ms >= ?",
      symbol,
      interval,
      range.endMs,
      range.startMs,
    );
  }

  ofRun(run: string): HeldHole[] {
    return this.#read("WHERE run = ?", run);
  }

  /** A page in the order of running. */
  page(offset: number, limit: number): HeldHole[] {
    return this.#read("ORDER BY priority, start_ms, id LIMIT ? OFFSET ?", limit, offset);
  }

  lease(ids: readonly number[], run: string): void {
    this.#sql.exec(
      "UPDATE hole SET run = ? WHERE id IN (SELECT value FROM json_each(?))",
      run,
      JSON.stringify(ids),
    );
  }

  insert(hole: Omit<QueuedHole, "id">): void {
    this.#sql.exec(
      `INSERT INTO hole (grp, symbol, interval, start_ms, end_ms, priority, origin, enqueued_ms,
         attempts, waits, due_ms, history) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      hole.group,
      hole.symbol,
      hole.interval,
      hole.startMs,
      hole.endMs,
      hole.priority,
      hole.origin,
      hole.enqueuedMs,
      hole.attempts,
      hole.waits,
      hole.dueMs,
      JSON.stringify(hole.history),
    );
  }

  /** Stores what became of a hole; no job has it any more. */
  update(hole: QueuedHole): void {
    this.#sql.exec(
      `UPDATE hole SET start_ms = ?, end_ms = ?, enqueued_ms = ?, attempts = ?, waits = ?, due_ms = ?, history = ?,
         run = NULL WHERE id = ?`,
      hole.startMs,
      hole.endMs,
      hole.enqueuedMs,
      hole.attempts,
      hole.waits,
      hole.dueMs,
      JSON.stringify(hole.history),
      hole.id,
    );
  }

  delete(id: number): void {
    this.#sql.exec("DELETE FROM hole WHERE id = ?", id);
  }

  #read(clause: string, ...values: (string | number)[]): HeldHole[] {
    return this.#sql
      .exec(`SELECT ${COLUMNS} FROM hole ${clause}`, ...values)
      .toArray()
      .map((row) => rowSchema.parse(row));
  }
}
