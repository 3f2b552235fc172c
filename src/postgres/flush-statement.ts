import type { Flush } from "../contracts/flush.ts";
import { toIso } from "../domain/time.ts";
import type { SqlStatement } from "./sql-client.ts";

/**
 * One statement a flush, so that it is stored whole or not at all. What each part does:
 * - `written`: inserts the belief, or replaces one that is not newer (its trigger keeps the old row, and gives a
 *   belief of the same millisecond, as the history lane may have left, a later one);
 * - `late`: a belief older than the stored one (the history lane was faster) was not written, so it goes to the
 *   revisions directly. Known from what was written: a look at the table would be planned as a scan of the
 *   day's whole index, for each flush again;
 * - `recorded`: the gap events as they came;
 * - `touched`: per symbol, open adds to the holes, filled removes, unfillable moves; dead stays a hole.
 * Reading `ingestion_cursor` before writing it is safe: drain_begin holds the group's row.
 */
const FLUSH_SQL = `
with bars as (
  select b.symbol, timestamptz 'epoch' + b.ts_ms * interval '1 millisecond' as ts,
    b.open, b.high, b.low, b.close, b.volume, b.trade_count, b.vwap, b.revision,
    b.provider, b.feed, b.status, b.session,
    timestamptz 'epoch' + b.asked_at_ms * interval '1 millisecond' as asked_at
  from unnest(
    $1::text[], $2::bigint[], $3::float8[], $4::float8[], $5::float8[], $6::float8[], $7::float8[],
    $8::bigint[], $9::float8[], $10::integer[], $11::text[], $12::text[], $13::text[], $14::text[],
    $15::bigint[]
  ) as b (
    symbol, ts_ms, open, high, low, close, volume, trade_count, vwap, revision,
    provider, feed, status, session, asked_at_ms
  )
),
written as (
  insert into candles_intraday as c (
    symbol, interval, ts, open, high, low, close, volume, vwap, trade_count,
    as_of, asked_at, provider, feed, session, status, revision
  )
  select symbol, '1m', ts, open, high, low, close, volume, vwap, trade_count,
    $16::timestamptz, asked_at, provider, feed, session, status, revision
  from bars
  on conflict (symbol, interval, ts) do update set
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, vwap = excluded.vwap, trade_count = excluded.trade_count,
    as_of = excluded.as_of, asked_at = excluded.asked_at, provider = excluded.provider,
    feed = excluded.feed, session = excluded.session, status = excluded.status,
    revision = excluded.revision
  where c.as_of <= excluded.as_of
  returning c.symbol, c.ts
),
late as (
  insert into candles_revisions (
    symbol, interval, ts, open, high, low, close, volume, vwap, trade_count,
    as_of, asked_at, provider, feed, session, status, revision
  )
  select b.symbol, '1m', b.ts, b.open, b.high, b.low, b.close, b.volume, b.vwap, b.trade_count,
    $16::timestamptz, b.asked_at, b.provider, b.feed, b.session, b.status, b.revision
  from bars b
  where not exists (select from written w where w.symbol = b.symbol and w.ts = b.ts)
  on conflict do nothing
),
gaps as (
  select g.symbol, timestamptz 'epoch' + g.from_ms * interval '1 millisecond' as from_ts,
    timestamptz 'epoch' + g.to_ms * interval '1 millisecond' as to_ts, g.kind, g.provider, g.href
  from unnest($17::text[], $18::bigint[], $19::bigint[], $20::text[], $21::text[], $22::text[])
    as g (symbol, from_ms, to_ms, kind, provider, href)
),
recorded as (
  insert into gap_events (
    "group", class, epoch, fs, symbol, from_ts, to_ts, kind, as_of, provider, href
  )
  select $23::smallint, $24::text, $25::text, $26::bigint, symbol, from_ts, to_ts, kind,
    $16::timestamptz, provider, href
  from gaps
),
changes as (
  select symbol,
    coalesce(range_agg(tstzrange(from_ts, to_ts)) filter (where kind = 'open'), '{}') as opened,
    coalesce(range_agg(tstzrange(from_ts, to_ts)) filter (where kind = 'filled'), '{}') as filled,
    coalesce(range_agg(tstzrange(from_ts, to_ts)) filter (where kind = 'unfillable'), '{}')
      as unfillable
  from gaps where kind <> 'dead' group by symbol
),
touched as (
  insert into ingestion_cursor as c (symbol, interval, holes, unfillable, as_of)
  select g.symbol, '1m',
    coalesce(old.holes, '{}') + g.opened - g.filled - g.unfillable,
    coalesce(old.unfillable, '{}') - g.opened - g.filled + g.unfillable,
    $16::timestamptz
  from changes g
  left join ingestion_cursor old on old.symbol = g.symbol and old.interval = '1m'
  on conflict (symbol, interval) do update set
    holes = excluded.holes, unfillable = excluded.unfillable,
    as_of = greatest(c.as_of, excluded.as_of)
)
select 1`;

/** The statement that stores the bars and gap events of a flush of class `bars`. */
export function flushStatement(flush: Flush): SqlStatement {
  const { rows } = flush;
  const gaps = lastOfEachGap(flush);
  return {
    text: FLUSH_SQL,
    params: [
      rows.map((row) => row[0]),
      rows.map((row) => row[1]),
      rows.map((row) => row[2]),
      rows.map((row) => row[3]),
      rows.map((row) => row[4]),
      rows.map((row) => row[5]),
      rows.map((row) => row[6]),
      rows.map((row) => row[7]),
      rows.map((row) => row[8]),
      rows.map((row) => row[9]),
      rows.map((row) => row[10]),
      rows.map((row) => row[11]),
      rows.map((row) => row[12]),
      rows.map((row) => row[13]),
      rows.map((row) => row[14]),
      toIso(flush.as_of),
      gaps.map((gap) => gap[0]),
      gaps.map((gap) => gap[1]),
      gaps.map((gap) => gap[2]),
      gaps.map((gap) => gap[3]),
      gaps.map((gap) => gap[4]),
      gaps.map((gap) => gap[5]),
      flush.group,
      flush.class,
      flush.epoch,
      flush.fs,
    ],
  };
}

/** A flush's later word about the same symbol and start stands: the table keeps one row for them. */
function lastOfEachGap(flush: Flush): Flush["gaps"] {
  return [...new Map(flush.gaps.map((gap) => [`${gap[0]} ${gap[1]}`, gap])).values()];
}
