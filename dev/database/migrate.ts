import { fileURLToPath } from "node:url";
import { runner } from "node-pg-migrate";
import type pg from "pg";

const MIGRATIONS_DIR = fileURLToPath(new URL("../../migrations", import.meta.url));

/**
 * Applies what is missing of `migrations/` over a connected client, each file in a transaction, in order, under
 * an advisory lock. Answers the names of the files it applied. Rejects at the first that fails, when the
 * database has one that this checkout lacks, or when another migration is running.
 */
export async function migrate(
  client: pg.Client,
  log: (line: string) => void = () => {},
): Promise<string[]> {
  const applied = await runner({
    dbClient: client,
    dir: MIGRATIONS_DIR,
    // Only numbered SQL at the top level: folders are other profiles.
    ignorePattern: String.raw`(?!\d{4}_.*\.sql$).*`,
    direction: "up",
    migrationsTable: "schema_migrations",
    log: (line: string) => {
      // The library wants 13-digit prefixes and sorts ours by number all the same.
      if (!line.startsWith("Can't determine timestamp for")) log(line);
    },
  });
  return applied.map((migration) => migration.name);
}
