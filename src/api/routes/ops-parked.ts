import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { toIso } from "../../domain/time.ts";
import { type ParkedRow, parkedName, readParked } from "../../postgres/park-store.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import type { ApiEnv } from "../api-env.ts";
import { formatPageToken, parsePageToken } from "../page-token.ts";
import { registerRead } from "../parameters.ts";
import { countParam } from "../query-values.ts";
import { problem } from "../problem.ts";

const MAX_PARKED = 1_000;
const SHAPE = "parked";

const parkedSchema = z.object({
  stream: z.object({ group: z.number(), class: z.string(), epoch: z.string(), fs: z.number() }),
  part: z.string(),
  place: z.number(),
  symbol: z.string(),
  body: z.string(),
  sqlstate: z.string(),
  reason: z.string(),
  as_of: z.iso.datetime(),
});

/**
 * `GET /ops/parked`: rows that Postgres refuses, newest first, each with the flush that carried it, its text
 * as it was sent, and the reason. Everything else of their flushes is stored.
 */
export function registerOpsParked(app: OpenAPIHono<ApiEnv>): void {
  const route = {
    path: "/ops/parked",
    summary: "Rows that Postgres refuses, with their reasons, the newest first",
    query: z.object({
      limit: countParam(1, MAX_PARKED, 100),
      page_token: z.string().max(400).optional(),
    }),
    answer: z.object({
      parked: z.array(parkedSchema),
      next_page_token: z.string().nullable(),
    }),
  };
  registerRead(app, route, async (context, { limit, page_token: token }) => {
    const page = token === undefined ? undefined : parsePageToken(token, SHAPE);
    if (page === null) {
      const detail = "page_token does not continue this query";
      return problem(context, 400, { code: "bad_page_token", detail });
    }
    const after =
      page === undefined ? undefined : { asOfMs: page.after.ts, name: page.after.symbol };
    const rows = await readParked(sqlClientOf(context.var.settings), limit, after);
    const last = rows.length === limit ? rows.at(-1) : undefined;
    return context.json({
      parked: rows.map(view),
      next_page_token: last === undefined ? null : nextPage(last),
    });
  });
}

/** The place of a row: when it became known and, where a token has a symbol, its name. */
function nextPage(row: ParkedRow): string {
  const after = { symbol: parkedName(row), ts: row.asOfMs };
  return formatPageToken({ asOfMs: 0, startMs: 0, endMs: 0, after }, SHAPE);
}

function view({ group, class: of, epoch, fs, asOfMs, ...row }: ParkedRow) {
  return { stream: { group, class: of, epoch, fs }, ...row, as_of: toIso(asOfMs) };
}
