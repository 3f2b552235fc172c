import { fileURLToPath } from "node:url";
import { runner } from "node-pg-migrate";
import type pg from "pg";
import { z } from "zod";
import type { StorageProfile } from "./storage-profile.ts";

const MIGRATIONS_DIR = fileURLToPath(new URL("../../migrations", import.meta.url));

/** What is applied. */
export interface MigrateOptions {
  /** `plain` when absent. Never `plain` for a database that has the other: see `pickProfile`. */
  readonly profile?: StorageProfile;
  /** A folder in place of `migrations/`. */
  readonly dir?: string;
  readonly log?: (line: string) => void;
}

/**
 * Applies what is missing of `migrations/` over a connected client, each file in a transaction, in order, under
 * an advisory lock; for the timescale profile then what is missing of `migrations/timescale/`, which has a table
 * of its own, so that a plain database can be converted at any time. Answers the names of the files it applied.
 * Rejects at the first that fails, when the database has one that this checkout lacks, or when another migration
 * is running.
 */
export async function migrate(client: pg.Client, options: MigrateOptions = {}): Promise<string[]> {
  const dir = options.dir ?? MIGRATIONS_DIR;
  const applied = await apply(client, dir, "schema_migrations", options);
  if (options.profile !== "timescale") return applied;
  const more = await apply(client, `${dir}/timescale`, "schema_migrations_timescale", options);
  return [...applied, ...more];
}

async function apply(
  client: pg.Client,
  dir: string,
  migrationsTable: string,
  { log = () => {} }: MigrateOptions,
): Promise<string[]> {
  const applied = await runner({
    dbClient: client,
    dir,
    // Only numbered SQL at the top level: folders are other profiles.
    ignorePattern: String.raw`(?!\d{4}_.*\.sql$).*`,
    direction: "up",
    migrationsTable,
    // Beside what they make.
    migrationsSchema: await currentSchema(client),
    log: (line: string) => {
      // The library wants 13-digit prefixes and sorts ours by number all the same.
      if (!line.startsWith("Can't determine timestamp for")) log(line);
    },
  });
  return applied.map((migration) => migration.name);
}

async function currentSchema(client: pg.Client): Promise<string> {
  const { rows } = await client.query("select current_schema() as schema");
  return z.tuple([z.object({ schema: z.string() })]).parse(rows)[0].schema;
}
