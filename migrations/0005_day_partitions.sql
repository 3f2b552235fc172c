-- Partitions of one UTC day, made ahead by cron and by the drain; retention drops whole days.
--
-- Returns how many tables were made. Safe to call at once from anywhere: makers take turns by an advisory lock.
-- A table is filled in and then attached, because ATTACH lets readers and writers of the parent go on where
-- CREATE TABLE ... PARTITION OF would lock them out.
create function ensure_day_partitions(p_from date, p_to date) returns integer language plpgsql as $$
declare
  v_day date;
  v_parent text;
  v_name text;
  v_made integer := 0;
begin
  if p_from is null or p_to is null or p_from < date '1990-01-01' or p_to > date '2100-01-01' then
    raise exception 'no partitions for % to %', p_from, p_to using errcode = 'datetime_field_overflow';
  end if;
  if p_to - p_from >= 400 then
    raise exception 'more than 400 days in one call' using errcode = 'program_limit_exceeded';
  end if;
  for v_day in select d::date from generate_series(p_from::timestamp, p_to::timestamp, interval '1 day') d loop
    foreach v_parent in array array['candles_intraday', 'candles_revisions'] loop
      v_name := v_parent || to_char(v_day, '_YYYYMMDD');
      continue when to_regclass(v_name) is not null;
      perform pg_advisory_xact_lock(hashtext('ensure_day_partitions'));
      -- Another maker may have finished while this one waited. Only a query sees that: to_regclass may answer
      -- from a cache that an advisory lock does not refresh.
      continue when exists (
        select from pg_class where relname = v_name and relnamespace = current_schema()::regnamespace
      );
      execute format('create table %I (like %I including all)', v_name, v_parent);
      execute format(
        'alter table %I attach partition %I for values from (%L) to (%L)',
        v_parent, v_name, v_day::timestamp at time zone 'UTC', (v_day + 1)::timestamp at time zone 'UTC'
      );
      v_made := v_made + 1;
    end loop;
  end loop;
  return v_made;
end
$$;
