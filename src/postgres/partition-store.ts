import { toIso, type EpochMs } from "../domain/time.ts";
import type { SqlClient, SqlStatement } from "./sql-client.ts";

/** Bars and their old beliefs by day, quotes by day, daily bars and theirs by year. */
const ENSURE_SQL = ["day", "quote", "year"].map(
  (kind) => `select ensure_${kind}_partitions($1::date, $2::date)`,
);

/**
 * Makes the partitions of all tables for `[fromMs, toMs)`, at most 400 UTC days. Those that exist are left
 * alone; may run at once with drains and with itself.
 */
export async function ensurePartitions(
  sql: SqlClient,
  fromMs: EpochMs,
  toMs: EpochMs,
): Promise<void> {
  if (toMs <= fromMs) throw new RangeError("empty range of partitions");
  const params = [utcDay(fromMs), utcDay(toMs - 1)];
  await sql.transaction(ENSURE_SQL.map((text) => ({ text, params })));
}

/** The UTC day that holds an instant, `YYYY-MM-DD`: how partitions are cut. */
export function utcDay(ms: EpochMs): string {
  return toIso(ms).slice(0, 10);
}

/** The statement that makes the year partitions of daily bars whose `ts` are these; one at least. */
export function yearPartitions(dates: readonly EpochMs[]): SqlStatement {
  const years = [...new Set(dates.map((ts) => utcDay(ts).slice(0, 4)))];
  return {
    text: "select ensure_year_partitions(day, day) from unnest($1::date[]) day",
    params: [years.map((year) => `${year}-01-01`)],
  };
}
