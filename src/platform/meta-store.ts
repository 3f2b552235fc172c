import type { SqlStorage } from "@cloudflare/workers-types";

/** Small durable facts of an object, by key; those of a part of it have a prefix of its own. */
export class MetaStore {
  #sql: SqlStorage;
  #prefix: string;

  constructor(sql: SqlStorage, prefix = "") {
    this.#sql = sql;
    this.#prefix = prefix;
  }

  get(key: string): string | null {
    const rows = this.#sql
      .exec<{ value: string }>("SELECT value FROM meta WHERE key = ?", this.#prefix + key)
      .toArray();
    return rows[0]?.value ?? null;
  }

  getNumber(key: string): number | null {
    const value = this.get(key);
    return value === null ? null : Number(value);
  }

  /** One fact alone, for who must not see the others. */
  cell(key: string): { get: () => string | null; set: (value: string) => void } {
    return { get: () => this.get(key), set: (value) => this.set(key, value) };
  }

  set(key: string, value: string | number): void {
    this.#sql.exec(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      this.#prefix + key,
      String(value),
    );
  }
}
