import type { Calendar, SessionKind } from "../domain/calendar.ts";
import { fetchWindow } from "../domain/poll-plan.ts";
import type { TimeRange } from "../domain/time.ts";
import { DAY_MS } from "../domain/time.ts";
import { parseTradingDate } from "../domain/trading-date.ts";

/** Trading dates of one job of daily bars: what one task asks for, too. */
const MAX_RUN_DATES = 25;

/** What a job's window is found by. */
export interface WindowRules {
  readonly calendar: Calendar;
  /** The kinds of session whose minutes are fetched. */
  readonly sessions: readonly SessionKind[];
}

/**
 * The first part of a range that one job asks for: of minutes up to the end of a session, of daily bars
 * some trading dates. Closed hours before it are passed over; null when nothing of the range trades.
 */
export function runWindow(
  interval: "1m" | "1d",
  range: TimeRange,
  rules: WindowRules,
): TimeRange | null {
  return interval === "1m" ? minuteWindow(range, rules) : dateWindow(range, rules);
}

function minuteWindow(range: TimeRange, { calendar, sessions }: WindowRules): TimeRange | null {
  const first = calendar.sessionContaining(range.startMs) ?? calendar.nextSession(range.startMs);
  for (const session of [first, calendar.nextSession(first.closeMs)]) {
    const window = fetchWindow(session, sessions);
    const startMs = Math.max(range.startMs, window.startMs);
    const endMs = Math.min(range.endMs, window.endMs);
    if (startMs < endMs) return { startMs, endMs };
  }
  return null;
}

function dateWindow(range: TimeRange, { calendar }: WindowRules): TimeRange | null {
  const starts = calendar
    .sessionsBetween(range.startMs, Math.min(range.endMs, range.startMs + 60 * DAY_MS) + DAY_MS)
    .map(({ date }) => parseTradingDate(date) * DAY_MS)
    .filter((ts) => ts >= range.startMs && ts < range.endMs)
    .slice(0, MAX_RUN_DATES);
  const [firstMs, lastMs] = [starts[0], starts.at(-1)];
  return firstMs === undefined || lastMs === undefined
    ? null
    : { startMs: firstMs, endMs: lastMs + DAY_MS };
}
