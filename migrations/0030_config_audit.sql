-- Who changed what: acts on the configuration, isolations and API keys, for as long as the database is kept.
--
-- ConfigStore writes an act in the transaction of what it did and keeps the last thousand; they are copied from there.
-- A number alone does not name an act: an object that was set back, or made anew, gives its numbers out again. Then
-- the instant differs. Numbers are without holes as long as nobody is set back: one that lacks here is an act that was
-- dropped there before it was copied.
create table config_audit (
  id bigint not null,
  at timestamptz not null,
  -- A key by its id, `bootstrap`, or `deployment` for what its variables brought.
  actor text collate "C" not null,
  act text collate "C" not null,
  -- `config:VERSION`, `provider:NAME` or `key:ID`.
  subject text collate "C" not null,
  reason text,
  -- What an act on the configuration changed: a list of `path`, `before`, `after`.
  detail jsonb,
  primary key (at, id),
  constraint config_audit_id check (id > 0),
  constraint config_audit_lengths check (
    length(actor) <= 100 and length(act) <= 100 and length(subject) <= 200 and length(reason) <= 300
  )
);
