import type { Settings } from "../env.ts";
import { createSqlClient, type SqlClient } from "./sql-client.ts";

/** A statement of the service takes milliseconds; waking a suspended database takes about a second. */
const FETCH_TIMEOUT_MS = 10_000;

/** The deployment's database; a request that takes longer than `fetchTimeoutMs` is given up. */
export function sqlClientOf(
  settings: Settings,
  fetchTimeoutMs: number = FETCH_TIMEOUT_MS,
): SqlClient {
  return createSqlClient({
    databaseUrl: settings.databaseUrl,
    ...(settings.sqlEndpoint === null ? {} : { sqlEndpoint: settings.sqlEndpoint }),
    fetchTimeoutMs,
  });
}
