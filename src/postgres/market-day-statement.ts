import { BREADTH_MIN_BARS, EQUAL_CLOSES } from "../domain/macro.ts";

/**
 * Counts over the active universe of the last of the sessions $1 (ascending, consecutive): see `MarketDay`.
 * Closes are put on the shares of the day before the first session, by the splits known now. Bars of the
 * security that had the symbol before are left out. Volumes are rounded to whole shares: the order in which
 * Postgres adds fractions may differ from one time to the next. Only one row comes back, however many symbols.
 */
export const MARKET_DAY_SQL = `
with session as (
  select s.day, s.place::integer as place from unnest($1::date[]) with ordinality as s (day, place)
),
split as (
  select symbol, array_agg(ex_date) as days, array_agg(factor) as factors
  from corporate_actions
  where kind = 'split' and not cancelled
    and ex_date between ($1::date[])[1] and ($1::date[])[cardinality($1::date[])]
  group by symbol
),
bar as (
  select b.symbol, s.place, b.volume,
    case when p.symbol is null then b.close else b.close * (
      select coalesce(exp(sum(ln(f.factor))), 1)
      from unnest(p.days, p.factors) as f (day, factor) where f.day <= b.trading_date
    ) end as close
  from candles_daily b
  join session s on s.day = b.trading_date
  join symbol_universe u on u.symbol = b.symbol and u.active
  left join split p on p.symbol = b.symbol
  where b.trading_date between ($1::date[])[1] and ($1::date[])[cardinality($1::date[])]
    and coalesce(b.trading_date >= u.reused_on, true)
),
known as (
  select symbol,
    max(close) filter (where place = cardinality($1::date[])) as close,
    max(volume) filter (where place = cardinality($1::date[])) as volume,
    max(close) filter (where place = cardinality($1::date[]) - 1) as before,
    avg(close) as mean,
    count(*) as bars
  from bar group by symbol
),
told as (
  select volume, before,
    bars >= ${BREADTH_MIN_BARS} as is_judged,
    close > mean * (1 + ${EQUAL_CLOSES}) as is_above,
    close > before * (1 + ${EQUAL_CLOSES}) as is_up,
    before > close * (1 + ${EQUAL_CLOSES}) as is_down
  from known where close is not null
)
select count(before)::integer as compared,
  count(*) filter (where is_up)::integer as advancing,
  count(*) filter (where is_down)::integer as declining,
  round(coalesce(sum(volume) filter (where is_up), 0)) as volume_up,
  round(coalesce(sum(volume) filter (where is_down), 0)) as volume_down,
  count(*) filter (where is_judged)::integer as judged,
  count(*) filter (where is_judged and is_above)::integer as above
from told`;
