import type { SqlStorage } from "@cloudflare/workers-types";

/** Small durable facts of an object, by key. */
export class MetaStore {
  #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get(key: string): string | null {
    const rows = this.#sql
      .exec<{ value: string }>("SELECT value FROM meta WHERE key = ?", key)
      .toArray();
    return rows[0]?.value ?? null;
  }

  getNumber(key: string): number | null {
    const value = this.get(key);
    return value === null ? null : Number(value);
  }

  set(key: string, value: string | number): void {
    this.#sql.exec(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      key,
      String(value),
    );
  }
}
