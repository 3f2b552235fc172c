import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { parseSqlRequest } from "./sql-request.ts";
import { runSqlRequest } from "./sql-runner.ts";

/** As Neon's: larger requests are refused. */
const MAX_BODY_BYTES = 64 * 1_024 * 1_024;

/** What only a drain calls. */
const DRAIN = "drain_end(";

const ERROR_FIELDS = [
  "severity",
  "code",
  "detail",
  "hint",
  "position",
  "internalPosition",
  "internalQuery",
  "where",
  "schema",
  "table",
  "column",
  "dataType",
  "constraint",
  "file",
  "line",
  "routine",
] as const;

/** What the endpoint needs. */
export interface SqlEndpointDeps {
  readonly pool: pg.Pool;
  /** While true every request is answered 503, as from a database that can't be reached. */
  isAway(): boolean;
  /** How much later a drain is answered than it could be, ms; absent: not at all. */
  drainDelayMs?(): number;
}

/**
 * An HTTP server that speaks Neon's `/sql` (see the driver `@neondatabase/serverless`): 200 with results, 400
 * with the SQL error's fields (`code` is the SQLSTATE), 400 for a malformed request, 413 for a body over
 * 64 MB, 503 when the database is away.
 */
export function createSqlEndpoint(deps: SqlEndpointDeps): Server {
  return createServer((request, response) => {
    answer(deps, request, response).catch((error: unknown) => {
      if (!response.headersSent) reply(response, 500, { message: String(error) });
      else response.destroy();
    });
  });
}

async function answer(
  deps: SqlEndpointDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request);
  const delayMs = deps.drainDelayMs?.() ?? 0;
  if (delayMs > 0 && body?.includes(DRAIN) === true) await delay(delayMs);
  if (deps.isAway()) return reply(response, 503, { message: "the database is away" });
  if (request.method !== "POST" || request.url !== "/sql") {
    return reply(response, 404, { message: "POST /sql is all there is" });
  }
  if (body === null) return reply(response, 413, { message: "request is larger than 64 MB" });
  const parsed = parseSqlRequest(request.headers, body);
  if (parsed === null) return reply(response, 400, { message: "malformed request" });
  try {
    reply(response, 200, await runSqlRequest(deps.pool, parsed));
  } catch (error) {
    if (error instanceof pg.DatabaseError) reply(response, 400, errorBody(error));
    else reply(response, 503, { message: `the database can't be reached: ${String(error)}` });
  }
}

/** The body as text; null when it is too large (the rest is read and dropped, so that the answer arrives). */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError("body is not bytes");
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return bytes > MAX_BODY_BYTES ? null : Buffer.concat(chunks).toString("utf8");
}

function errorBody(error: pg.DatabaseError): Record<string, unknown> {
  const fields = ERROR_FIELDS.map((field) => [field, error[field] ?? null] as const);
  return { message: error.message, ...Object.fromEntries(fields) };
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
