-- Raw daily bars of the providers, and a history of them that outlives the minutes': an as-of read needs both.
-- `trading_date` is the New York date; as a `ts` it is 00:00 UTC of that date. Units as in candles_intraday.
create table candles_daily (
  symbol text collate "C" not null,
  trading_date date not null,
  open double precision not null,
  high double precision not null,
  low double precision not null,
  close double precision not null,
  volume double precision not null,
  vwap double precision,
  trade_count bigint,
  as_of timestamptz not null,
  asked_at timestamptz not null,
  provider text not null,
  feed text not null,
  status text not null,
  revision integer not null,
  primary key (symbol, trading_date),
  -- NaN sorts above every number, so "below infinity" refuses it too.
  constraint candles_daily_prices check (
    low > 0 and high < 'infinity'
    and open between low and high and close between low and high
  ),
  constraint candles_daily_volume check (volume >= 0 and volume < 'infinity'),
  constraint candles_daily_vwap check (vwap > 0 and vwap < 'infinity'),
  constraint candles_daily_trade_count check (trade_count >= 0),
  constraint candles_daily_provider check (provider in ('polygon', 'alpaca', 'finnhub', 'iex')),
  constraint candles_daily_feed check (feed in ('sip', 'delayed_sip', 'finnhub', 'iex')),
  constraint candles_daily_status check (status in ('first', 'updated', 'backfilled')),
  constraint candles_daily_revision check (revision >= 0)
) partition by range (trading_date);

-- Old beliefs of minutes go with their day at retention, those of days are kept: so they stand in partitions of
-- their own, of a day and of a year. One table for whoever reads.
alter table candles_revisions rename to candles_revisions_1m;
alter index candles_revisions_pkey rename to candles_revisions_1m_pkey;
create table candles_revisions (like candles_revisions_1m including all) partition by list (interval);
alter table candles_revisions attach partition candles_revisions_1m for values in ('1m');
create table candles_revisions_1d partition of candles_revisions for values in ('1d') partition by range (ts);

-- As keep_bar_history does for minutes: the belief before a change is kept, and knowledge time only moves forward.
create function keep_daily_history() returns trigger language plpgsql as $$
begin
  insert into candles_revisions (
    symbol, interval, ts, open, high, low, close, volume, vwap, trade_count,
    as_of, asked_at, provider, feed, session, status, revision
  ) values (
    old.symbol, '1d', old.trading_date::timestamp at time zone 'UTC',
    old.open, old.high, old.low, old.close, old.volume, old.vwap, old.trade_count,
    old.as_of, old.asked_at, old.provider, old.feed, 'regular', old.status, old.revision
  ) on conflict do nothing;
  if tg_op = 'DELETE' then
    return old;
  end if;
  if new.as_of <= old.as_of then
    new.as_of := interval '1 millisecond' + greatest(old.as_of, (
      select g.as_of
      from symbol_universe u
      join group_cursor g on g."group" = u."group" and g.class = 'bars'
      where u.symbol = new.symbol
    ));
    if new.revision = old.revision then
      new.revision := old.revision + 1;
    end if;
  end if;
  return new;
end
$$;

create trigger candles_daily_history before update or delete on candles_daily
  for each row execute function keep_daily_history();

-- Fills a table in and attaches it (see 0005), unless it is there already; true when it was made.
create function ensure_partition(p_parent text, p_name text, p_from text, p_to text)
returns boolean language plpgsql as $$
begin
  if to_regclass(p_name) is not null then
    return false;
  end if;
  perform pg_advisory_xact_lock(hashtext('ensure_day_partitions'));
  -- Another maker may have finished while this one waited. Only a query sees that: to_regclass may answer
  -- from a cache that an advisory lock does not refresh.
  if exists (
    select from pg_class where relname = p_name and relnamespace = current_schema()::regnamespace
  ) then
    return false;
  end if;
  execute format('create table %I (like %I including all)', p_name, p_parent);
  execute format(
    'alter table %I attach partition %I for values from (%L) to (%L)', p_parent, p_name, p_from, p_to
  );
  return true;
end
$$;

-- As in 0005, with the old beliefs of minutes where they are now.
create or replace function ensure_day_partitions(p_from date, p_to date) returns integer language plpgsql as $$
declare
  v_day date;
  v_from text;
  v_to text;
  v_made integer := 0;
begin
  if p_from is null or p_to is null or p_from < date '1990-01-01' or p_to > date '2100-01-01' then
    raise exception 'no partitions for % to %', p_from, p_to using errcode = 'datetime_field_overflow';
  end if;
  if p_to - p_from >= 400 then
    raise exception 'more than 400 days in one call' using errcode = 'program_limit_exceeded';
  end if;
  for v_day in select d::date from generate_series(p_from::timestamp, p_to::timestamp, interval '1 day') d loop
    v_from := v_day::timestamp at time zone 'UTC';
    v_to := (v_day + 1)::timestamp at time zone 'UTC';
    v_made := v_made
      + ensure_partition('candles_intraday', to_char(v_day, '"candles_intraday_"YYYYMMDD'), v_from, v_to)::integer
      + ensure_partition('candles_revisions_1m', to_char(v_day, '"candles_revisions_"YYYYMMDD'), v_from, v_to)::integer;
  end loop;
  return v_made;
end
$$;

-- Partitions of one year for daily bars and their old beliefs, from the year of p_from to that of p_to.
-- Returns how many tables were made. Safe to call at once from anywhere.
create function ensure_year_partitions(p_from date, p_to date) returns integer language plpgsql as $$
declare
  v_year date;
  v_next date;
  v_made integer := 0;
begin
  if p_from is null or p_to is null or p_from < date '1990-01-01' or p_to >= date '2100-01-01' then
    raise exception 'no partitions for % to %', p_from, p_to using errcode = 'datetime_field_overflow';
  end if;
  for v_year in
    select d::date from generate_series(date_trunc('year', p_from::timestamp), p_to::timestamp, interval '1 year') d
  loop
    v_next := v_year + interval '1 year';
    v_made := v_made
      + ensure_partition('candles_daily', to_char(v_year, '"candles_daily_"YYYY'), v_year::text, v_next::text)::integer
      + ensure_partition(
        'candles_revisions_1d', to_char(v_year, '"candles_revisions_1d_"YYYY'),
        (v_year::timestamp at time zone 'UTC')::text, (v_next::timestamp at time zone 'UTC')::text
      )::integer;
  end loop;
  return v_made;
end
$$;
