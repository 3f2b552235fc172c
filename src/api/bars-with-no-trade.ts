import type { Context } from "hono";
import { calendarOf } from "../env.ts";
import { keptFromMs } from "../domain/retention.ts";
import { marketClock } from "../platform/clocks.ts";
import { errorText, log } from "../platform/log.ts";
import type { SqlClient } from "../postgres/sql-client.ts";
import type { ApiEnv } from "./api-env.ts";
import { barsAnswer } from "./bars-answer.ts";
import { readBarsPage } from "./bars-page.ts";
import { BACKWARDS, type BarsParameters, isBackwards, rangeOf } from "./bars-query.ts";
import { timesOf } from "./bars-times.ts";
import { countCoverage, type CoverageRow } from "./count-coverage.ts";
import { noTradeMinutes, noTradeQuestions } from "./no-trade.ts";
import { problem } from "./problem.ts";
import type { RowsAnswer } from "./rows-answer.ts";

/** A read of bars and of the minutes that had none. */
export interface NoTradeRead {
  readonly query: BarsParameters;
  readonly symbols: readonly string[];
  readonly groups: readonly number[];
  readonly sql: SqlClient;
}

/**
 * The bars of a range with its minutes without a trade among them, as of now, in one page. What the groups believe is
 * asked first and the bars are read as of a later time, so that a minute counts as without a trade only when that was
 * known and no bar has come. Answers a problem when the rows do not fit in one page (422), and when the groups do not
 * answer or know bars that are not stored yet (503).
 */
export async function readWithNoTrade(
  context: Context<ApiEnv>,
  { query, symbols, groups, sql }: NoTradeRead,
): Promise<RowsAnswer | Response> {
  const {
    env,
    var: { settings },
  } = context;
  const calendar = calendarOf(settings);
  const nowMs = marketClock.now();
  if (isBackwards(query, nowMs)) return refuse(context, BACKWARDS);
  const range = rangeOf(query, nowMs);
  const questions = noTradeQuestions(symbols, range, calendar, nowMs);
  if (questions === null) return refuse(context, TOO_WIDE);
  let covered: CoverageRow[];
  try {
    covered = await countCoverage(questions, {
      env,
      sql,
      symbolGroups: settings.symbolGroups,
      keptFromMs: keptFromMs(nowMs, settings.config.retention_days.bars),
    });
  } catch (error) {
    log("warn", "minutes without a trade could not be counted", { error: errorText(error) });
    return unavailable(context, "a symbol group or the database did not answer: ask again");
  }
  const read = { groups, sql, env, nowMs: marketClock.now() };
  const times = await timesOf(query, undefined, read);
  if ("notYetKnown" in times) return unavailable(context, NOT_STORED);
  const page = await readBarsPage(sql, calendar, {
    ...query,
    ...times,
    ...range,
    symbols,
    session: query.session,
    feed: undefined,
    after: undefined,
  });
  if (page.next !== null) return refuse(context, TOO_WIDE);
  const minutes = noTradeMinutes(covered, page.bars);
  if (minutes === null) return unavailable(context, NOT_STORED);
  const bars = page.bars.filter(
    (bar) => query.feed === undefined || ("feed" in bar && bar.feed === query.feed),
  );
  if (bars.length + minutes.length > query.limit) return refuse(context, TOO_WIDE);
  return barsAnswer(query, times, bars, null, minutes);
}

const NOT_STORED = "what the symbol groups know is not stored completely yet: ask again";
const TOO_WIDE =
  "with include=no_trade an answer is one page: raise limit, or ask for fewer symbols or a shorter range";

function refuse(context: Context<ApiEnv>, detail: string): Response {
  return problem(context, 422, {
    code: "invalid_parameter",
    detail,
    extra: { errors: [{ field: "include", message: detail }] },
  });
}

function unavailable(context: Context<ApiEnv>, detail: string): Response {
  return problem(context, 503, { code: "unavailable", detail });
}
