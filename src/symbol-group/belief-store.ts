import type { SqlStorage } from "@cloudflare/workers-types";
import { MinuteBeliefs } from "../domain/belief.ts";
import type { Interval } from "../domain/interval.ts";
import type { EpochMs } from "../domain/time.ts";

/** Stored beliefs: one row a minute and group. */
export class BeliefStore {
  #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** A private copy of a minute's beliefs, `slots` wide at least. */
  read(interval: Interval, ts: EpochMs, slots: number): MinuteBeliefs {
    const rows = this.#sql
      .exec<{ body: ArrayBuffer }>(
        "SELECT body FROM minute WHERE interval = ? AND ts = ?",
        interval,
        ts,
      )
      .toArray();
    const stored = rows[0]?.body;
    return new MinuteBeliefs(slots, stored === undefined ? undefined : new Uint8Array(stored));
  }

  write(interval: Interval, ts: EpochMs, beliefs: MinuteBeliefs): void {
    this.#sql.exec(
      "INSERT INTO minute (interval, ts, body) VALUES (?, ?, ?) ON CONFLICT (interval, ts) DO UPDATE SET body = excluded.body",
      interval,
      ts,
      beliefs.encode(),
    );
  }

  /** Forgets what lies before the belief horizon. */
  prune(interval: Interval, beforeMs: EpochMs): void {
    this.#sql.exec("DELETE FROM minute WHERE interval = ? AND ts < ?", interval, beforeMs);
  }
}
