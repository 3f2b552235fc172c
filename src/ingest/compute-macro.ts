import type { Calendar } from "../domain/calendar.ts";
import {
  BREADTH_SESSIONS,
  type MacroFactor,
  macroFactors,
  VOLATILITY_RETURNS,
} from "../domain/macro.ts";
import { lastSessionDates } from "../domain/session-ahead.ts";
import { onOldShares } from "../domain/split-adjusted.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import type { MarketClock } from "../platform/clocks.ts";
import { log } from "../platform/log.ts";
import {
  countDailyBars,
  readCloses,
  readLineBefore,
  readMarketDay,
  storeFactors,
} from "../postgres/macro-store.ts";
import { readSplits } from "../postgres/splits-store.ts";
import type { SqlClient } from "../postgres/sql-client.ts";

/** Whose volatility is told: the fund of the S&P 500, whose bars are the least likely to be wrong. */
const BENCHMARK = "SPY";

/** Dates that are worked out again each time: daily bars change until the next morning, and later by hand. */
const DATES = 5;

/** Of the bars of the session before; with fewer the date's daily bars have not all come. */
const READY_SHARE = 0.5;

/** What the factors are worked out with. */
export interface MacroDeps {
  readonly sql: SqlClient;
  readonly calendar: Calendar;
  readonly market: MarketClock;
}

/**
 * Works out the factors of a trading date and of the four before it, the oldest first for the line goes on
 * from there, and stores what differs. Answers whether the date itself had its daily bars.
 */
export async function computeMacro(date: TradingDate, deps: MacroDeps): Promise<boolean> {
  const { sql, calendar } = deps;
  const closeMs = calendar.session(date)?.closeMs;
  // An override may have closed the date since it was planned.
  if (closeMs === undefined) return true;
  const sessions = lastSessionDates(calendar, closeMs, BREADTH_SESSIONS + DATES);
  const dates = sessions.slice(-DATES);
  const bars = await countDailyBars(sql, sessions.slice(-DATES - 1));
  const isReady = (day: TradingDate) => {
    const before = bars.get(sessions[sessions.indexOf(day) - 1] ?? "") ?? 0;
    return (bars.get(day) ?? 0) > before * READY_SHARE;
  };
  const written: Record<TradingDate, number> = {};
  for (const day of dates.filter(isReady)) {
    const until = sessions.slice(0, sessions.indexOf(day) + 1);
    const factors = await factorsOf(until.slice(-BREADTH_SESSIONS), deps);
    written[day] = await storeFactors(sql, day, factors, deps.market.now());
  }
  log("info", "the market's factors were worked out", { date, written: JSON.stringify(written) });
  return isReady(date);
}

async function factorsOf(
  sessions: readonly TradingDate[],
  { sql, market }: MacroDeps,
): Promise<MacroFactor[]> {
  const date = sessions.at(-1) ?? "";
  const recent = sessions.slice(-VOLATILITY_RETURNS - 1);
  const day = await readMarketDay(sql, sessions);
  const closes = await readCloses(sql, BENCHMARK, recent);
  const splits = await readSplits(sql, [BENCHMARK], market.now());
  return macroFactors({
    day,
    benchmark: { symbol: BENCHMARK, closes: onOldShares(closes, splits) },
    lineBefore: await readLineBefore(sql, date),
  });
}
