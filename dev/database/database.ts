import { once } from "node:events";
import pg from "pg";
import { startEmbeddedPostgres } from "./embedded.ts";
import { migrate } from "./migrate.ts";
import { pickProfile } from "./pick-profile.ts";
import { createSqlEndpoint } from "./sql-endpoint.ts";
import type { StorageProfile } from "./storage-profile.ts";

export interface DatabaseOptions {
  /** Where the embedded database keeps its files; null keeps them in memory. */
  readonly dataDir: string | null;
  /** A Postgres to use instead of the embedded one. */
  readonly databaseUrl?: string;
  /** Of the embedded one `plain` when absent; of another whatever `npm run migrate` would pick. */
  readonly profile?: StorageProfile;
  /** A file that an embedded database of this profile was saved to, and that this one starts from. */
  readonly snapshot?: string;
  /** Port of the `/sql` endpoint on 127.0.0.1; a free one when absent. */
  readonly port?: number;
}

/** The local stack's database, migrated. */
export interface Database {
  /** Address of the `/sql` endpoint that the driver is pointed at. */
  readonly sqlUrl: string;
  /** For the driver, and for ordinary clients such as psql. */
  readonly connectionString: string;
  /** While away, `/sql` answers 503; what runs already is finished. `query` still works. */
  setAway(away: boolean): void;
  /** Drains are answered so much later than they could be, ms, as by a slow disk; they wait beside each other. */
  setDrainDelay(delayMs: number): void;
  /** Runs one statement past the endpoint: what tests and reconciliation look with. */
  query(text: string, params?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  /** Closes the endpoint, the connections and the embedded database. */
  stop(): Promise<void>;
}

/** Connections to a real server; the embedded database has one session. */
const POOL_SIZE = 8;
const KEEP_ALIVE_MS = 300_000;

/** Starts the database, applies the migrations and opens the endpoint. Rejects when any of it fails. */
export async function startDatabase(options: DatabaseOptions): Promise<Database> {
  const { dataDir, databaseUrl, snapshot = null } = options;
  const profile = await profileFor(options);
  const embedded =
    databaseUrl === undefined ? await startEmbeddedPostgres({ dataDir, profile, snapshot }) : null;
  const connectionString = embedded?.connectionString ?? databaseUrl ?? "";
  await migrateOver(connectionString, profile).catch(async (error: unknown) => {
    await embedded?.stop();
    throw error;
  });

  const pool = new pg.Pool({ connectionString, max: embedded === null ? POOL_SIZE : 1 });
  // A broken connection is replaced by the pool, and its query rejects; without listeners it ends the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => void client.on("error", () => {}));
  let away = false;
  let drainDelayMs = 0;
  const server = createSqlEndpoint({ pool, isAway: () => away, drainDelayMs: () => drainDelayMs });
  // Longer than a driver keeps an unused connection, so that none is closed just as it is used again.
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was bound");

  return {
    sqlUrl: `http://127.0.0.1:${address.port}/sql`,
    connectionString,
    setAway(value) {
      away = value;
    },
    setDrainDelay(value) {
      drainDelayMs = value;
    },
    async query(text, params = []) {
      return (await pool.query<Record<string, unknown>>(text, [...params])).rows;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await pool.end();
      await embedded?.stop();
    },
  };
}

async function profileFor(options: DatabaseOptions): Promise<StorageProfile> {
  if (options.databaseUrl === undefined) return options.profile ?? "plain";
  return (await pickProfile(options.databaseUrl, options.profile ?? null)).profile;
}

async function migrateOver(connectionString: string, profile: StorageProfile): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await migrate(client, { profile });
  } finally {
    await client.end();
  }
}
