-- The symbols that are served: which group is their home, which tier, and the stable number that clients' bitmaps use.
create table symbol_universe (
  symbol text collate "C" primary key,
  sid integer not null unique,
  name text not null,
  exchange text not null,
  type text not null,
  tier text not null,
  "group" smallint not null,
  active boolean not null default true,
  figi text,
  listed_on date,
  first_seen date not null,
  last_seen date not null,
  median_dollar_volume double precision,
  constraint symbol_universe_sid check (sid >= 0),
  constraint symbol_universe_tier check (tier in ('T0', 'T1', 'T2')),
  constraint symbol_universe_group check ("group" between 0 and 1023)
);

create index symbol_universe_members on symbol_universe ("group", sid) where active;

-- A sid stands in bitmaps of connections and rosters that outlive a deploy: it is given once.
create function keep_sid() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'symbol_universe is append-only: set active = false for %', old.symbol;
  end if;
  if new.sid <> old.sid or new.symbol <> old.symbol then
    raise exception 'sid % of % is permanent', old.sid, old.symbol;
  end if;
  return new;
end
$$;

create trigger symbol_universe_keep_sid before update or delete on symbol_universe
  for each row execute function keep_sid();
