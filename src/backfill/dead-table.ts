import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import { type DeadLetter, deadLetterSchema, type Death } from "../contracts/dead-letter.ts";
import type { RangeSet } from "../domain/range.ts";
import type { EpochMs, TimeRange } from "../domain/time.ts";

const bodySchema = z
  .object({ body: z.string().transform((text): unknown => JSON.parse(text)) })
  .transform(({ body }) => body)
  .pipe(deadLetterSchema);
const rangeSchema = z
  .object({ start_ms: z.number(), end_ms: z.number() })
  .transform(({ start_ms: startMs, end_ms: endMs }) => ({ startMs, endMs }));

/** Dead holes whose letters Postgres has not confirmed: they are kept, and sent again, until it has. */
export class DeadTable {
  #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  count(): number {
    return this.#sql.exec<{ dead: number }>("SELECT count(*) AS dead FROM dead").one().dead;
  }

  put(letter: DeadLetter, nextMs: EpochMs): void {
    this.#sql.exec(
      `INSERT INTO dead (id, symbol, interval, start_ms, end_ms, died_ms, next_ms, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE
       SET died_ms = excluded.died_ms, next_ms = excluded.next_ms, body = excluded.body`,
      letter.id,
      letter.symbol,
      letter.interval,
      letter.start_ms,
      letter.end_ms,
      letter.died_ms,
      nextMs,
      JSON.stringify(letter),
    );
  }

  /** Letters to be sent at `nowMs`, at most `limit`. */
  due(nowMs: EpochMs, limit: number): DeadLetter[] {
    return this.#sql
      .exec("SELECT body FROM dead WHERE next_ms <= ? ORDER BY next_ms LIMIT ?", nowMs, limit)
      .toArray()
      .map((row) => bodySchema.parse(row));
  }

  page(offset: number, limit: number): DeadLetter[] {
    return this.#sql
      .exec("SELECT body FROM dead ORDER BY died_ms, id LIMIT ? OFFSET ?", limit, offset)
      .toArray()
      .map((row) => bodySchema.parse(row));
  }

  sendAgainAt(ids: readonly string[], nextMs: EpochMs): void {
    this.#sql.exec(
      "UPDATE dead SET next_ms = ? WHERE id IN (SELECT value FROM json_each(?))",
      nextMs,
      JSON.stringify(ids),
    );
  }

  nextMs(): EpochMs | null {
    return this.#sql.exec<{ next: number | null }>("SELECT min(next_ms) AS next FROM dead").one()
      .next;
  }

  /** Postgres holds these deaths; another death of the same hole stays. */
  confirm(deaths: readonly Death[]): void {
    for (const { id, diedMs } of deaths)
      this.#sql.exec("DELETE FROM dead WHERE id = ? AND died_ms = ?", id, diedMs);
  }

  /** Forgets the deaths of a symbol that lie within a range as a whole. */
  revive(symbol: string, interval: string, range: TimeRange): void {
    this.#sql.exec(
      "DELETE FROM dead WHERE symbol = ? AND interval = ? AND start_ms >= ? AND end_ms <= ?",
      symbol,
      interval,
      range.startMs,
      range.endMs,
    );
  }

  /** The dead ranges of a symbol that overlap a range. */
  rangesOf(symbol: string, interval: string, range: TimeRange): RangeSet {
    return this.#sql
      .exec(
        `SELECT start_ms, end_ms FROM dead
         WHERE symbol = ? AND interval = ? AND start_ms < ? AND end_ms > ? ORDER BY start_ms`,
        symbol,
        interval,
        range.endMs,
        range.startMs,
      )
      .toArray()
      .map((row) => rangeSchema.parse(row));
  }
}
