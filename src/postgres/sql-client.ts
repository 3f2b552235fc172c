import { neon, neonConfig } from "@neondatabase/serverless";
import { maybeTrace } from "../platform/trace.ts";
import { withTimeout } from "../platform/timers.ts";

/** What can be bound: text, numbers, and one-dimensional arrays of them. Instants are bound as text. */
export type SqlParam =
  | string
  | number
  | boolean
  | null
  | readonly string[]
  | readonly (number | null)[]
  | readonly (string | null)[];

/** One statement with `$1`… placeholders. */
export interface SqlStatement {
  readonly text: string;
  readonly params: readonly SqlParam[];
}

/** A row as the driver gives it (timestamptz a Date, int8 text): parse it with zod before use. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** What one statement gave: its rows, and how many it returned or changed. */
export interface SqlResult {
  readonly rows: readonly SqlRow[];
  readonly rowCount: number;
}

/**
 * Postgres over HTTP: one request a call, no socket held, so objects can hibernate.
 * Both verbs reject with what `classifySqlError` sorts.
 */
export interface SqlClient {
  /** Runs one statement in a transaction of its own. */
  query(statement: SqlStatement): Promise<SqlResult>;
  /** Runs all statements in one READ COMMITTED transaction: all of them or none. Results in order. */
  transaction(statements: readonly SqlStatement[]): Promise<readonly SqlResult[]>;
}

/** Where the database is and how long a request may take. */
export interface SqlClientOptions {
  /** `postgres://user:password@host[:port]/database`. */
  readonly databaseUrl: string;
  /** Full address of a `/sql` endpoint when the database is not Neon's. */
  readonly sqlEndpoint?: string;
  /** A request that takes longer is given up; whether it committed is then unknown. */
  readonly fetchTimeoutMs: number;
}

// The driver's endpoint is one setting for all clients, so it looks each database up by its address.
const endpoints = new Map<string, string>();

/** A client of `@neondatabase/serverless`'s HTTP function. Throws when `databaseUrl` is not a URL. */
export function createSqlClient(options: SqlClientOptions): SqlClient {
  if (options.sqlEndpoint !== undefined) useEndpoint(options.databaseUrl, options.sqlEndpoint);
  const sql = neon<false, true>(options.databaseUrl, { fullResults: true });
  const { fetchTimeoutMs } = options;
  return {
    async query({ text, params }) {
      return await maybeTrace("postgres query", () =>
        withTimeout(fetchTimeoutMs, (signal) =>
          sql.query(text, [...params], { fetchOptions: { signal } }),
        ),
      );
    },
    async transaction(statements) {
      const queries = statements.map(({ text, params }) => sql.query(text, [...params]));
      // The lock that drain_begin takes orders drains only if each statement sees what is committed by then.
      return await maybeTrace("postgres transaction", () =>
        withTimeout(fetchTimeoutMs, (signal) =>
          sql.transaction(queries, { isolationLevel: "ReadCommitted", fetchOptions: { signal } }),
        ),
      );
    },
  };
}

function useEndpoint(databaseUrl: string, sqlEndpoint: string): void {
  if (endpoints.size === 0) {
    const neonEndpoint = neonConfig.fetchEndpoint;
    neonConfig.fetchEndpoint = (host, port, endpointOptions) =>
      endpoints.get(`${host}:${port}`) ??
      (typeof neonEndpoint === "string" ? neonEndpoint : neonEndpoint(host, port, endpointOptions));
  }
  // As the driver does: an address with an unknown scheme keeps host and port apart only as http.
  const url = new URL(databaseUrl.replace(/^postgres(ql)?:/, "http:"));
  endpoints.set(`${url.hostname}:${url.port}`, sqlEndpoint);
}
