/** Object migrations of SymbolGroup, append-only: each entry runs once, in order. */
export const SYMBOL_GROUP_SCHEMA: readonly string[] = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE member (
     slot INTEGER PRIMARY KEY, symbol TEXT NOT NULL, sid INTEGER NOT NULL, tier TEXT NOT NULL,
     since_ms INTEGER NOT NULL, active INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE minute (interval TEXT, ts INTEGER, body BLOB NOT NULL, PRIMARY KEY (interval, ts)) WITHOUT ROWID;
   CREATE TABLE flush (
     fs INTEGER PRIMARY KEY, at INTEGER NOT NULL, as_of INTEGER NOT NULL, bytes INTEGER NOT NULL,
     payload TEXT NOT NULL
   ) STRICT;
   CREATE TABLE hole (slot INTEGER PRIMARY KEY, ranges TEXT NOT NULL) STRICT;
   CREATE TABLE duty (
     name TEXT PRIMARY KEY, due_ms INTEGER NOT NULL, started_ms INTEGER, body TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE follower (host TEXT PRIMARY KEY, acked_fs INTEGER NOT NULL, lease_until_ms INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE followed_roster (home INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;`,
  `ALTER TABLE duty ADD COLUMN deadline_ms INTEGER;`,
  `CREATE TABLE trading_rate (span INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;`,
  `CREATE TABLE rlc_job (
     id TEXT PRIMARY KEY, lease_until_ms INTEGER NOT NULL, open_groups TEXT NOT NULL,
     is_partial INTEGER NOT NULL, is_served INTEGER NOT NULL
   ) WITHOUT ROWID;`,
  `ALTER TABLE member ADD COLUMN reused_on TEXT;`,
  `CREATE TABLE quote_flush (
     fs INTEGER PRIMARY KEY, at INTEGER NOT NULL, as_of INTEGER NOT NULL, bytes INTEGER NOT NULL,
     payload TEXT NOT NULL
   ) STRICT;
   CREATE TABLE quote_follower (host TEXT PRIMARY KEY, acked_fs INTEGER NOT NULL, lease_until_ms INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE latest_quotes (id INTEGER PRIMARY KEY CHECK (id = 0), body TEXT NOT NULL) STRICT;`,
  // Of the open holes: which stand in a queue, and which their queue gave up.
  `ALTER TABLE hole ADD COLUMN queued TEXT NOT NULL DEFAULT '[]';
   ALTER TABLE hole ADD COLUMN dead TEXT NOT NULL DEFAULT '[]';`,
  `CREATE TABLE burned_ticket (connection TEXT PRIMARY KEY, expires_ms INTEGER NOT NULL) WITHOUT ROWID;
   CREATE INDEX burned_ticket_expiry ON burned_ticket (expires_ms);`,
];
