-- Bars of 5 minutes and 1 hour, worked out on read from the bars of 1 minute: never stored, so never stale.
--
-- A bucket is (symbol, session, `ts` = its start on the clock, UTC): regular and post bars of one hour stay apart.
-- Every minute bar counts, whatever its volume. Sums run in the order of `ts`, so that a fractional volume gives
-- the same sum wherever it is worked out.
--   trade_count  sum of those that are given; null when no bar gives one (a bar without one adds nothing)
--   vwap         weighted by volume, a bar's close where it has none; the bucket's close when its volume is 0
--   as_of        when the last of its bars was known
--   bars         how many minute bars it is made of
-- Every column is an aggregate over the bucket or made of columns of the same row, so a materialised aggregate of
-- (open, high, low, close, volume, trade_count, notional, as_of, bars) under a view that divides gives the same.
--
-- A condition on the symbol is quick. One on `ts` is a condition on the bucket, which skips no partition.
do $$
declare
  v_rollup record;
begin
  for v_rollup in select * from (values ('candles_5m', '5 minutes'), ('candles_1h', '1 hour')) as r (name, width) loop
    execute format(
      $view$
      create view %I as
      select
        symbol, session, ts, open, high, low, close, volume, trade_count,
        case when volume > 0 then notional / volume else close end as vwap,
        as_of, bars
      from (
        select
          symbol,
          session,
          date_bin(%L, c.ts, timestamptz 'epoch') as ts,
          (array_agg(open order by c.ts))[1] as open,
          max(high) as high,
          min(low) as low,
          (array_agg(close order by c.ts desc))[1] as close,
          sum(volume order by c.ts) as volume,
          sum(trade_count)::bigint as trade_count,
          sum(coalesce(vwap, close) * volume order by c.ts) as notional,
          max(as_of) as as_of,
          count(*)::integer as bars
        from candles_intraday c
        where interval = '1m'
        group by symbol, session, date_bin(%L, c.ts, timestamptz 'epoch')
      ) bucket
      $view$,
      v_rollup.name, v_rollup.width, v_rollup.width
    );
  end loop;
end
$$;
