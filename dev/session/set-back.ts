import type { Database } from "../database/database.ts";

/** Tables that a restore brings back: everything of the service, save the list of its migrations. */
const TABLES_SQL = `select quote_ident(relname) as name from pg_class
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
    and relname <> 'schema_migrations' order by 1`;

/** Keeps the database as it is now, in a schema of its own, for `restoreSnapshot`. */
export async function takeSnapshot(database: Database): Promise<void> {
  await database.query("create schema snapshot");
  for (const table of await tablesOf(database))
    await database.query(`create table snapshot.${table} as select * from public.${table}`);
}

/**
 * Sets the database back to its snapshot, as a restore to an earlier time does: what came since is gone, and
 * no trigger sees it go.
 */
export async function restoreSnapshot(database: Database): Promise<void> {
  const tables = await tablesOf(database);
  const names = tables.map((table) => `public.${table}`).join(", ");
  const copies = tables.map(
    (table) => `insert into public.${table} select * from snapshot.${table};`,
  );
  await database.query(`begin;
    set local session_replication_role = replica;
    truncate ${names};
    ${copies.join("\n")}
    commit`);
  await database.query("drop schema snapshot cascade");
}

async function tablesOf(database: Database): Promise<string[]> {
  return (await database.query(TABLES_SQL)).map(({ name }) => String(name));
}
