import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import type { EpochMs } from "../domain/time.ts";

/** Something an object has to do at a time; `startedMs` is set while it runs. */
export interface Duty {
  readonly name: string;
  readonly dueMs: EpochMs;
  readonly startedMs: EpochMs | null;
  readonly body: unknown;
}

const rowSchema = z.object({
  name: z.string(),
  due_ms: z.number(),
  started_ms: z.number().nullable(),
  body: z.string().transform((text): unknown => JSON.parse(text)),
});

/** Named duties as rows: the one physical alarm of the object is their minimum. */
export class DutyStore {
  #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Writes a duty unless one of that name stands already: planning twice plans once. */
  plan(name: string, dueMs: EpochMs, body: unknown = {}): void {
    this.#sql.exec(
      "INSERT INTO duty (name, due_ms, started_ms, body) VALUES (?, ?, NULL, ?) ON CONFLICT (name) DO NOTHING",
      name,
      dueMs,
      JSON.stringify(body),
    );
  }

  /** Sets when a duty is due, whether it stands already or not. */
  reschedule(name: string, dueMs: EpochMs): void {
    this.#sql.exec(
      `INSERT INTO duty (name, due_ms, started_ms, body) VALUES (?, ?, NULL, '{}')
       ON CONFLICT (name) DO UPDATE
       SET due_ms = excluded.due_ms, started_ms = NULL, deadline_ms = NULL`,
      name,
      dueMs,
    );
  }

  /** Marks a duty as running; past the deadline nobody waits for its end any more. */
  start(name: string, nowMs: EpochMs, deadlineMs: EpochMs): void {
    this.#sql.exec(
      "UPDATE duty SET started_ms = ?, deadline_ms = ? WHERE name = ?",
      nowMs,
      deadlineMs,
      name,
    );
  }

  finish(name: string): void {
    this.#sql.exec("DELETE FROM duty WHERE name = ?", name);
  }

  /** Whether a duty stands whose name begins so. */
  hasAny(prefix: string): boolean {
    const clause = "SELECT 1 FROM duty WHERE name >= ? AND name < ? LIMIT 1";
    return this.#sql.exec(clause, prefix, `${prefix}\uffff`).toArray().length > 0;
  }

  /** How many duties stand whose name begins so. */
  count(prefix: string): number {
    const clause = "SELECT count(*) AS duties FROM duty WHERE name >= ? AND name < ?";
    return this.#sql.exec<{ duties: number }>(clause, prefix, `${prefix}\uffff`).one().duties;
  }

  find(name: string): Duty | null {
    return this.#read("WHERE name = ?", name)[0] ?? null;
  }

  has(name: string): boolean {
    return this.#sql.exec("SELECT 1 FROM duty WHERE name = ?", name).toArray().length > 0;
  }

  /** Duties that wait, due at `nowMs` or earlier, oldest first. */
  due(nowMs: EpochMs): Duty[] {
    return this.#read("WHERE started_ms IS NULL AND due_ms <= ? ORDER BY due_ms, name", nowMs);
  }

  /** Running duties whose deadline has come. */
  overdue(nowMs: EpochMs): Duty[] {
    return this.#read(
      "WHERE started_ms IS NOT NULL AND coalesce(deadline_ms, started_ms) <= ? ORDER BY started_ms",
      nowMs,
    );
  }

  /** The next instant at which something is to be done: a start, or the deadline of what runs. */
  nextDueMs(): EpochMs | null {
    const row = this.#sql
      .exec<{ due: number | null }>(
        `SELECT min(CASE WHEN started_ms IS NULL THEN due_ms ELSE coalesce(deadline_ms, started_ms) END)
         AS due FROM duty`,
      )
      .one();
    return row.due;
  }

  #read(clause: string, value: EpochMs | string): Duty[] {
    const rows = this.#sql
      .exec(`SELECT name, due_ms, started_ms, body FROM duty ${clause}`, value)
      .toArray();
    return rows.map((row) => {
      const { due_ms: dueMs, started_ms: startedMs, ...duty } = rowSchema.parse(row);
      return { ...duty, dueMs, startedMs };
    });
  }
}
