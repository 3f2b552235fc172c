/** Object migrations of the traces that MetricsHub keeps, appended to its own; append-only, like those. */
export const TRACE_SCHEMA: readonly string[] = [
  `CREATE TABLE trace (id TEXT PRIMARY KEY, label TEXT, begun_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,
     spans INTEGER NOT NULL, dropped INTEGER NOT NULL, batches INTEGER NOT NULL, bytes INTEGER NOT NULL)
     STRICT, WITHOUT ROWID;
   CREATE TABLE trace_batch (trace TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL,
     PRIMARY KEY (trace, number)) STRICT, WITHOUT ROWID`,
];
