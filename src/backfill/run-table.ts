import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import type { EpochMs, TimeRange } from "../domain/time.ts";

const rowSchema = z
  .object({ id: z.string(), start_ms: z.number(), end_ms: z.number() })
  .transform(({ id, start_ms: startMs, end_ms: endMs }) => ({ id, startMs, endMs }));

/** A job of a queue that is being run: its window. */
export interface Run extends TimeRange {
  readonly id: string;
}

/** The jobs that are being run, each with its lease: past it nobody waits for the job any more. */
export class RunTable {
  #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  count(): number {
    return this.#sql.exec<{ runs: number }>("SELECT count(*) AS runs FROM run").one().runs;
  }

  begin(run: Run, leaseUntilMs: EpochMs): void {
    this.#sql.exec(
      "INSERT INTO run (id, lease_until_ms, start_ms, end_ms) VALUES (?, ?, ?, ?)",
      run.id,
      leaseUntilMs,
      run.startMs,
      run.endMs,
    );
  }

  /** Ends a job: its window, or null when its lease was over and somebody else has its holes now. */
  end(id: string): Run | null {
    return this.#take("id = ?", id)[0] ?? null;
  }

  /** Ends the jobs whose lease is over. */
  expire(nowMs: EpochMs): Run[] {
    return this.#take("lease_until_ms <= ?", nowMs);
  }

  /** Until when each job has its holes, by the job's id. */
  leases(): ReadonlyMap<string, EpochMs> {
    const rows = this.#sql
      .exec<{ id: string; until: number }>("SELECT id, lease_until_ms AS until FROM run")
      .toArray();
    return new Map(rows.map(({ id, until }) => [id, until]));
  }

  nextExpiryMs(): EpochMs | null {
    return this.#sql
      .exec<{ next: number | null }>("SELECT min(lease_until_ms) AS next FROM run")
      .one().next;
  }

  #take(clause: string, value: string | number): Run[] {
    return this.#sql
      .exec(`DELETE FROM run WHERE ${clause} RETURNING id, start_ms, end_ms`, value)
      .toArray()
      .map((row) => rowSchema.parse(row));
  }
}
