-- A year of hours is worked out from 98,000 minutes, always the same ones: the hours of days that are over are kept.
--
-- What is kept is a copy and never asked to be right: hours stand for a symbol's day only until one of its bars or of
-- their old beliefs changes, and only for who asks as of a time at which all that they are made of was known. Where
-- they do not stand, hours are worked out from minutes as before.
--
-- The service makes them at night, by the same statement that works hours out for a read. Where another profile stores
-- the days there are none.

-- A bar of an hour, as `candles_1h` defines it, and what reads need besides.
create type stored_hour as (
  ts timestamptz,
  session text,
  open double precision,
  high double precision,
  low double precision,
  close double precision,
  volume double precision,
  vwap double precision,
  trade_count bigint,
  as_of timestamptz,
  revision integer,
  bars integer,
  -- A bit for each provider and feed that gave a bar; which one is written in src/postgres/rollup-sql.ts.
  sources integer,
  has_backfilled boolean,
  -- The first and the last minute that it is made of.
  first_ts timestamptz,
  last_ts timestamptz
);

create table stored_hours (
  symbol text collate "C" not null,
  -- A UTC day, as the partitions of bars are cut.
  day date not null,
  -- When the last of its beliefs was known.
  as_of timestamptz not null default 'infinity',
  -- By time. Null: to be made, a bar of that day has changed since.
  hours stored_hour[],
  primary key (symbol, day)
);
create index stored_hours_day on stored_hours (day);
create index stored_hours_to_make on stored_hours (day, symbol) where hours is null;

-- The UTC days of which bars may be stored and that have a part in [p_from, p_to), and whether what is kept of their
-- hours stands: only a day whose table tells of its changes keeps any.
create function bar_days(p_from timestamptz, p_to timestamptz)
returns table (day date, keeps_hours boolean) language plpgsql stable as $$
begin
  if exists (select from pg_class where oid = 'candles_intraday'::regclass and relkind = 'p') then
    return query
    select part.day, exists (
      select from pg_trigger t where t.tgrelid = part.oid and t.tgname = 'stored_hours_changed'
    )
    from (
      select c.oid, substring(c.relname from '^candles_intraday_(\d{8})$')::date as day
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'candles_intraday'::regclass
    ) part
    where (part.day + 1)::timestamp at time zone 'UTC' > p_from and part.day::timestamp at time zone 'UTC' < p_to;
  else
    return query
    select distinct d::date, false
    from timescaledb_information.chunks c
    cross join lateral generate_series(
      date_trunc('day', greatest(c.range_start, p_from) at time zone 'UTC'),
      least(c.range_end, p_to) at time zone 'UTC' - interval '1 microsecond', interval '1 day'
    ) d
    where c.hypertable_schema = current_schema() and c.hypertable_name = 'candles_intraday'
      and c.range_end > p_from and c.range_start < p_to;
  end if;
end
$$;

-- Notes that a bar of a day changed whose hours may be kept: from now on they don't stand.
create function note_changed_hour() returns trigger language plpgsql as $$
declare
  v_symbol text;
  v_day date;
begin
  for v_symbol, v_day in
    select old.symbol, (old.ts at time zone 'UTC')::date where tg_op <> 'INSERT'
    union
    select new.symbol, (new.ts at time zone 'UTC')::date where tg_op <> 'DELETE'
  loop
    -- The first change of many marks the row; the others need not even lock it. Who reads by an older snapshot can't
    -- know whether it is still marked: the statement below does, or fails.
    continue when current_setting('transaction_isolation') = 'read committed' and exists (
      select from stored_hours s where s.symbol = v_symbol and s.day = v_day and s.hours is null
    );
    insert into stored_hours as s (symbol, day) values (v_symbol, v_day)
    on conflict (symbol, day) do update set hours = null, as_of = default;
  end loop;
  return null;
end
$$;

-- Forgets the hours of a day whose table, the argument of the trigger, was emptied.
create function forget_emptied_hours() returns trigger language plpgsql as $$
begin
  delete from stored_hours where day = tg_argv[0]::date;
  return null;
end
$$;

-- Days up to p_until whose hours are not kept, or not all of them since bars changed, newest first, p_limit at most.
create function days_to_store_hours(p_until date, p_limit integer) returns setof date language sql stable as $$
  select part.day
  from (
    select c.oid, substring(c.relname from '^candles_intraday_(\d{8})$')::date as day
    from pg_inherits i
    join pg_class p on p.oid = i.inhparent
    join pg_class c on c.oid = i.inhrelid
    where p.oid = 'candles_intraday'::regclass and p.relkind = 'p'
  ) part
  where part.day <= p_until and pg_relation_size(part.oid) > 0 and (
    not exists (select from pg_trigger t where t.tgrelid = part.oid and t.tgname = 'stored_hours_changed')
    or exists (select from stored_hours s where s.day = part.day and s.hours is null)
  )
  order by part.day desc
  limit p_limit
$$;

-- Begins the keeping of hours of a day: until the transaction ends nobody changes a bar of that day, and whoever does
-- from then on notes it. So days that drains write to carry no trigger and cost them nothing. Packing keeps what
-- stands on a partition. At the first time every symbol of the day is noted, for none of its hours is kept. Raises
-- lock_not_available when the day is written to just now.
create function begin_storing_hours(p_day date) returns void language plpgsql set lock_timeout = '2s' as $$
declare
  v_bars text := to_char(p_day, '"candles_intraday_"YYYYMMDD');
  v_revisions text := to_char(p_day, '"candles_revisions_"YYYYMMDD');
  v_table text;
begin
  execute format('lock table only %I, only %I in share row exclusive mode', v_bars, v_revisions);
  if exists (select from pg_trigger where tgrelid = v_bars::regclass and tgname = 'stored_hours_changed') then
    return;
  end if;
  foreach v_table in array array[v_revisions, v_bars] loop
    execute format(
      'create or replace trigger stored_hours_changed after insert or update or delete on %I
        for each row execute function note_changed_hour()',
      v_table
    );
    execute format(
      'create or replace trigger stored_hours_emptied after truncate on %I
        for each statement execute function forget_emptied_hours(%L)',
      v_table, p_day
    );
  end loop;
  -- What stands from an earlier life of the day is of other bars.
  delete from stored_hours where day = p_day;
  -- The next symbol each time: a look into the key's index for each symbol, however many bars it has.
  execute format(
    'with recursive held (symbol) as (
      (select c.symbol from %1$I c order by c.symbol limit 1)
      union all
      select (select c.symbol from %1$I c where c.symbol > held.symbol order by c.symbol limit 1)
      from held where held.symbol is not null
    )
    insert into stored_hours (symbol, day) select held.symbol, %2$L::date from held where held.symbol is not null',
    v_bars, p_day
  );
end
$$;

-- Forgets what is told of bars that are not kept any more: their gap events, the backfill jobs that are over, their
-- hours, and that their minutes were asked for. At most p_limit rows of each; returns how many in all. Holes stay:
-- they are what their groups believe, and a person decides on the dead ones.
create or replace function forget_expired(p_before date, p_limit integer) returns integer language plpgsql as $$
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
  delete from stored_hours where ctid = any(array(
    select ctid from stored_hours where day < p_before order by day limit p_limit
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
