-- A row that Postgres refuses must not stop the stream behind it: it is parked here, and said loudly.
--
-- Written in the transaction of its own flush, so a row is stored or parked, never neither. `body` is the row as
-- the flush carried it (JSON, escaped: it may hold what no column takes). Only values that break a type or a named
-- constraint come here (SQLSTATE class 22 and 23).
create table parked_rows (
  "group" smallint not null,
  class text not null,
  epoch text collate "C" not null,
  fs bigint not null,
  part text not null,
  place integer not null,
  symbol text collate "C" not null,
  body text not null,
  sqlstate text not null,
  reason text not null,
  as_of timestamptz not null,
  primary key ("group", class, epoch, fs, part, place),
  constraint parked_rows_class check (class in ('bars', 'quotes')),
  constraint parked_rows_part check (part in ('rows', 'daily', 'gaps', 'quotes'))
);

create index parked_rows_newest on parked_rows (as_of desc);

-- Last statement of a trial: what came before it in the transaction is good, and is taken back.
create function drain_trial_end() returns void language plpgsql as $$
begin
  raise exception 'the trial is good' using errcode = 'MDS04';
end
$$;
