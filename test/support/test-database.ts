import pg from "pg";
import { inject } from "vitest";
import { z } from "zod";
import { startDatabase, type Database } from "../../dev/database/database.ts";
import { storageProfileSchema, type StorageProfile } from "../../dev/database/storage-profile.ts";
import { createSqlClient, type SqlClient } from "../../src/postgres/sql-client.ts";

/** A migrated database of a test file's own, and the service's client that reaches it through `/sql`. */
export interface TestDatabase {
  readonly database: Database;
  readonly sql: SqlClient;
  readonly profile: StorageProfile;
  stop(): Promise<void>;
}

const FETCH_TIMEOUT_MS = 30_000;

/**
 * PGlite in memory with the project's storage profile. In project `pg` with `DATABASE_URL_TEST` set: a new
 * database on that server, of the profile that it can store.
 */
export async function startTestDatabase(): Promise<TestDatabase> {
  const profile = inject("storageProfile");
  const server = profile === "plain" ? process.env["DATABASE_URL_TEST"] : undefined;
  const scratch = server === undefined ? null : await createScratchDatabase(server);
  const database = await startDatabase(
    scratch === null
      ? { dataDir: null, profile, snapshot: inject("databaseSnapshot") }
      : { dataDir: null, databaseUrl: scratch.url },
  );
  const recorded = await database.query("select storage_profile() as profile");
  return {
    database,
    sql: createSqlClient({
      databaseUrl: database.connectionString,
      sqlEndpoint: database.sqlUrl,
      fetchTimeoutMs: FETCH_TIMEOUT_MS,
    }),
    profile: z.tuple([z.object({ profile: storageProfileSchema })]).parse(recorded)[0].profile,
    async stop() {
      await database.stop();
      await scratch?.drop();
    },
  };
}

async function createScratchDatabase(
  serverUrl: string,
): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `mds_test_${process.pid}_${crypto.randomUUID().slice(0, 8)}`;
  await runOn(serverUrl, `create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => runOn(serverUrl, `drop database ${name} with (force)`) };
}

async function runOn(connectionString: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
