import type { Calendar } from "../domain/calendar.ts";
import { newYorkDayNumber } from "../domain/new-york-time.ts";
import type { EpochMs, TimeRange } from "../domain/time.ts";
import { DAY_MS, floorToMinute, MINUTE_MS } from "../domain/time.ts";
import { parseTradingDate } from "../domain/trading-date.ts";
import { runWindow, type WindowRules } from "./run-window.ts";

/** A range of bar starts that somebody asks to be filled; of daily bars 00:00 UTC of trading dates. */
export interface AskedRange extends TimeRange {
  readonly interval: "1m" | "1d";
}

/** What is wrong with a range, said of the field to change. */
export interface RangeFault {
  readonly field: "start" | "end";
  readonly message: string;
  /** It will be right later: its bars are not over yet. */
  readonly isEarly?: true;
}

/**
 * What is wrong with a range that is asked for at `nowMs`; null when it can be filled: on the interval's
 * boundaries, not empty, over, at most `depthDays` back, and with something that trades.
 */
export function askedRangeFault(
  asked: AskedRange,
  rules: WindowRules,
  { nowMs, depthDays }: { readonly nowMs: EpochMs; readonly depthDays: number },
): RangeFault | null {
  const { interval, startMs, endMs } = asked;
  const unitMs = interval === "1m" ? MINUTE_MS : DAY_MS;
  const boundary =
    interval === "1m" ? "not on a whole minute" : "not 00:00 UTC, where a daily bar starts";
  if (startMs % unitMs !== 0) return { field: "start", message: boundary };
  if (endMs % unitMs !== 0) return { field: "end", message: boundary };
  if (endMs <= startMs) return { field: "end", message: "must be after start" };
  const overMs = interval === "1m" ? floorToMinute(nowMs) : endOfLastDate(rules.calendar, nowMs);
  if (endMs > overMs) {
    const message = "in the future: its bars are not over";
    return { field: "end", message, isEarly: true };
  }
  const oldestMs = (newYorkDayNumber(nowMs) - depthDays) * DAY_MS;
  if (startMs < oldestMs)
    return { field: "start", message: `more than ${depthDays} days back (backfill.depth_days)` };
  if (runWindow(interval, asked, rules) === null)
    return { field: "start", message: "no session in the range" };
  return null;
}

/** The windows of the jobs that go over a range, in order. */
export function jobWindows(asked: AskedRange, rules: WindowRules): TimeRange[] {
  const windows: TimeRange[] = [];
  let startMs = asked.startMs;
  while (startMs < asked.endMs) {
    const window = runWindow(asked.interval, { startMs, endMs: asked.endMs }, rules);
    if (window === null) break;
    windows.push(window);
    startMs = window.endMs;
  }
  return windows;
}

/** Bars that one symbol can have in a window: its minutes, or its trading dates. */
export function barsIn(
  window: TimeRange,
  interval: AskedRange["interval"],
  calendar: Calendar,
): number {
  if (interval === "1m") return (window.endMs - window.startMs) / MINUTE_MS;
  return calendar
    .sessionsBetween(window.startMs, window.endMs + DAY_MS)
    .map(({ date }) => parseTradingDate(date) * DAY_MS)
    .filter((ts) => ts >= window.startMs && ts < window.endMs).length;
}

/** Today in New York, exclusive, or inclusive when its session is over. */
function endOfLastDate(calendar: Calendar, nowMs: EpochMs): EpochMs {
  const today = newYorkDayNumber(nowMs);
  const last = calendar.previousSession(nowMs);
  const isOver = parseTradingDate(last.date) === today && nowMs >= last.closeMs;
  return (today + (isOver ? 1 : 0)) * DAY_MS;
}
