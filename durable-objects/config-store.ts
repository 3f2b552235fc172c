import { DurableObject } from "cloudflare:workers";
import { migrateObject } from "../src/platform/object-migrations.ts";

const SCHEMA = [`CREATE TABLE pin (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`];

/** What a pin was found to be: `ok` when the deployment runs with the value that it started with. */
export interface PinCheck {
  readonly ok: boolean;
  readonly pinned: string;
}

/**
 * The atom of the deployment's configuration. Now it holds the pins: values that are fixed when the
 * deployment first starts, because data has been placed by them.
 */
export class ConfigStore extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrateObject(ctx.storage, SCHEMA);
  }

  /** Pins a value at the first call; later calls say whether the same value is still asked for. */
  async pin(name: string, value: string): Promise<PinCheck> {
    const { sql } = this.ctx.storage;
    sql.exec(
      "INSERT INTO pin (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
      name,
      value,
    );
    const { value: pinned } = sql
      .exec<{ value: string }>("SELECT value FROM pin WHERE name = ?", name)
      .one();
    return { ok: pinned === value, pinned };
  }
}
