-- Days that are not kept any more are dropped here as chunks, of rollups too, under the names that the service calls.
--
-- Days of p_tables that ended at or before 00:00 UTC of p_before, 4 at most in one call, oldest first. Returns how
-- many chunks were dropped. A drop locks the days it drops; it waits for their readers only for a moment, then
-- leaves them to a later call.
create function drop_expired_chunks(p_tables text[], p_rollups text[], p_before date)
returns integer language plpgsql as $$
declare
  v_before timestamptz := p_before::timestamp at time zone 'UTC';
  v_to timestamptz;
  v_name text;
  v_dropped integer := 0;
begin
  if p_before is null or p_before < date '1990-01-01' or p_before > date '2100-01-01' then
    raise exception 'nothing expires before %', p_before using errcode = 'datetime_field_overflow';
  end if;
  select max(day.range_end) into v_to from (
    select distinct range_end from timescaledb_information.chunks
    where hypertable_schema = current_schema() and hypertable_name = any(p_tables) and range_end <= v_before
    order by range_end limit 4
  ) day;
  if v_to is null then
    return 0;
  end if;
  foreach v_name in array p_tables loop
    v_dropped := v_dropped + (select count(*) from drop_chunks(v_name::regclass, older_than => v_to));
  end loop;
  foreach v_name in array p_rollups loop
    perform drop_chunks(v_name::regclass, older_than => v_to);
  end loop;
  return v_dropped;
end
$$;

create or replace function drop_expired_bars(p_before date) returns integer language plpgsql
set lock_timeout = '200ms' as $$
begin
  return drop_expired_chunks(
    array['candles_intraday', 'candles_revisions_1m'], array['rollup_5m', 'rollup_1h'], p_before
  );
exception when lock_not_available then
  return 0;
end
$$;

create or replace function drop_expired_quotes(p_before date) returns integer language plpgsql
set lock_timeout = '200ms' as $$
begin
  return drop_expired_chunks(array['quotes_l1'], array[]::text[], p_before);
exception when lock_not_available then
  return 0;
end
$$;
