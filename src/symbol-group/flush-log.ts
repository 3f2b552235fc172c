import type { SqlStorage } from "@cloudflare/workers-types";
import type { Flush, LoggedFlush } from "../contracts/flush.ts";
import type { EpochMs } from "../domain/time.ts";

/** The log keeps at least this many flushes for replay … */
export const MIN_REPLAY_FLUSHES = 1_000;
/** … at most this much of them once they are drained … */
export const MAX_REPLAY_BYTES = 50 * 1_024 * 1_024;
/** … and refuses to grow beyond this while Postgres is away (an object holds 10 GB). */
export const MAX_UNDRAINED_BYTES = 1_024 * 1_024 * 1_024;

/** The table of a stream's log. */
export type FlushTable = "flush" | "quote_flush";

/** The log of one stream: numbered without holes; what is in it is sent and reaches Postgres. */
export class FlushLog {
  #sql: SqlStorage;
  #table: FlushTable;

  constructor(sql: SqlStorage, table: FlushTable) {
    this.#sql = sql;
    this.#table = table;
  }

  append(flush: Flush): LoggedFlush {
    const payload = JSON.stringify(flush);
    this.#sql.exec(
      `INSERT INTO ${this.#table} (fs, at, as_of, bytes, payload) VALUES (?, ?, ?, ?, ?)`,
      flush.fs,
      flush.received_at,
      flush.as_of,
      payload.length,
      payload,
    );
    return { fs: flush.fs, asOf: flush.as_of, payload };
  }

  /** The newest flush's number and knowledge time, or null when the log is empty. */
  head(): { fs: number; asOf: EpochMs } | null {
    const rows = this.#sql
      .exec<{ fs: number; as_of: number }>(
        `SELECT fs, as_of FROM ${this.#table} ORDER BY fs DESC LIMIT 1`,
      )
      .toArray();
    const row = rows[0];
    return row === undefined ? null : { fs: row.fs, asOf: row.as_of };
  }

  /** The oldest flush that is still in the log. */
  oldest(): { fs: number; asOf: EpochMs } | null {
    const rows = this.#sql
      .exec<{ fs: number; as_of: number }>(
        `SELECT fs, as_of FROM ${this.#table} ORDER BY fs LIMIT 1`,
      )
      .toArray();
    const row = rows[0];
    return row === undefined ? null : { fs: row.fs, asOf: row.as_of };
  }

  /** Knowledge time of a flush; null when it is not in the log. */
  asOfOf(fs: number): EpochMs | null {
    const rows = this.#sql
      .exec<{ as_of: number }>(`SELECT as_of FROM ${this.#table} WHERE fs = ?`, fs)
      .toArray();
    return rows[0]?.as_of ?? null;
  }

  /** Flushes after `fs` in order, at most `limit` of them and about `maxBytes` (one at least). */
  readAfter(fs: number, limit: number, maxBytes: number): LoggedFlush[] {
    const flushes: LoggedFlush[] = [];
    let bytes = 0;
    const cursor = this.#sql.exec<{ fs: number; as_of: number; bytes: number; payload: string }>(
      `SELECT fs, as_of, bytes, payload FROM ${this.#table} WHERE fs > ? ORDER BY fs LIMIT ?`,
      fs,
      limit,
    );
    for (const row of cursor) {
      bytes += row.bytes;
      if (flushes.length > 0 && bytes > maxBytes) break;
      flushes.push({ fs: row.fs, asOf: row.as_of, payload: row.payload });
    }
    return flushes;
  }

  /** Flushes known after `asOf` (exclusive), in order. */
  readSince(asOf: EpochMs, limit: number, maxBytes: number): LoggedFlush[] {
    const row = this.#sql
      .exec<{ fs: number | null }>(
        `SELECT max(fs) AS fs FROM ${this.#table} WHERE as_of <= ?`,
        asOf,
      )
      .one();
    return this.readAfter(row.fs ?? 0, limit, maxBytes);
  }

  /** Bytes and number of flushes after `fs`, and the knowledge time of the oldest of them. */
  backlog(fs: number): { flushes: number; bytes: number; oldestAsOf: EpochMs | null } {
    const row = this.#sql
      .exec<{ flushes: number; bytes: number; oldest: number | null }>(
        `SELECT count(*) AS flushes, coalesce(sum(bytes), 0) AS bytes, min(as_of) AS oldest
         FROM ${this.#table} WHERE fs > ?`,
        fs,
      )
      .one();
    return { flushes: row.flushes, bytes: row.bytes, oldestAsOf: row.oldest };
  }

  /**
   * Drops what is past every reader: drained, beyond the newest thousand, and either older than the
   * trading session that began at `sessionStartMs` or more than the log may hold. Undrained rows stay.
   */
  prune(drainedFs: number, sessionStartMs: EpochMs): void {
    const head = this.head();
    if (head === null) return;
    const replayFrom = Math.min(drainedFs, head.fs - MIN_REPLAY_FLUSHES);
    this.#sql.exec(
      `DELETE FROM ${this.#table} WHERE fs <= ? AND as_of < ?`,
      replayFrom,
      sessionStartMs,
    );
    this.#sql.exec(
      `DELETE FROM ${this.#table} WHERE fs <= ? AND fs <= (
         SELECT coalesce(max(fs), 0) FROM (
           SELECT fs, sum(bytes) OVER (ORDER BY fs DESC) AS held FROM ${this.#table}) WHERE held > ?)`,
      drainedFs,
      MAX_REPLAY_BYTES,
    );
  }

  /** Drops every flush up to `fs`, drained or not. */
  dropUpTo(fs: number): void {
    this.#sql.exec(`DELETE FROM ${this.#table} WHERE fs <= ?`, fs);
  }
}
