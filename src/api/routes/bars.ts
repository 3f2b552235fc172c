import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { groupOf } from "../../domain/symbol.ts";
import { toIso } from "../../domain/time.ts";
import { calendarOf } from "../../env.ts";
import { marketClock } from "../../platform/clocks.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import type { SqlClient } from "../../postgres/sql-client.ts";
import { listSymbols } from "../../postgres/symbol-list.ts";
import type { ApiEnv } from "../api-env.ts";
import { barsAnswer, barsAnswerSchema, barsRowSchema } from "../bars-answer.ts";
import { readBarsPage } from "../bars-page.ts";
import {
  BACKWARDS,
  type BarsParameters,
  barsQuerySchema,
  isBackwards,
  type ParameterFault,
  queryFault,
  queryShape,
} from "../bars-query.ts";
import { timesOf } from "../bars-times.ts";
import { readWithNoTrade } from "../bars-with-no-trade.ts";
import { formatPageToken, type PageToken, parsePageToken } from "../page-token.ts";
import { registerRead } from "../parameters.ts";
import { problem } from "../problem.ts";
import { answerRows, formatOf, type RowsAnswer } from "../rows-answer.ts";

/**
 * `GET /v1/bars`: bars by symbol and time as they were known at `as_of` (default: now, lowered to the
 * horizon, so that the same URL with the echoed `as_of` answers the same for ever).
 */
export function registerBars(app: OpenAPIHono<ApiEnv>): void {
  const route = {
    path: "/v1/bars",
    summary: "Bars as they were known at `as_of`",
    query: barsQuerySchema,
    answer: barsAnswerSchema,
    row: barsRowSchema,
  };
  registerRead(app, route, async (context, query) => {
    const format = formatOf(context);
    if (format instanceof Response) return format;
    const fault = queryFault(query, context.var.settings.symbolGroups);
    if (fault !== null) return invalid(context, fault);
    const shape = queryShape(query);
    const page =
      query.page_token === undefined ? undefined : parsePageToken(query.page_token, shape);
    if (page === null) {
      const detail = "page_token does not continue this query";
      return problem(context, 400, { code: "bad_page_token", detail });
    }
    const sql = sqlClientOf(context.var.settings);
    const symbols = await symbolsOf(query, page, sql);
    const groups = groupsOf(query, symbols, context.var.settings.symbolGroups);
    const read = { query, symbols, groups, sql };
    const answer =
      query.include === undefined
        ? await readPage(context, read, page, shape)
        : await readWithNoTrade(context, read);
    return answer instanceof Response ? answer : await answerRows(context, format, answer);
  });
}

/** Whose bars are read, and where. */
interface BarsRead {
  readonly query: BarsParameters;
  readonly symbols: readonly string[];
  readonly groups: readonly number[];
  readonly sql: SqlClient;
}

async function readPage(
  context: Context<ApiEnv>,
  { query, symbols, groups, sql }: BarsRead,
  page: PageToken | undefined,
  shape: string,
): Promise<RowsAnswer | Response> {
  const deps = { groups, sql, env: context.env, nowMs: marketClock.now() };
  const times = await timesOf(query, page, deps);
  if ("notYetKnown" in times) {
    return problem(context, 409, {
      code: "not_yet_known",
      detail: "as_of is above the horizon: what was known then is not complete yet",
      extra: { horizon: toIso(times.notYetKnown) },
    });
  }
  const { startMs, endMs, asOfMs, storedByMs } = times;
  if (isBackwards(query, asOfMs)) return invalid(context, { field: "start", message: BACKWARDS });
  const { bars, next } = await readBarsPage(sql, calendarOf(context.var.settings), {
    ...query,
    startMs,
    endMs,
    asOfMs,
    storedByMs,
    symbols,
    session: query.session,
    feed: query.feed,
    after: page?.after,
  });
  const token = { asOfMs, startMs, endMs, storedByMs };
  const nextToken = next === null ? null : formatPageToken({ ...token, after: next }, shape);
  return barsAnswer(query, times, bars, nextToken);
}

/** The symbols that are left to read, in byte order. */
async function symbolsOf(
  { symbols, group }: BarsParameters,
  page: PageToken | undefined,
  sql: SqlClient,
): Promise<string[]> {
  if (symbols !== undefined && symbols !== "*") return symbols.toSorted();
  return await listSymbols(sql, group ?? null, page?.after.symbol ?? "");
}

/** The groups whose horizon bounds the read. */
function groupsOf(
  { symbols, group }: BarsParameters,
  asked: readonly string[],
  symbolGroups: number,
): number[] {
  if (group !== undefined) return [group];
  if (symbols === "*") return Array.from({ length: symbolGroups }, (_, number) => number);
  return [...new Set(asked.map((symbol) => groupOf(symbol, symbolGroups)))];
}

function invalid(context: Context<ApiEnv>, fault: ParameterFault): Response {
  return problem(context, 422, {
    code: "invalid_parameter",
    detail: fault.message,
    extra: { errors: [fault] },
  });
}
