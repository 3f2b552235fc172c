-- Charts over months of 5-minute and hourly bars read what was worked out once: continuous aggregates under the views of 0013.
--
-- Rows and columns are those of the plain views, sums in the same order. What is newer than the last refresh is
-- worked out on read; an older bucket follows a late bar at the next refresh. The API reads minutes, never these.
do $$
declare
  v_rollup record;
begin
  for v_rollup in select * from (values ('5m', '5 minutes'), ('1h', '1 hour')) as r (name, width) loop
    execute format('drop view if exists candles_%s', v_rollup.name);
    execute format(
      $view$
      create materialized view rollup_%s with (
        timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false
      ) as
      select
        symbol,
        session,
        time_bucket(interval %L, c.ts) as ts,
        first(open, c.ts) as open,
        max(high) as high,
        min(low) as low,
        last(close, c.ts) as close,
        sum(volume order by c.ts) as volume,
        sum(trade_count)::bigint as trade_count,
        sum(coalesce(vwap, close) * volume order by c.ts) as notional,
        max(as_of) as as_of,
        count(*)::integer as bars
      from candles_intraday c
      where interval = '1m'
      group by symbol, session, time_bucket(interval %L, c.ts)
      with no data
      $view$,
      v_rollup.name, v_rollup.width, v_rollup.width
    );
    execute format('create index on rollup_%s (symbol, ts)', v_rollup.name);
    -- Dropped with the days they are made of.
    execute format('select set_chunk_time_interval(%L, interval %L)', 'rollup_' || v_rollup.name, '1 day');
    -- From the first bar that is stored; the last hour is worked out on read.
    execute format(
      'select add_continuous_aggregate_policy(%L, null, interval %L, interval %L)',
      'rollup_' || v_rollup.name, '1 hour', '10 minutes'
    );
    execute format(
      $view$
      create view candles_%s as
      select
        symbol, session, ts, open, high, low, close, volume, trade_count,
        case when volume > 0 then notional / volume else close end as vwap,
        as_of, bars
      from rollup_%s
      $view$,
      v_rollup.name, v_rollup.name
    );
  end loop;
end
$$;

-- Only what was touched since the last call costs anything: TimescaleDB keeps what was written where. Nothing
-- before the first day that is still kept is read, nor is a bucket that ends after p_before.
create or replace procedure refresh_rollups(p_before timestamptz) language plpgsql as $$
declare
  v_from timestamptz;
begin
  select min(range_start) into v_from from timescaledb_information.chunks
  where hypertable_schema = current_schema() and hypertable_name = 'candles_intraday';
  -- A span shorter than a bucket is refused.
  if v_from is null or p_before < v_from + interval '1 hour' then
    return;
  end if;
  call refresh_continuous_aggregate('rollup_5m', v_from, p_before);
  call refresh_continuous_aggregate('rollup_1h', v_from, p_before);
end
$$;
