import pg from "pg";
import { createSqlClient, type SqlClient } from "../../src/postgres/sql-client.ts";
import { type Database, startDatabase } from "../database/database.ts";
import type { OwnPostgres } from "./own-postgres.ts";

/** The first read of a year may come from a cold disk. */
const FETCH_TIMEOUT_MS = 600_000;

/** A migrated, empty database on the bench's own server. */
export interface BenchDatabase {
  /** The service's own client: the driver, over HTTP, to a `/sql` endpoint in this process. */
  readonly sql: SqlClient;
  /** Runs a statement as the superuser, past the endpoint. */
  readonly run: (text: string, params?: readonly unknown[]) => Promise<Record<string, unknown>[]>;
  /** A folder in which the server may keep a file. */
  readonly dir: string;
}

/** Does something with a database of its own name, which is dropped afterwards. */
export async function withDatabase<T>(
  server: OwnPostgres,
  name: string,
  act: (database: BenchDatabase) => Promise<T>,
): Promise<T> {
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  let database: Database | null = null;
  try {
    await admin.query(`create database ${name}`);
    const address = new URL(server.url);
    address.pathname = `/${name}`;
    database = await startDatabase({ dataDir: null, databaseUrl: address.href });
    const started = database;
    const { connectionString: databaseUrl, sqlUrl: sqlEndpoint } = started;
    const sql = createSqlClient({ databaseUrl, sqlEndpoint, fetchTimeoutMs: FETCH_TIMEOUT_MS });
    const run: BenchDatabase["run"] = (text, params) => started.query(text, params);
    return await act({ sql, run, dir: server.dir });
  } catch (error) {
    // Before the clean-up, which fails too when a statement still runs.
    console.error(error);
    throw error;
  } finally {
    await database?.stop();
    await admin.query(`drop database if exists ${name} with (force)`);
    await admin.end();
  }
}
