import { z } from "zod";
import type { Database } from "../database/database.ts";

/** Tables that a restore brings back, with what is stored in them: all but the list of migrations. */
const TABLES_SQL = `select quote_ident(c.relname) as name,
    string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns
  from pg_class c join pg_attribute a on a.attrelid = c.oid
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    and c.relname <> 'schema_migrations' and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
  group by c.oid order by 1`;

const tableSchema = z.object({ name: z.string(), columns: z.string() });

/** Keeps the database as it is now, in a schema of its own, for `restoreSnapshot`. */
export async function takeSnapshot(database: Database): Promise<void> {
  await database.query("create schema snapshot");
  for (const { name, columns } of await tablesOf(database))
    await database.query(`create table snapshot.${name} as select ${columns} from public.${name}`);
}

/**
 * Sets the database back to its snapshot, as a restore to an earlier time does: what came since is gone, and
 * no trigger sees it go.
 */
export async function restoreSnapshot(database: Database): Promise<void> {
  const tables = await tablesOf(database);
  const names = tables.map(({ name }) => `public.${name}`).join(", ");
  const copies = tables.map(
    ({ name, columns }) =>
      `insert into public.${name} (${columns}) select ${columns} from snapshot.${name};`,
  );
  await database.query(`begin;
    set local session_replication_role = replica;
    truncate ${names};
    ${copies.join("\n")}
    commit`);
  await database.query("drop schema snapshot cascade");
}

async function tablesOf(database: Database): Promise<z.infer<typeof tableSchema>[]> {
  return (await database.query(TABLES_SQL)).map((row) => tableSchema.parse(row));
}
