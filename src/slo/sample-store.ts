import type { SqlStorage } from "@cloudflare/workers-types";
import { type SloSample, sloSampleSchema } from "../contracts/slo.ts";
import type { EpochMs } from "../domain/time.ts";

/** A trading date of samples each 30 s, and some more; older ones go. */
export const MAX_SAMPLES = 1_000;

/** The last samples, by their numbers, which only grow. */
export class SampleStore {
  #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  nextNumber(): number {
    return (this.last()?.number ?? 0) + 1;
  }

  add(sample: SloSample): void {
    this.#sql.exec(
      "INSERT INTO sample (number, at_ms, body) VALUES (?, ?, ?)",
      sample.number,
      sample.atMs,
      JSON.stringify(sample),
    );
    this.#sql.exec("DELETE FROM sample WHERE number <= ?", sample.number - MAX_SAMPLES);
  }

  last(): SloSample | null {
    return this.#read("ORDER BY number DESC LIMIT 1")[0] ?? null;
  }

  /** Samples taken at `fromMs` or later, newest first. */
  since(fromMs: EpochMs): SloSample[] {
    return this.#read("WHERE at_ms >= ? ORDER BY number DESC", fromMs);
  }

  newest(count: number): SloSample[] {
    return this.#read("ORDER BY number DESC LIMIT ?", count);
  }

  #read(clause: string, ...values: number[]): SloSample[] {
    return this.#sql
      .exec<{ body: string }>(`SELECT body FROM sample ${clause}`, ...values)
      .toArray()
      .map(({ body }) => sloSampleSchema.parse(JSON.parse(body)));
  }
}
