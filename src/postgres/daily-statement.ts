import type { Flush } from "../contracts/flush.ts";
import { toIso } from "../domain/time.ts";
import type { SqlStatement } from "./sql-client.ts";

/**
 * One statement for the daily bars of a flush, as for its minutes:
 * - `written`: inserts the belief, or replaces one that is not newer (its trigger keeps the old row);
 * - the rest: a belief older than the stored one (the history lane was faster) goes to the revisions directly.
 */
const DAILY_SQL = `
with bars as (
  select b.symbol, timestamptz 'epoch' + b.ts_ms * interval '1 millisecond' as ts,
    ((timestamptz 'epoch' + b.ts_ms * interval '1 millisecond') at time zone 'UTC')::date as trading_date,
    b.open, b.high, b.low, b.close, b.volume, b.trade_count, b.vwap, b.revision, b.provider, b.feed, b.status,
    timestamptz 'epoch' + b.asked_at_ms * interval '1 millisecond' as asked_at
  from unnest(
    $1::text[], $2::bigint[], $3::float8[], $4::float8[], $5::float8[], $6::float8[], $7::float8[],
    $8::bigint[], $9::float8[], $10::integer[], $11::text[], $12::text[], $13::text[], $14::bigint[]
  ) as b (
    symbol, ts_ms, open, high, low, close, volume, trade_count, vwap, revision,
    provider, feed, status, asked_at_ms
  )
),
written as (
  insert into candles_daily as c (
    symbol, trading_date, open, high, low, close, volume, vwap, trade_count,
    as_of, asked_at, provider, feed, status, revision
  )
  select symbol, trading_date, open, high, low, close, volume, vwap, trade_count,
    $15::timestamptz, asked_at, provider, feed, status, revision
  from bars
  on conflict (symbol, trading_date) do update set
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, vwap = excluded.vwap, trade_count = excluded.trade_count,
    as_of = excluded.as_of, asked_at = excluded.asked_at, provider = excluded.provider,
    feed = excluded.feed, status = excluded.status, revision = excluded.revision
  where c.as_of <= excluded.as_of
  returning c.symbol, c.trading_date
)
insert into candles_revisions (
  symbol, interval, ts, open, high, low, close, volume, vwap, trade_count,
  as_of, asked_at, provider, feed, session, status, revision
)
select b.symbol, '1d', b.ts, b.open, b.high, b.low, b.close, b.volume, b.vwap, b.trade_count,
  $15::timestamptz, b.asked_at, b.provider, b.feed, 'regular', b.status, b.revision
from bars b
where not exists (
  select from written w where w.symbol = b.symbol and w.trading_date = b.trading_date
)
on conflict do nothing`;

/** The statement that stores the daily bars of a flush; it has some. */
export function dailyStatement({ daily, as_of: asOf }: Flush): SqlStatement {
  return {
    text: DAILY_SQL,
    params: [
      daily.map((row) => row[0]),
      daily.map((row) => row[1]),
      daily.map((row) => row[2]),
      daily.map((row) => row[3]),
      daily.map((row) => row[4]),
      daily.map((row) => row[5]),
      daily.map((row) => row[6]),
      daily.map((row) => row[7]),
      daily.map((row) => row[8]),
      daily.map((row) => row[9]),
      daily.map((row) => row[10]),
      daily.map((row) => row[11]),
      daily.map((row) => row[12]),
      daily.map((row) => row[14]),
      toIso(asOf),
    ],
  };
}
