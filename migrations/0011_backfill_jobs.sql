-- Backfill jobs outside their queue: a hole whose attempts are used up is kept here until a person decides on it.
-- A row is a dead letter when `died_at` is set. The same hole that dies again is the same row with a later `died_at`;
-- no row is ever deleted: what was discarded or requeued stays, marked. The range is half-open, of bar starts.
create table backfill_jobs (
  id text collate "C" primary key,
  "group" smallint not null,
  symbols text[] not null,
  interval text not null,
  from_ts timestamptz not null,
  to_ts timestamptz not null,
  tier text not null,
  priority smallint not null,
  attempts integer not null,
  status text not null,
  reason text,
  last_error text,
  -- Failed attempts of all its lives, oldest first: [{"at_ms": 0, "reason": "", "error": ""}].
  history jsonb not null default '[]',
  note text,
  enqueued_at timestamptz not null,
  died_at timestamptz,
  updated_at timestamptz not null,
  constraint backfill_jobs_id check (length(id) between 1 and 100),
  constraint backfill_jobs_group check ("group" between 0 and 1023),
  constraint backfill_jobs_symbols check (cardinality(symbols) > 0),
  constraint backfill_jobs_interval check (interval in ('1m', '1d')),
  constraint backfill_jobs_range check (from_ts < to_ts),
  constraint backfill_jobs_tier check (tier in ('T0', 'T1', 'T2')),
  constraint backfill_jobs_priority check (priority between 0 and 9),
  constraint backfill_jobs_attempts check (attempts >= 0),
  constraint backfill_jobs_status check (status in ('queued', 'running', 'done', 'dead', 'discarded', 'requeued')),
  constraint backfill_jobs_last_error check (length(last_error) <= 500),
  constraint backfill_jobs_history check (jsonb_typeof(history) = 'array'),
  constraint backfill_jobs_note check (length(note) <= 500),
  constraint backfill_jobs_death check (status not in ('dead', 'discarded', 'requeued') or died_at is not null)
);

-- Lists are read by death, newest first; requeueing many goes the other way, in one tier.
create index backfill_jobs_by_death on backfill_jobs (status, died_at desc, id desc);
create index backfill_jobs_by_tier on backfill_jobs (tier, status, died_at desc, id desc);
