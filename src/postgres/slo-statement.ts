/**
 * Active symbols of the places asked for: $1 tiers, $2 first and $3 end places in the order of sids.
 * $4 and on are the statement's own.
 */
const CHOSEN = `
asked as (
  select a.tier, a.from_place, a.to_place
  from unnest($1::text[], $2::integer[], $3::integer[]) as a (tier, from_place, to_place)
),
listed as (
  select symbol, tier, "group", first_seen, listed_on, reused_on,
    row_number() over (partition by tier order by sid) - 1 as place,
    count(*) over (partition by tier) as listed
  from symbol_universe where active and tier = any($1::text[])
),
chosen as (
  select l.* from listed l
  where exists (
    select from asked a where a.tier = l.tier and l.place >= a.from_place and l.place < a.to_place
  )
)`;

/** Counts of `judged`, and of each tier the violating symbols with the oldest lacking bar, $4 at most. */
const COUNTED = `
  max(listed)::integer as listed, count(*)::integer as symbols, count(oldest)::integer as violating,
  to_json((
    array_agg(
      json_build_object('symbol', symbol, 'oldest_ms', (extract(epoch from oldest) * 1000)::bigint)
      order by oldest, symbol
    ) filter (where oldest is not null)
  )[1:$4::integer]) as named
from judged group by tier`;

/**
 * What lacks in the minutes $5 (start) to $6 (end). A symbol violates when its watermark has not come to
 * the end, or a hole is in between; a bar that stands in a hole fills it. Unfillable minutes are in no
 * hole. It is owed minutes from its `since`, and where Postgres was not told of one, from the version of
 * the universe by which it came to be owed any: its group owes it from about then on, and a hole before
 * is owed as it stands. `complete_before` is what 99 % of the tier have reached: the watermark, or the
 * start of the hole that has grown up to it.
 */
export const MINUTES_SQL = `
with ${CHOSEN},
joined as (
  select v.symbol, max(v.as_of) as at from universe_versions v
  where v.version > coalesce((
      select r.version from universe_refreshes r where r.as_of <= $5::timestamptz
      order by r.as_of desc limit 1
    ), 0)
    and (v.kinds && array['added', 'returned', 'reused'] or v.tier_before = 'T2')
  group by v.symbol
),
owed as (
  select c.tier, c.listed, c.symbol, since.at as since,
    greatest($5::timestamptz, since.at) as from_ts,
    coalesce(i.watermark, g.watermark_1m) as watermark, coalesce(i.holes, '{}') as holes
  from chosen c
  left join ingestion_cursor i on i.symbol = c.symbol and i.interval = '1m'
  left join group_cursor g on g."group" = c."group" and g.class = 'bars'
  left join joined j on j.symbol = c.symbol
  cross join lateral (
    select coalesce(
      i.since,
      date_trunc('minute', j.at + interval '1 minute' - interval '1 millisecond')
    ) as at
  ) since
),
judged as (
  select o.tier, o.listed, o.symbol,
    least(
      case when o.holes && tstzrange($5::timestamptz, $6::timestamptz) then (
        select lower(
          o.holes * tstzmultirange(tstzrange($5::timestamptz, $6::timestamptz)) - coalesce(
            range_agg(tstzrange(b.ts, b.ts + interval '1 minute')), '{}'
          )
        )
        from candles_intraday b
        where b.symbol = o.symbol and b.interval = '1m'
          and b.ts >= $5::timestamptz and b.ts < $6::timestamptz and o.holes @> b.ts
      ) end,
      case when o.from_ts < $6::timestamptz and coalesce(o.watermark, o.from_ts) < $6::timestamptz
        then greatest(o.watermark, o.from_ts) end
    ) as oldest,
    greatest(
      case when o.holes @> (o.watermark - interval '1 minute') then (
        select lower(h) from unnest(o.holes) h where h @> (o.watermark - interval '1 minute')
      ) else coalesce(o.watermark, o.from_ts) end,
      o.since
    ) as complete_before
  from owed o
  where o.from_ts < $6::timestamptz or o.holes && tstzrange($5::timestamptz, $6::timestamptz)
)
select tier, '1m' as interval,
  percentile_disc(0.99) within group (order by complete_before desc) as complete_before,
  ${COUNTED}`;

/**
 * What lacks of the trading date $5. Nobody says of a date that there was no trade, so a listing that
 * does not trade each day can't be told from one whose bar is missing: a symbol violates when the bar of
 * the date is absent and the last five before it follow each other (a week spans them). One of which no
 * bar is known for a year, for no provider has it, and one that is newer than the date are owed none.
 */
export const DAYS_SQL = `
with ${CHOSEN},
judged as (
  select c.tier, c.listed, c.symbol,
    case when d.symbol is null and before.bars = 5 and before.span <= 7
      then $5::date::timestamp at time zone 'UTC' end as oldest
  from chosen c
  left join candles_daily d on d.symbol = c.symbol and d.trading_date = $5::date
  cross join lateral (
    select count(*) as bars, max(recent.trading_date) - min(recent.trading_date) as span
    from (
      select b.trading_date from candles_daily b
      -- Looked up only for those that lack the bar: they are few.
      where d.symbol is null
        and b.symbol = c.symbol and b.trading_date < $5::date and b.trading_date >= $5::date - 365
      order by b.trading_date desc limit 5
    ) recent
  ) before
  where c.first_seen <= $5::date
    and coalesce(c.listed_on <= $5::date, true) and coalesce(c.reused_on <= $5::date, true)
    and (d.symbol is not null or before.bars > 0)
)
select tier, '1d' as interval, null::timestamptz as complete_before,
  ${COUNTED}`;
