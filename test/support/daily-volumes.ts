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
  const [known] = await database.query("select to_regclass('candles_daily') is not null as yes");
  if (known?.["yes"] === true) {
    await database.query("select ensure_year_partitions($1::date, $2::date)", [
      dates[0],
      dates.at(-1),
    ]);
  } else {
    await database.query(
      `create table candles_daily (symbol text, trading_date date, open float8, high float8, low float8, close float8,
        volume float8, as_of timestamptz, asked_at timestamptz, provider text, feed text, status text, revision integer)`,
    );
  }
  await database.query(
    `insert into candles_daily (symbol, trading_date, open, high, low, close, volume, as_of, asked_at, provider, feed,
        status, revision)
      select s.symbol, d.date, 1, 1, 1, 1, s.shares, now(), now(), 'polygon', 'sip', 'first', 0
      from unnest($1::text[], $2::float8[]) as s (symbol, shares), unnest($3::date[]) as d (date)`,
    [[...shares.keys()], [...shares.values()], dates],
  );
}
