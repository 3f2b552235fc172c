-- Quotes as they were sampled: latest-value data, kept by day for a short time, one row an event and provider.
-- `ts` is the event time at the provider (never the time of the call) and `ns_of_ms` the nanoseconds after it.
-- Prices are dollars a share. A side that nobody quoted, or that was stale when it was asked for, is null; 0 is
-- never a value. Sizes are in `size_unit`: a round lot is not 100 shares for every security, so it is not converted.
-- `consolidated` says that bid and ask are the best of all venues; else `venue` may name the one that quotes.
create table quotes_l1 (
  symbol text collate "C" not null,
  ts timestamptz not null,
  provider text collate "C" not null,
  ns_of_ms integer not null,
  bid double precision,
  ask double precision,
  bid_size double precision,
  ask_size double precision,
  size_unit text,
  last double precision,
  last_ts timestamptz,
  venue text,
  consolidated boolean not null,
  feed text not null,
  as_of timestamptz not null,
  asked_at timestamptz not null,
  status text not null,
  primary key (symbol, ts, provider),
  -- NaN sorts above every number, so "below infinity" refuses it too.
  constraint quotes_l1_bid check (bid > 0 and bid < 'infinity'),
  constraint quotes_l1_ask check (ask > 0 and ask < 'infinity'),
  constraint quotes_l1_crossed check (bid <= ask),
  constraint quotes_l1_sizes check (bid_size > 0 and bid_size < 'infinity' and ask_size > 0 and ask_size < 'infinity'),
  constraint quotes_l1_size_unit check (size_unit in ('shares', 'round_lots')),
  constraint quotes_l1_last check (last > 0 and last < 'infinity'),
  constraint quotes_l1_something check (bid is not null or ask is not null or last is not null),
  constraint quotes_l1_ns_of_ms check (ns_of_ms between 0 and 999999),
  constraint quotes_l1_provider check (provider in ('polygon', 'alpaca', 'finnhub', 'iex')),
  constraint quotes_l1_feed check (feed in ('sip', 'delayed_sip', 'finnhub', 'iex')),
  constraint quotes_l1_status check (status in ('first', 'updated'))
) partition by range (ts);

-- Partitions of one UTC day for quotes, as ensure_day_partitions makes them for bars. Returns how many tables were
-- made. Safe to call at once from anywhere.
create function ensure_quote_partitions(p_from date, p_to date) returns integer language plpgsql as $$
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
      + ensure_partition('quotes_l1', to_char(v_day, '"quotes_l1_"YYYYMMDD'), v_from, v_to)::integer;
  end loop;
  return v_made;
end
$$;
