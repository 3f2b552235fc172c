-- Splits as they were known at any time: bars stay raw, and whoever adjusts them must be able to do it as of then.
create table corporate_actions (
  symbol text collate "C" not null,
  -- The first trading date on the new shares.
  ex_date date not null,
  kind text not null,
  -- For each `split_from` old shares there are `split_to` new ones: `factor` 4 is four for one, 0.1 one for ten.
  split_from double precision not null,
  split_to double precision not null,
  factor double precision generated always as (split_to / split_from) stored,
  -- Its source has withdrawn it: it did not take place, or not on this date.
  cancelled boolean not null default false,
  source text not null,
  as_of timestamptz not null,
  asked_at timestamptz not null,
  revision integer not null default 0,
  primary key (symbol, ex_date, kind),
  constraint corporate_actions_kind check (kind in ('split')),
  -- NaN sorts above every number, so "below infinity" refuses it too.
  constraint corporate_actions_ratio check (
    split_from > 0 and split_from < 'infinity' and split_to > 0 and split_to < 'infinity'
  ),
  constraint corporate_actions_source check (source in ('polygon', 'alpaca', 'finnhub', 'iex')),
  constraint corporate_actions_revision check (revision >= 0)
);

create index corporate_actions_date on corporate_actions (ex_date, symbol);

create table corporate_actions_revisions (
  symbol text collate "C" not null,
  ex_date date not null,
  kind text not null,
  split_from double precision not null,
  split_to double precision not null,
  factor double precision generated always as (split_to / split_from) stored,
  cancelled boolean not null,
  source text not null,
  as_of timestamptz not null,
  asked_at timestamptz not null,
  revision integer not null,
  primary key (symbol, ex_date, kind, as_of)
);

create index corporate_actions_revisions_date on corporate_actions_revisions (ex_date, symbol);

-- What was asked of a source and answered whole: all dates from `from_date` to `through_date`, last at `asked_at`.
create table corporate_action_reads (
  kind text not null,
  source text not null,
  from_date date not null,
  through_date date not null,
  asked_at timestamptz not null,
  primary key (kind, source),
  constraint corporate_action_reads_range check (from_date <= through_date)
);

-- The knowledge time of what is not part of a flush: `p_now`, but above everything that was promised as
-- repeatable. True at commit only for a transaction that has locked the rows of the bars in group_cursor.
create function known_from(p_now timestamptz) returns timestamptz language sql stable as $$
  select greatest(p_now, max(as_of) + interval '1 millisecond') from group_cursor where class = 'bars'
$$;

-- As keep_bar_history does for bars: the belief before a change is kept, and knowledge time only moves forward.
-- A row that is deleted counts as cancelled from then on.
create function keep_action_history() returns trigger language plpgsql as $$
begin
  insert into corporate_actions_revisions (
    symbol, ex_date, kind, split_from, split_to, cancelled, source, as_of, asked_at, revision
  ) values (
    old.symbol, old.ex_date, old.kind, old.split_from, old.split_to, old.cancelled, old.source,
    old.as_of, old.asked_at, old.revision
  ) on conflict do nothing;
  if tg_op = 'DELETE' then
    insert into corporate_actions_revisions (
      symbol, ex_date, kind, split_from, split_to, cancelled, source, as_of, asked_at, revision
    ) values (
      old.symbol, old.ex_date, old.kind, old.split_from, old.split_to, true, old.source,
      known_from(old.as_of + interval '1 millisecond'), old.asked_at, old.revision + 1
    ) on conflict do nothing;
    return old;
  end if;
  if new.as_of <= old.as_of then
    new.as_of := known_from(old.as_of + interval '1 millisecond');
    if new.revision = old.revision then
      new.revision := old.revision + 1;
    end if;
  end if;
  return new;
end
$$;

create trigger corporate_actions_history before update or delete on corporate_actions
  for each row execute function keep_action_history();
