import { z } from "zod";
import type { TradingDate } from "../domain/trading-date.ts";
import type { SqlClient } from "./sql-client.ts";

/** What is kept for a number of days, each with its own. */
export type KeptClass = "bars" | "quotes";

const countRow = z.object({ count: z.number().int() });
const dayRow = z.object({ day: z.string() });
const packedRow = z.object({ packed: z.boolean() });

const DROP_SQL: Readonly<Record<KeptClass, string>> = {
  bars: "select drop_expired_bars($1::date) as count",
  quotes: "select drop_expired_quotes($1::date) as count",
};

/** Writes down that what is before a date is not kept any more: to be done before it is dropped. */
export async function keepFrom(
  sql: SqlClient,
  kept: KeptClass,
  before: TradingDate,
): Promise<void> {
  await sql.query({ text: "select keep_from($1, $2::date)", params: [kept, before] });
}

/**
 * Drops a few whole days that ended before a date; answers how many tables went: 0 when there is none
 * left, or when readers held them all just now.
 */
export async function dropExpired(
  sql: SqlClient,
  kept: KeptClass,
  before: TradingDate,
): Promise<number> {
  const { rows } = await sql.query({ text: DROP_SQL[kept], params: [before] });
  return countRow.parse(rows[0]).count;
}

/**
 * Forgets what is told of bars before a date: gap events, backfill jobs that are over, hours, known ranges. At most
 * `limit` rows of each; answers how many in all.
 */
export async function forgetExpired(
  sql: SqlClient,
  before: TradingDate,
  limit: number,
): Promise<number> {
  const text = "select forget_expired($1::date, $2::integer) as count";
  const { rows } = await sql.query({ text, params: [before, limit] });
  return countRow.parse(rows[0]).count;
}

/**
 * UTC days up to a date whose bars are not stored by symbol yet, oldest first, `limit` at most. None where the
 * database's profile stores them by symbol itself.
 */
export async function daysToPack(
  sql: SqlClient,
  until: TradingDate,
  limit: number,
): Promise<string[]> {
  const text = "select day::text as day from days_to_pack($1::date, $2::integer) day";
  const { rows } = await sql.query({ text, params: [until, limit] });
  return rows.map((row) => dayRow.parse(row).day);
}

/**
 * Stores the bars of a UTC day, and their old beliefs, by symbol and time; reads go on meanwhile. False when there
 * was nothing to do, or when others held its tables: then nothing is changed.
 */
export async function packDay(sql: SqlClient, day: string): Promise<boolean> {
  const text = "select pack_day($1::date) as packed";
  const { rows } = await sql.query({ text, params: [day] });
  return packedRow.parse(rows[0]).packed;
}
