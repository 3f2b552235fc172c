-- The universe as of any time: each refresh that changes something is a version, and keeps the rows it changed whole.

-- What a refresh must know of a symbol to judge the next lists. Details of a row that was there before
-- count as those of the last provider in the fixed order, so that any list may complete them.
alter table symbol_universe
  add column source text not null default 'iex',
  add column figi_source text,
  add column reused_on date,
  add column renamed_from text collate "C",
  add column absences smallint not null default 0,
  add column absent_on date,
  add constraint symbol_universe_source check (source in ('polygon', 'alpaca', 'finnhub', 'iex')),
  add constraint symbol_universe_figi_source check (figi_source in ('polygon', 'alpaca', 'finnhub', 'iex')),
  add constraint symbol_universe_absences check (absences >= 0);

create table universe_refreshes (
  version integer primary key,
  as_of timestamptz not null unique,
  trading_date date not null,
  constraint universe_refreshes_version check (version > 0)
);

-- The row behind a change, and of the row before it what changed. The universe as of T: of each symbol the
-- newest row with as_of <= T, if it is active.
create table universe_versions (
  version integer not null references universe_refreshes,
  symbol text collate "C" not null references symbol_universe,
  as_of timestamptz not null,
  kinds text[] not null,
  sid integer not null,
  name text not null,
  exchange text not null,
  type text not null,
  tier text not null,
  active boolean not null,
  figi text,
  first_seen date not null,
  renamed_from text collate "C",
  tier_before text,
  name_before text,
  figi_before text,
  primary key (version, symbol),
  constraint universe_versions_kinds check (
    kinds <@ array['added', 'removed', 'returned', 'tier', 'name', 'details', 'renamed', 'reused']
    and cardinality(kinds) > 0
  )
);

create index universe_versions_as_of on universe_versions (symbol, version desc);

-- Tiers that an operator pinned, whatever the dollar volume says.
create table universe_override (
  symbol text collate "C" primary key references symbol_universe,
  tier text not null,
  set_at timestamptz not null,
  constraint universe_override_tier check (tier in ('T0', 'T1', 'T2'))
);

-- A list that a slow key reads over some minutes: how far it is, and what was read so far.
create table universe_listing_cursor (
  provider text primary key,
  trading_date date not null,
  next_page text not null,
  collisions jsonb not null
);

create table universe_listing (
  provider text not null references universe_listing_cursor on delete cascade,
  listed_as text collate "C" not null,
  symbol text collate "C" not null,
  name text,
  exchange text,
  type text,
  figi text,
  primary key (provider, listed_as)
);

-- First statement of a write that was computed from the universe as of p_version: writers take turns until the
-- transaction ends. Raises MDS04 with the present version as detail when another refresh came first: read again.
create function universe_begin(p_version integer) returns void language plpgsql as $$
declare
  v_version integer;
begin
  perform pg_advisory_xact_lock(hashtext('universe'));
  select coalesce(max(version), 0) into v_version from universe_refreshes;
  if v_version <> p_version then
    raise exception 'the universe is at version %, not %', v_version, p_version
      using errcode = 'MDS04', detail = v_version::text;
  end if;
end
$$;
