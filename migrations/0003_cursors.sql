-- How far Postgres is complete: per stream (group, class), per symbol, and which gaps were known when.
-- An epoch is its creation time in base 36 (zero padded to 8 characters or more) and 6 random ones, so under
-- collation "C" the greater text is the later epoch (8 characters last until 2059).
create table group_cursor (
  "group" smallint not null,
  class text not null,
  epoch text collate "C" not null,
  fs bigint not null,
  as_of timestamptz not null,
  watermark_1m timestamptz,
  watermark_1d timestamptz,
  primary key ("group", class),
  constraint group_cursor_class check (class in ('bars', 'quotes')),
  constraint group_cursor_epoch check (epoch ~ '^[0-9a-z]{1,40}$'),
  constraint group_cursor_fs check (fs >= 0)
);

-- A row is written when one of a symbol's sets changes; without a row the group's watermark says it all.
-- `watermark` is set only for a symbol whose history ends elsewhere than the group's; null means the common one.
create table ingestion_cursor (
  symbol text collate "C" not null,
  interval text not null,
  since timestamptz,
  watermark timestamptz,
  holes tstzmultirange not null default '{}',
  unfillable tstzmultirange not null default '{}',
  as_of timestamptz not null,
  primary key (symbol, interval),
  constraint ingestion_cursor_interval check (interval in ('1m', '1d'))
);

create table gap_events (
  "group" smallint not null,
  class text not null,
  epoch text collate "C" not null,
  fs bigint not null,
  symbol text collate "C" not null,
  from_ts timestamptz not null,
  to_ts timestamptz not null,
  kind text not null,
  as_of timestamptz not null,
  provider text,
  href text,
  primary key ("group", class, epoch, fs, symbol, from_ts),
  constraint gap_events_class check (class in ('bars', 'quotes')),
  constraint gap_events_kind check (kind in ('open', 'filled', 'dead', 'unfillable')),
  constraint gap_events_range check (from_ts < to_ts)
);

create index gap_events_symbol on gap_events (symbol, as_of);

-- Every active symbol in full: complete below `watermark` except for `unfillable`; a hole holds it back.
create view ingestion_cursor_now as
select
  u.symbol,
  u."group",
  i.interval,
  c.since,
  case
    when w.watermark is null then null
    else least(w.watermark, lower(c.holes))
  end as watermark,
  coalesce(c.holes, '{}') as holes,
  coalesce(c.unfillable, '{}') as unfillable,
  greatest(c.as_of, g.as_of) as as_of
from symbol_universe u
cross join (values ('1m'), ('1d')) as i (interval)
left join ingestion_cursor c on c.symbol = u.symbol and c.interval = i.interval
left join group_cursor g on g."group" = u."group" and g.class = 'bars'
cross join lateral (
  select coalesce(c.watermark, case i.interval when '1m' then g.watermark_1m else g.watermark_1d end)
) as w (watermark)
where u.active;
