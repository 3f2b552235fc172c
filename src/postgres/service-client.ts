import type { Settings } from "../env.ts";
import { createSqlClient, type SqlClient } from "./sql-client.ts";

/** A statement of the service takes milliseconds; waking a suspended database takes about a second. */
const FETCH_TIMEOUT_MS = 10_000;

/** The deployment's database. */
export function sqlClientOf(settings: Settings): SqlClient {
  return createSqlClient({
    databaseUrl: settings.databaseUrl,
    ...(settings.sqlEndpoint === null ? {} : { sqlEndpoint: settings.sqlEndpoint }),
    fetchTimeoutMs: FETCH_TIMEOUT_MS,
  });
}
