import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import type { PartEnd } from "../contracts/rlc-desk.ts";
import type { EpochMs } from "../domain/time.ts";

/** A coordinator's job that groups are at work on. `openGroups` have not ended their part. */
export interface LeasedJob {
  readonly id: string;
  readonly leaseUntilMs: EpochMs;
  readonly openGroups: readonly number[];
  /** Whether a part has ended that was not answered whole. */
  readonly isPartial: boolean;
  /** Whether a part has ended that had something to ask. */
  readonly isServed: boolean;
}

const rowSchema = z
  .object({
    id: z.string(),
    lease_until_ms: z.number(),
    open_groups: z.string().transform((text) => z.array(z.number()).parse(JSON.parse(text))),
    is_partial: z.number(),
    is_served: z.number(),
  })
  .transform((row): LeasedJob => ({
    id: row.id,
    leaseUntilMs: row.lease_until_ms,
    openGroups: row.open_groups,
    isPartial: row.is_partial === 1,
    isServed: row.is_served === 1,
  }));

/** The coordinator's jobs that are under way, in the SQLite of group g00. */
export class RlcJobStore {
  #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Writes a job; one that was leased before and comes again begins anew. */
  write(job: LeasedJob): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO rlc_job (id, lease_until_ms, open_groups, is_partial, is_served)
       VALUES (?, ?, ?, ?, ?)`,
      job.id,
      job.leaseUntilMs,
      JSON.stringify(job.openGroups),
      job.isPartial ? 1 : 0,
      job.isServed ? 1 : 0,
    );
  }

  /** Takes in the end of a part; a job that is not known any more is none of ours. */
  endPart({ group, jobs, end }: PartEnd): void {
    for (const id of jobs) {
      const [job] = this.#read("WHERE id = ?", id);
      if (job === undefined || !job.openGroups.includes(group)) continue;
      this.write({
        ...job,
        openGroups: job.openGroups.filter((open) => open !== group),
        isPartial: job.isPartial || end === "partial",
        isServed: job.isServed || end !== "unserved",
      });
    }
  }

  /** Jobs whose parts have all ended. */
  ended(): LeasedJob[] {
    return this.#read("WHERE open_groups = ?", "[]");
  }

  count(): number {
    return this.#sql.exec<{ jobs: number }>("SELECT count(*) AS jobs FROM rlc_job").one().jobs;
  }

  forget(ids: readonly string[]): void {
    for (const id of ids) this.#sql.exec("DELETE FROM rlc_job WHERE id = ?", id);
  }

  /** Forgets jobs whose lease has ended: they are offered again. Answers how many there were. */
  forgetExpired(nowMs: EpochMs): number {
    return this.#sql
      .exec("DELETE FROM rlc_job WHERE lease_until_ms <= ? RETURNING id", nowMs)
      .toArray().length;
  }

  #read(clause: string, value: string): LeasedJob[] {
    return this.#sql
      .exec(
        `SELECT id, lease_until_ms, open_groups, is_partial, is_served FROM rlc_job ${clause} ORDER BY id`,
        value,
      )
      .toArray()
      .map((row) => rowSchema.parse(row));
  }
}
