import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import type { EpochMs, TimeRange } from "../domain/time.ts";

const rowSchema = z
  .object({
    id: z.string(),
    lease_until_ms: z.number(),
    start_ms: z.number(),
    end_ms: z.number(),
  })
  .transform(({ id, lease_until_ms: leaseUntilMs, start_ms: startMs, end_ms: endMs }) => ({
    id,
    startMs,
    endMs,
    leaseUntilMs,
  }));
type LeasedRun = z.output<typeof rowSchema>;

/** A job of a queue that is being run: its window. */
export interface Run extends TimeRange {
  readonly id: string;
}

/**
 * The jobs that are being run, each with its lease: past it nobody waits for the job any more. They are few
 * and asked for at every turn, so they are kept in memory beside their rows.
 */
export class RunTable {
  #sql: SqlStorage;
  #runs: ReadonlyMap<string, LeasedRun> = new Map();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.reload();
  }

  /** Reads the rows again: after a transaction that was rolled back. */
  reload(): void {
    const rows = this.#sql.exec("SELECT id, lease_until_ms, start_ms, end_ms FROM run").toArray();
    this.#runs = new Map(
      rows.map((row) => rowSchema.parse(row)).map((run) => [run.id, run] as const),
    );
  }

  count(): number {
    return this.#runs.size;
  }

  begin(run: Run, leaseUntilMs: EpochMs): void {
    const { id, startMs, endMs } = run;
    this.#sql.exec(
      "INSERT INTO run (id, lease_until_ms, start_ms, end_ms) VALUES (?, ?, ?, ?)",
      id,
      leaseUntilMs,
      startMs,
      endMs,
    );
    this.#runs = new Map([...this.#runs, [id, { id, startMs, endMs, leaseUntilMs }]]);
  }

  /** Ends a job: its window, or null when its lease was over and somebody else has its holes now. */
  end(id: string): Run | null {
    const run = this.#runs.get(id);
    if (run === undefined) return null;
    this.#sql.exec("DELETE FROM run WHERE id = ?", id);
    this.#runs = new Map([...this.#runs].filter(([other]) => other !== id));
    return run;
  }

  /** Jobs whose lease is over at `nowMs`. */
  expired(nowMs: EpochMs): Run[] {
    return [...this.#runs.values()].filter(({ leaseUntilMs }) => leaseUntilMs <= nowMs);
  }

  /** Until when each job has its holes, by the job's id. */
  leases(): ReadonlyMap<string, EpochMs> {
    return new Map([...this.#runs].map(([id, { leaseUntilMs }]) => [id, leaseUntilMs]));
  }

  nextExpiryMs(): EpochMs | null {
    const times = [...this.leases().values()];
    return times.length === 0 ? null : Math.min(...times);
  }
}
