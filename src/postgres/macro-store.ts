import { z } from "zod";
import type { MacroFactor, MarketDay } from "../domain/macro.ts";
import type { DatedClose } from "../domain/split-adjusted.ts";
import { type EpochMs, toIso } from "../domain/time.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import { LOCK_HORIZON } from "./lock-horizon.ts";
import { MARKET_DAY_SQL } from "./market-day-statement.ts";
import type { SqlClient } from "./sql-client.ts";

const dayRow = z
  .object({
    compared: z.number().int(),
    advancing: z.number().int(),
    declining: z.number().int(),
    volume_up: z.number(),
    volume_down: z.number(),
    judged: z.number().int(),
    above: z.number().int(),
  })
  .transform(({ volume_up: volumeUp, volume_down: volumeDown, ...row }): MarketDay => ({
    ...row,
    volumeUp,
    volumeDown,
  }));

/** What the active universe did on the last of these sessions (ascending, without a gap). */
export async function readMarketDay(
  sql: SqlClient,
  sessions: readonly TradingDate[],
): Promise<MarketDay> {
  const { rows } = await sql.query({ text: MARKET_DAY_SQL, params: [sessions] });
  return dayRow.parse(rows[0]);
}

const countRow = z.object({ date: z.string(), bars: z.number().int() });

/** How many active symbols have a daily bar, by trading date; a date without any is left out. */
export async function countDailyBars(
  sql: SqlClient,
  dates: readonly TradingDate[],
): Promise<Map<TradingDate, number>> {
  const { rows } = await sql.query({
    text: `select b.trading_date::text as date, count(*)::integer as bars
      from candles_daily b join symbol_universe u on u.symbol = b.symbol and u.active
      where b.trading_date = any($1::date[]) group by b.trading_date`,
    params: [dates],
  });
  return new Map(rows.map((row) => countRow.parse(row)).map(({ date, bars }) => [date, bars]));
}

const closeRow = z.object({ date: z.string(), close: z.number() });

/** The raw closes of a symbol on these trading dates, by date; those without a bar are left out. */
export async function readCloses(
  sql: SqlClient,
  symbol: string,
  dates: readonly TradingDate[],
): Promise<DatedClose[]> {
  const { rows } = await sql.query({
    text: `select trading_date::text as date, close from candles_daily
      where symbol = $1 and trading_date = any($2::date[]) order by trading_date`,
    params: [symbol, dates],
  });
  return rows.map((row) => closeRow.parse(row));
}

/** The sum of `advance_decline_net` over all trading dates before one. */
export async function readLineBefore(sql: SqlClient, date: TradingDate): Promise<number> {
  const { rows } = await sql.query({
    text: `select coalesce(sum(value), 0) as line from macro_factors
      where factor = 'advance_decline_net' and ts < $1::date::timestamp at time zone 'UTC'`,
    params: [date],
  });
  return z.object({ line: z.number() }).parse(rows[0]).line;
}

/** Writes a date's factors, only those that differ from what is stored; answers how many did. */
export async function storeFactors(
  sql: SqlClient,
  date: TradingDate,
  factors: readonly MacroFactor[],
  nowMs: EpochMs,
): Promise<number> {
  const [, written] = await sql.transaction([
    LOCK_HORIZON,
    {
      text: `insert into macro_factors as m (factor, ts, value, sample, detail, as_of)
        select f.factor, $1::date::timestamp at time zone 'UTC', f.value, f.sample, f.detail::jsonb,
          known_from($2::timestamptz)
        from unnest($3::text[], $4::float8[], $5::integer[], $6::text[]) as f (factor, value, sample, detail)
        on conflict (factor, ts) do update set
          value = excluded.value, sample = excluded.sample, detail = excluded.detail,
          as_of = excluded.as_of, revision = m.revision + 1
        where (m.value, m.sample, m.detail) is distinct from (excluded.value, excluded.sample, excluded.detail)`,
      params: [
        date,
        toIso(nowMs),
        factors.map(({ factor }) => factor),
        factors.map(({ value }) => value),
        factors.map(({ sample }) => sample),
        factors.map(({ detail }) => JSON.stringify(detail)),
      ],
    },
  ]);
  return written?.rowCount ?? 0;
}
