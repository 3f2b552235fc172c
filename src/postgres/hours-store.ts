import { z } from "zod";
import { DAY_MS, toIso } from "../domain/time.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import { MAX_READ_SYMBOLS } from "./bars-store.ts";
import { STORE_HOURS_SQL } from "./rollup-sql.ts";
import type { SqlClient } from "./sql-client.ts";

const dayRow = z.object({ day: z.string() });

/**
 * UTC days up to a date whose hours are not kept, or not all of them since a bar changed, oldest first, `limit` at
 * most. None where the database's profile stores days in its own way.
 */
export async function daysToStoreHours(
  sql: SqlClient,
  until: TradingDate,
  limit: number,
): Promise<string[]> {
  const text = "select day::text as day from days_to_store_hours($1::date, $2::integer) day";
  const { rows } = await sql.query({ text, params: [until, limit] });
  return rows.map((row) => dayRow.parse(row).day);
}

/**
 * Keeps the hours of a UTC day (`YYYY-MM-DD`) of which the bars are stored in a partition, so that reads need not work
 * them out. Reads go on meanwhile; whoever writes bars of that day waits. Rejects as `classifySqlError` says, also
 * when the day is written to just now: then nothing is changed.
 */
export async function storeHours(sql: SqlClient, day: string): Promise<void> {
  const startMs = Date.parse(day);
  // The second statement sees what was committed until the first one had its locks.
  await sql.transaction([
    { text: "select begin_storing_hours($1::date)", params: [day] },
    {
      text: STORE_HOURS_SQL,
      params: [day, MAX_READ_SYMBOLS, toIso(startMs), toIso(startMs + DAY_MS), "infinity"],
    },
  ]);
}
