import type { Database } from "../../dev/database/database.ts";

/**
 * Stores daily bars that make dollar volumes: of each symbol so many shares at one dollar on every
 * date.
 */
export async function storeDailyBars(
  database: Database,
  dates: readonly string[],
  shares: ReadonlyMap<string, number>,
): Promise<void> {
  const span = [dates[0], dates.at(-1)];
  await database.query("select ensure_year_partitions($1::date, $2::date)", span);
  await database.query(
    `insert into candles_daily (symbol, trading_date, open, high, low, close, volume, as_of, asked_at, provider, feed,
        status, revision)
      select s.symbol, d.date, 1, 1, 1, 1, s.shares, now(), now(), 'polygon', 'sip', 'first', 0
      from unnest($1::text[], $2::float8[]) as s (symbol, shares), unnest($3::date[]) as d (date)`,
    [[...shares.keys()], [...shares.values()], dates],
  );
}
