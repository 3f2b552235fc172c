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
];
