/** Object migrations of BackfillQueue, append-only: each entry runs once, in order. */
export const BACKFILL_QUEUE_SCHEMA: readonly string[] = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE hole (
     id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, symbol TEXT NOT NULL, interval TEXT NOT NULL,
     start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, priority INTEGER NOT NULL,
     origin TEXT NOT NULL, enqueued_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,
     waits INTEGER NOT NULL, due_ms INTEGER NOT NULL, history TEXT NOT NULL, run TEXT
   ) STRICT;
   CREATE INDEX hole_order ON hole (priority, start_ms, id) WHERE run IS NULL;
   CREATE INDEX hole_due ON hole (due_ms) WHERE run IS NULL;
   CREATE INDEX hole_place ON hole (grp, start_ms);
   CREATE INDEX hole_symbol ON hole (symbol, start_ms);
   CREATE INDEX hole_run ON hole (run) WHERE run IS NOT NULL;
   CREATE INDEX hole_age ON hole (enqueued_ms);
   CREATE TABLE run (
     id TEXT PRIMARY KEY, lease_until_ms INTEGER NOT NULL, start_ms INTEGER NOT NULL,
     end_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE dead (
     id TEXT PRIMARY KEY, symbol TEXT NOT NULL, interval TEXT NOT NULL, start_ms INTEGER NOT NULL,
     end_ms INTEGER NOT NULL, died_ms INTEGER NOT NULL, next_ms INTEGER NOT NULL, body TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX dead_symbol ON dead (symbol);`,
  // With the due time, so that holes which wait are passed over without being read.
  `DROP INDEX hole_order;
   CREATE INDEX hole_order ON hole (priority, start_ms, id, due_ms) WHERE run IS NULL;`,
];
