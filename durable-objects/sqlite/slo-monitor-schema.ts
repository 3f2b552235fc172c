/** Object migrations of SloMonitor, append-only: each entry runs once, in order. */
export const SLO_MONITOR_SCHEMA: readonly string[] = [
  "CREATE TABLE sample (number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, body TEXT NOT NULL) STRICT",
  "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
];
