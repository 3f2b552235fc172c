import { toIso, type EpochMs } from "../domain/time.ts";
import type { SqlClient } from "./sql-client.ts";

/**
 * Makes the day partitions of bars and revisions for `[fromMs, toMs)`, at most 400 UTC days.
 * Those that exist are left alone; may run at once with drains and with itself.
 */
export async function ensurePartitions(
  sql: SqlClient,
  fromMs: EpochMs,
  toMs: EpochMs,
): Promise<void> {
  if (toMs <= fromMs) throw new RangeError("empty range of partitions");
  await sql.query({
    text: "select ensure_day_partitions($1::date, $2::date)",
    params: [utcDay(fromMs), utcDay(toMs - 1)],
  });
}

/** The UTC day that holds an instant, `YYYY-MM-DD`: how partitions are cut. */
export function utcDay(ms: EpochMs): string {
  return toIso(ms).slice(0, 10);
}
