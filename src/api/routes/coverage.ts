import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { MAX_COVERAGE_CELLS, MAX_COVERAGE_DAYS } from "../../contracts/coverage.ts";
import type { RangeSet } from "../../domain/range.ts";
import { keptFromMs } from "../../domain/retention.ts";
import { DAY_MS, floorToMinute, toIso } from "../../domain/time.ts";
import type { EpochMs } from "../../domain/time.ts";
import { FIRST_CALENDAR_YEAR } from "../../domain/trading-date.ts";
import { calendarOf } from "../../env.ts";
import { errorText, log } from "../../platform/log.ts";
import { marketClock } from "../../platform/clocks.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import type { ApiEnv } from "../api-env.ts";
import { countCoverage, type CoverageRow } from "../count-coverage.ts";
import { coverageQuestions } from "../coverage-questions.ts";
import { formatPageToken, parsePageToken } from "../page-token.ts";
import { registerRead } from "../parameters.ts";
import { countParam, instantParam, symbolsParam } from "../query-values.ts";
import { invalidParameters } from "../parse-query.ts";
import { problem } from "../problem.ts";
import { answerRows, formatOf } from "../rows-answer.ts";

/** Before it the calendar knows no sessions. */
const FIRST_SESSION_MS = Date.UTC(FIRST_CALENDAR_YEAR, 0, 2);

const querySchema = z.object({
  symbols: symbolsParam,
  interval: z.literal("1m").default("1m"),
  start: instantParam.optional(),
  end: instantParam.optional(),
  limit: countParam(1, MAX_COVERAGE_CELLS, MAX_COVERAGE_CELLS),
  page_token: z.string().max(200).optional(),
});

const rangeSchema = z.object({ start: z.iso.datetime(), end: z.iso.datetime() });

const rowSchema = z.object({
  symbol: z.string(),
  session: z.iso.date(),
  start: z.iso.datetime(),
  end: z.iso.datetime(),
  since: z.iso.datetime().nullable(),
  expected: z.number().int(),
  got: z.number().int(),
  no_trade: z.number().int(),
  missing: z.number().int(),
  pending: z.number().int(),
  missing_ranges: z.array(rangeSchema),
  pending_ranges: z.array(rangeSchema),
});

const answerSchema = z.object({
  coverage: z.array(rowSchema),
  interval: z.string(),
  at: z.iso.datetime(),
  unknown_symbols: z.array(z.string()),
  next_page_token: z.string().nullable(),
});

/**
 * `GET /v1/coverage`: per session and symbol what is known of the regular minutes that have ended:
 * `expected = got + no_trade + missing + pending`, with the minutes of the last two as ranges. Minutes
 * before `since` are unknown, not expected. It says what is believed now; pages share their range, and
 * are ordered by session, then symbol.
 */
export function registerCoverage(app: OpenAPIHono<ApiEnv>): void {
  const route = {
    path: "/v1/coverage",
    summary: "What is known of each minute, counted by session and symbol",
    query: querySchema,
    answer: answerSchema,
    row: rowSchema,
  };
  registerRead(app, route, async (context, query) => {
    const format = formatOf(context);
    if (format instanceof Response) return format;
    const { settings } = context.var;
    const nowMs = marketClock.now();
    const shape = `coverage|${query.symbols.join(",")}|${query.start ?? ""}|${query.end ?? ""}`;
    const page =
      query.page_token === undefined ? undefined : parsePageToken(query.page_token, shape);
    if (page === null) {
      const detail = "page_token does not continue this query";
      return problem(context, 400, { code: "bad_page_token", detail });
    }
    const endMs = page?.endMs ?? query.end ?? nowMs;
    const startMs = page?.startMs ?? query.start ?? endMs - DAY_MS;
    const fault = rangeFault(startMs, endMs);
    if (fault !== null) {
      return invalidParameters(context, [{ field: "start", message: fault }]);
    }
    // A minute that has not ended is owed by nobody yet.
    const range = { startMs, endMs: Math.min(endMs, floorToMinute(nowMs)) };
    const calendar = calendarOf(settings);
    const questions = coverageQuestions(query.symbols, range, calendar, page?.after);
    // One more than is answered tells whether there is a next page.
    const found = [...questions.take(query.limit + 1)];
    const asked = found.slice(0, query.limit);
    const last = asked.length < found.length ? asked.at(-1) : undefined;
    const { symbolGroups, config } = settings;
    const deps = {
      env: context.env,
      sql: sqlClientOf(settings),
      symbolGroups,
      keptFromMs: keptFromMs(nowMs, config.retention_days.bars),
    };
    let rows: CoverageRow[];
    try {
      rows = await countCoverage(asked, deps);
    } catch (error) {
      log("warn", "coverage could not be counted", { error: errorText(error) });
      const detail = "a symbol group or the database did not answer: ask again";
      return problem(context, 503, { code: "unavailable", detail });
    }
    const next = {
      asOfMs: nowMs,
      startMs,
      endMs: range.endMs,
      after: { symbol: last?.symbol ?? "", ts: last?.session.openMs ?? 0 },
    };
    return await answerRows(context, format, {
      name: "coverage",
      columns: Object.keys(rowSchema.shape),
      rows: rows.map(toWire),
      facts: {
        interval: query.interval,
        at: toIso(nowMs),
        next_page_token: last === undefined ? null : formatPageToken(next, shape),
      },
      beside: { unknown_symbols: unknownOf(asked, rows) },
      sources: [],
      isPinned: false,
    });
  });
}

/** The symbols that were asked for and that no group knows. */
function unknownOf(
  asked: readonly { readonly symbol: string }[],
  rows: readonly CoverageRow[],
): string[] {
  const known = new Set(rows.map(({ symbol }) => symbol));
  const symbols = new Set(asked.map(({ symbol }) => symbol));
  return [...symbols].filter((symbol) => !known.has(symbol));
}

function rangeFault(startMs: EpochMs, endMs: EpochMs): string | null {
  if (startMs >= endMs) return "must be before end";
  if (startMs < FIRST_SESSION_MS) return `must not be before ${toIso(FIRST_SESSION_MS)}`;
  if (endMs - startMs > MAX_COVERAGE_DAYS * DAY_MS)
    return `must be at most ${MAX_COVERAGE_DAYS} days before end`;
  return null;
}

function toWire({
  symbol,
  session,
  window,
  sinceMs,
  coverage,
}: CoverageRow): z.infer<typeof rowSchema> {
  return {
    symbol,
    session: session.date,
    start: toIso(window.startMs),
    end: toIso(window.endMs),
    since: sinceMs === null ? null : toIso(sinceMs),
    expected: coverage.expected,
    got: coverage.got,
    no_trade: coverage.noTrade,
    missing: coverage.missing,
    pending: coverage.pending,
    missing_ranges: toRanges(coverage.missingRanges),
    pending_ranges: toRanges(coverage.pendingRanges),
  };
}

function toRanges(ranges: RangeSet): z.infer<typeof rangeSchema>[] {
  return ranges.map(({ startMs, endMs }) => ({ start: toIso(startMs), end: toIso(endMs) }));
}
