import type { Calendar } from "../domain/calendar.ts";
import { lastDueDate } from "../domain/last-due-date.ts";
import { newYorkDayNumber } from "../domain/new-york-time.ts";
import type { DateRange } from "../domain/split.ts";
import type { EpochMs } from "../domain/time.ts";
import { formatTradingDate } from "../domain/trading-date.ts";
import { type PlannedTask, taskDuty } from "../symbol-group/service-duties.ts";

/** At 07:10 New York of each trading date: behind the last pass of the daily bars, before the open. */
const SPLITS_MINUTE = 7 * 60 + 10;

/** Splits are announced some weeks ahead, and are put right for some days. */
const DAYS_AHEAD = 30;
const DAYS_BACK = 10;
/** The shortest history of a plan, and twice the retention of minutes: asked for once. */
const HISTORY_DAYS = 730;

/**
 * The newest reading that was due at a tick, named by its trading date: one a trading date, and one at once
 * in a service that never made any.
 */
export function planSplits(tickMs: EpochMs, calendar: Calendar): PlannedTask[] {
  const { date, dueMs } = lastDueDate(calendar, tickMs, SPLITS_MINUTE);
  return [{ task: { v: 1, type: "splits", duty: taskDuty("splits", date) }, dueMs, once: false }];
}

/**
 * The dates to ask for at `nowMs`: ten days back and thirty ahead; after a pause as much longer back, and at
 * first (`lastAskedMs` null) the history of two years.
 */
export function splitsRange(nowMs: EpochMs, lastAskedMs: EpochMs | null): DateRange {
  const today = newYorkDayNumber(nowMs);
  const oldest = today - HISTORY_DAYS;
  const from = lastAskedMs === null ? oldest : newYorkDayNumber(lastAskedMs) - DAYS_BACK;
  return {
    from: formatTradingDate(Math.max(oldest, Math.min(from, today - DAYS_BACK))),
    through: formatTradingDate(today + DAYS_AHEAD),
  };
}
