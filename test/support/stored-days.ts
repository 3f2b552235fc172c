import { z } from "zod";
import type { TestDatabase } from "./test-database.ts";

const daysSchema = z.array(z.object({ name: z.string(), day: z.string(), hours: z.number() }));

/** Where a day of a table is stored: a table of its own. */
export type StoredDay = z.infer<typeof daysSchema>[number];

const PARTS = {
  plain: `
    select c.oid::regclass::text as name,
      substring(pg_get_expr(c.relpartbound, c.oid) from $re$FROM \\('([^']+)'\\)$re$)::timestamptz as from_ts,
      substring(pg_get_expr(c.relpartbound, c.oid) from $re$TO \\('([^']+)'\\)$re$)::timestamptz as to_ts
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = $1::regclass`,
  timescale: `
    select format('%I.%I', chunk_schema, chunk_name) as name, range_start as from_ts, range_end as to_ts
    from timescaledb_information.chunks
    where hypertable_schema = current_schema() and hypertable_name = $1`,
};

/** The partitions or chunks of a table, oldest first, with the UTC day on which each begins and its length. */
export async function storedDays(test: TestDatabase, table: string): Promise<StoredDay[]> {
  return daysSchema.parse(
    await test.database.query(
      `select name, (from_ts at time zone 'UTC')::date::text as day,
        (extract(epoch from to_ts - from_ts) / 3600)::float8 as hours
      from (${PARTS[test.profile]}) parts order by from_ts`,
      [table],
    ),
  );
}
