import { z } from "zod";
import { classifySqlError } from "./sql-error.ts";
import type { SqlClient } from "./sql-client.ts";

/** The newest database migration that this release was written with; a test holds it against `migrations/`. */
export const NEWEST_MIGRATION = "0030_config_audit";

/** SQLSTATE of a table that is not there: nothing was ever migrated. Source: PostgreSQL, appendix A. */
const UNDEFINED_TABLE = "42P01";

const rowsSchema = z.tuple([z.object({ newest: z.string().nullable() })]);

/**
 * The newest migration that the database has, as `NNNN_name`; null when it has none. `npm run migrate` keeps the
 * list. Rejects when the database does not answer.
 */
export async function readSchemaVersion(sql: Pick<SqlClient, "query">): Promise<string | null> {
  try {
    const { rows } = await sql.query({
      text: "select max(name) as newest from schema_migrations",
      params: [],
    });
    return rowsSchema.parse(rows)[0].newest;
  } catch (error) {
    if (classifySqlError(error).sqlstate === UNDEFINED_TABLE) return null;
    throw error;
  }
}
