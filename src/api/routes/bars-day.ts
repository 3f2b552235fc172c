import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { CLOSING_WINDOW_MS } from "../../domain/calendar.ts";
import { TIERS } from "../../domain/tier.ts";
import { toIso } from "../../domain/time.ts";
import { isTradingDate, type TradingDate } from "../../domain/trading-date.ts";
import { calendarOf } from "../../env.ts";
import { marketClock } from "../../platform/clocks.ts";
import { errorText, log } from "../../platform/log.ts";
import {
  DAY_FILE_COLUMNS,
  type DayFileQuery,
  FILE_PAGE_SYMBOLS,
  readDayLines,
  readDaySymbols,
} from "../../postgres/day-file-store.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import type { SqlClient } from "../../postgres/sql-client.ts";
import type { ApiEnv } from "../api-env.ts";
import { gzipStream } from "../gzip-stream.ts";
import { knownAt } from "../known-at.ts";
import { isSettled } from "../known-page.ts";
import { instantParam } from "../query-values.ts";
import { parseQuery } from "../parse-query.ts";
import { problem } from "../problem.ts";
import { isKnown, PINNED } from "../rows-answer.ts";

/** One read is 39,000 lines made of as many rows. */
const FETCH_TIMEOUT_MS = 30_000;
const FILE_NAME = /^(\d{4}-\d{2}-\d{2})\.csv\.gz$/;

const querySchema = z.object({ tier: z.enum(TIERS).optional(), as_of: instantParam.optional() });

/**
 * `GET /v1/bars/day/{date}.csv.gz`: the minutes of a trading date, regular ones and the closing window, of all
 * symbols or of those whose tier was `tier`, as they were known at `as_of` (default: now, lowered to the horizon; the
 * header `X-As-Of` says it). By symbol and start, columns as in `/v1/bars`. With `as_of` it is the same file for
 * ever; with `tier`, too, only once the universe of that time is settled.
 */
export function registerBarsDay(app: OpenAPIHono<ApiEnv>): void {
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/v1/bars/day/{file}",
    summary: "A whole trading date in one gzip file of CSV",
    request: {
      params: z.object({
        file: z.string().regex(FILE_NAME).describe("The date, `YYYY-MM-DD.csv.gz`"),
      }),
      query: querySchema,
    },
    responses: {
      200: {
        description: "The file; `X-As-Of` has the knowledge time that makes it repeatable",
        content: { "application/gzip": { schema: z.string() } },
      },
      304: { description: "The client has it already" },
    },
  });
  app.get("/v1/bars/day/:file", handle);
}

async function handle(context: Context<ApiEnv>): Promise<Response> {
  const parsed = parseQuery(context, querySchema);
  if ("refused" in parsed) return parsed.refused;
  const { tier = null, as_of: pinnedMs } = parsed.query;
  const { settings } = context.var;
  const date = FILE_NAME.exec(context.req.param("file") ?? "")?.[1];
  if (date === undefined || !isTradingDate(date))
    return notFound(context, "not_found", "there is no such file: its name is YYYY-MM-DD.csv.gz");
  const session = calendarOf(settings).session(date);
  if (session === undefined)
    return notFound(context, "no_session", `the market is closed on ${date}`);
  const sql = sqlClientOf(settings, FETCH_TIMEOUT_MS);
  const groups = Array.from({ length: settings.symbolGroups }, (_, group) => group);
  const known = await knownAt(context, sql, groups, { pinnedMs, name: "as_of" });
  if ("refused" in known) return known.refused;
  const { asOfMs, horizonMs } = known;
  const startMs = session.openMs;
  const query = { startMs, endMs: session.closeMs + CLOSING_WINDOW_MS, asOfMs, tier };
  const symbols = await readDaySymbols(sql, query);
  if (symbols.length === 0)
    return notFound(context, "no_bars", `there are no minutes of ${date} as of ${toIso(asOfMs)}`);
  const isPinned =
    pinnedMs !== undefined && (tier === null || isSettled(asOfMs, marketClock.now()));
  setHeaders(context, date, { asOfMs, horizonMs, isPinned });
  if (isPinned) {
    // The same lines, be it in other bytes when the compressor changes: a weak tag.
    const tag = `day-${date}-${tier ?? "all"}-${asOfMs}`;
    context.header("ETag", `W/"${tag}"`);
    if (isKnown(context.req.header("if-none-match"), `"${tag}"`)) return context.body(null, 304);
  }
  if (context.req.method === "HEAD") return context.body(null);
  return context.body(gzipStream(partsOf(sql, symbols, query, date)));
}

function setHeaders(
  context: Context<ApiEnv>,
  date: TradingDate,
  known: { readonly asOfMs: number; readonly horizonMs: number; readonly isPinned: boolean },
): void {
  context.header("Content-Type", "application/gzip");
  context.header("Content-Disposition", `attachment; filename="bars-${date}.csv.gz"`);
  context.header("X-As-Of", toIso(known.asOfMs));
  context.header("X-Horizon", toIso(known.horizonMs));
  context.header("Cache-Control", known.isPinned ? PINNED : "no-store");
}

/** The parts of the file: its header, then the lines of some symbols at a time; null at its end. */
function partsOf(
  sql: SqlClient,
  symbols: readonly string[],
  query: DayFileQuery,
  date: TradingDate,
): () => Promise<string | null> {
  let at: number | null = null;
  return async () => {
    if (at === null) {
      at = 0;
      return `${DAY_FILE_COLUMNS.join(",")}\r\n`;
    }
    if (at >= symbols.length) return null;
    const page = symbols.slice(at, at + FILE_PAGE_SYMBOLS);
    at += page.length;
    try {
      return await readDayLines(sql, page, query);
    } catch (error) {
      log("warn", "a day file broke off", { date, symbols: at, error: errorText(error) });
      throw error;
    }
  };
}

function notFound(context: Context<ApiEnv>, code: string, detail: string): Response {
  return problem(context, 404, { code, detail });
}
