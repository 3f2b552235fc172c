import { TRACE_SCHEMA } from "./trace-schema.ts";

/** Object migrations of MetricsHub, append-only: each entry runs once, in order. */
export const METRICS_HUB_SCHEMA: readonly string[] = [
  "CREATE TABLE report (source TEXT PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID",
  "ALTER TABLE report ADD COLUMN seq INTEGER NOT NULL DEFAULT 0; ALTER TABLE report ADD COLUMN carried TEXT NOT NULL DEFAULT '{}'",
  ...TRACE_SCHEMA,
];
