/** Object migrations of ConfigStore, append-only: each entry runs once, in order. */
export const CONFIG_STORE_SCHEMA: readonly string[] = [
  `CREATE TABLE pin (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`,
  // Providers isolated by a person; `revision` counts the acts, `since` is null when released.
  `CREATE TABLE isolation (
     provider TEXT PRIMARY KEY, revision INTEGER NOT NULL, since INTEGER, reason TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE audit (
     id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL,
     act TEXT NOT NULL, subject TEXT NOT NULL, reason TEXT
   ) STRICT`,
  // API keys by the digests of their texts: `lookup` is its beginning, all that is searched for. `lifetime`: how
  // long the key was made for, which its successor inherits. Beside them how each is used, also the bootstrap key.
  `CREATE TABLE api_key (
     id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, lookup TEXT NOT NULL,
     digest TEXT NOT NULL, requests_per_minute INTEGER NOT NULL,
     connections_per_host INTEGER NOT NULL, created INTEGER NOT NULL, expires INTEGER,
     lifetime INTEGER, revoked INTEGER, replaces TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX api_key_lookup ON api_key (lookup);
   CREATE INDEX api_key_replaces ON api_key (replaces);
   CREATE TABLE key_use (
     id TEXT PRIMARY KEY, requests INTEGER NOT NULL, refused INTEGER NOT NULL,
     last_used INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID`,
  // Versions of the configuration; `variables` is what the deployment's said when it was made. The detail
  // of an act on it is what it changed, by JSON path.
  `CREATE TABLE config (
     version INTEGER PRIMARY KEY, schema_version INTEGER NOT NULL, body TEXT NOT NULL,
     origin TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT, at INTEGER NOT NULL,
     variables TEXT NOT NULL
   ) STRICT;
   ALTER TABLE audit ADD COLUMN detail TEXT`,
];
