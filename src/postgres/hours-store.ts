import { z } from "zod";
import { DAY_MS, toIso } from "../domain/time.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import { MAX_READ_SYMBOLS } from "./bars-store.ts";
import { STORE_HOURS_SQL } from "./rollup-sql.ts";
import type { SqlClient } from "./sql-client.ts";

/** Symbols in one transaction: whoever writes bars of the day waits for it. */
const STEP_SYMBOLS = 1_000;

const dayRow = z.object({ day: z.string() });
const countRow = z.object({ count: z.number().int() });

/**
 * UTC days up to a date whose hours are not kept, or not all of them since a bar changed, newest first, `limit` at
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
 * them out, some symbols at a time. Reads go on meanwhile; whoever writes bars of that day waits for a step at most.
 * Rejects as `classifySqlError` says, also when the day is written to just now; what is left is made another time.
 */
export async function storeHours(sql: SqlClient, day: string): Promise<void> {
  const startMs = Date.parse(day);
  const range = [toIso(startMs), toIso(startMs + DAY_MS)];
  for (let symbols = 0; symbols < MAX_READ_SYMBOLS; symbols += STEP_SYMBOLS) {
    // The second statement sees what was committed until the first one had its locks.
    const [, made] = await sql.transaction([
      { text: "select begin_storing_hours($1::date)", params: [day] },
      { text: STORE_HOURS_SQL, params: [day, STEP_SYMBOLS, ...range, "infinity"] },
    ]);
    if (countRow.parse(made?.rows[0]).count < STEP_SYMBOLS) return;
  }
}
