-- Bars and quotes are kept for so many days: whole days are dropped, which costs nothing and leaves no dead rows.
--
-- A drop locks its parent against everyone. So it waits for readers only for a moment (whoever comes behind it
-- waits as long), gives up, and leaves the day to a later run; a run drops a few days at most, oldest first.

-- What was dropped can't be told from what never was, unless it is written down: below `kept_from` a minute
-- without a bar is unknown, also when the days to keep are raised later.
create table retention (
  class text primary key,
  kept_from date not null,
  constraint retention_class check (class in ('bars', 'quotes'))
);

-- Writes down, before anything is dropped, that days before p_before are not kept. Never goes back.
create function keep_from(p_class text, p_before date) returns void language sql as $$
  insert into retention as r (class, kept_from) values (p_class, p_before)
  on conflict (class) do update set kept_from = excluded.kept_from where r.kept_from < excluded.kept_from
$$;

-- Drops the partitions of p_parents that end at or before 00:00 UTC of p_before, of p_days different days at most.
-- Those of one day go together or not at all: old beliefs without the present one would look like a deleted bar.
-- Returns how many tables were dropped. Raises lock_not_available when a parent can't be locked in time.
create function drop_expired_days(p_parents regclass[], p_before date, p_days integer) returns integer
language plpgsql as $$
declare
  v_parent regclass;
  v_tables text[];
  v_table text;
  v_dropped integer := 0;
  v_days integer := 0;
begin
  if p_before is null or p_before < date '1990-01-01' or p_before > date '2100-01-01' then
    raise exception 'nothing expires before %', p_before using errcode = 'datetime_field_overflow';
  end if;
  for v_tables in
    select array_agg(part.name order by part.name)
    from (
      select c.oid::regclass::text as name,
        substring(pg_get_expr(c.relpartbound, c.oid) from $re$TO \('([^']+)'\)$re$)::timestamptz as to_ts
      from pg_inherits i
      join pg_class c on c.oid = i.inhrelid
      where i.inhparent = any(p_parents)
    ) part
    where part.to_ts <= p_before::timestamp at time zone 'UTC'
    group by part.to_ts
    order by part.to_ts
  loop
    exit when v_days = p_days;
    if v_days = 0 then
      foreach v_parent in array p_parents loop
        execute format('lock table only %s in access exclusive mode', v_parent);
      end loop;
    end if;
    v_days := v_days + 1;
    begin
      -- No waiting here: the parents are locked by now.
      foreach v_table in array v_tables loop
        execute format('lock table only %s in access exclusive mode nowait', v_table);
      end loop;
      foreach v_table in array v_tables loop
        execute format('drop table %s', v_table);
      end loop;
      v_dropped := v_dropped + cardinality(v_tables);
    exception when lock_not_available then
      null;
    end;
  end loop;
  return v_dropped;
end
$$;

-- Drops a few days of bars, with their old beliefs, that ended at or before 00:00 UTC of p_before. Returns how many
-- tables were dropped: 0 when none is left, or when none could be locked now.
create function drop_expired_bars(p_before date) returns integer language plpgsql
set lock_timeout = '200ms' as $$
begin
  return drop_expired_days(array['candles_intraday', 'candles_revisions_1m']::regclass[], p_before, 4);
exception when lock_not_available then
  return 0;
end
$$;

-- As drop_expired_bars, of quotes.
create function drop_expired_quotes(p_before date) returns integer language plpgsql
set lock_timeout = '200ms' as $$
begin
  return drop_expired_days(array['quotes_l1']::regclass[], p_before, 4);
exception when lock_not_available then
  return 0;
end
$$;

create index gap_events_ended on gap_events (to_ts);
create index backfill_jobs_ended on backfill_jobs (updated_at) where status in ('done', 'discarded');
create index ingestion_cursor_known on ingestion_cursor (lower(known)) where not isempty(known);

-- Forgets what is told of bars that are not kept any more: their gap events, the backfill jobs that are over, and
-- that their minutes were asked for. At most p_limit rows of each; returns how many in all. Holes stay: they are
-- what their groups believe, and a person decides on the dead ones.
create function forget_expired(p_before date, p_limit integer) returns integer language plpgsql as $$
declare
  v_before timestamptz := p_before::timestamp at time zone 'UTC';
  v_rows integer;
  v_all integer := 0;
begin
  delete from gap_events where ctid = any(array(
    select ctid from gap_events where to_ts <= v_before order by to_ts limit p_limit
  ));
  get diagnostics v_rows = row_count;
  v_all := v_all + v_rows;
  delete from backfill_jobs where ctid = any(array(
    select ctid from backfill_jobs
    where status in ('done', 'discarded') and updated_at < v_before order by updated_at limit p_limit
  ));
  get diagnostics v_rows = row_count;
  v_all := v_all + v_rows;
  -- Rows that are being written are left to a later call: drains lock them in an order of their own.
  update ingestion_cursor c set known = c.known - tstzmultirange(tstzrange(null, v_before))
  from (
    select symbol, interval from ingestion_cursor
    where not isempty(known) and lower(known) < v_before
    order by lower(known) limit p_limit for update skip locked
  ) old
  where c.symbol = old.symbol and c.interval = old.interval;
  get diagnostics v_rows = row_count;
  return v_all + v_rows;
end
$$;
