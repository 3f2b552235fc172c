import type { DurableObjectStorage } from "@cloudflare/workers-types";

/**
 * Brings an object's SQLite to the newest schema. Object migrations are append-only; what ran is
 * counted in `_migrations` (SQLite's user_version is not allowed in objects). Run in a constructor:
 * one indexed read when nothing is new.
 */
export function migrateObject(storage: DurableObjectStorage, schema: readonly string[]): void {
  const { sql } = storage;
  sql.exec("CREATE TABLE IF NOT EXISTS _migrations (version INTEGER PRIMARY KEY) STRICT");
  const row = sql.exec("SELECT coalesce(max(version), 0) AS version FROM _migrations").one();
  const done = Number(row["version"]);
  if (done > schema.length)
    throw new Error(`object schema ${done} is newer than this code (${schema.length})`);
  for (let version = done + 1; version <= schema.length; version += 1) {
    const statements = schema[version - 1] ?? "";
    storage.transactionSync(() => {
      sql.exec(statements);
      sql.exec("INSERT INTO _migrations (version) VALUES (?)", version);
    });
  }
}
