import { newYorkDayMs, newYorkDayNumber } from "../domain/new-york-time.ts";
import type { EpochMs, TimeRange } from "../domain/time.ts";
import { DAY_MS, floorToMinute, MINUTE_MS } from "../domain/time.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import { parseTradingDate } from "../domain/trading-date.ts";
import { ProviderError } from "./provider-error.ts";

/** What a key of one plan gives: a row of a provider's `limits.ts`. */
export interface PlanLimits {
  readonly callsPerMinute: number;
  /**
   * How long after its END a minute may be asked for, ms: 0 is live, more is live but late.
   * `end_of_day`: no minute of the current trading date at all.
   */
  readonly delayMs: number | "end_of_day";
  /** How far back the plan reaches, days; null when it names no rolling limit. */
  readonly historyDays: number | null;
}

/** What "is it late?" adds to its bound, ms; null when the plan serves no live minute at all. */
export function planDelay(limits: PlanLimits): number | null {
  return limits.delayMs === "end_of_day" ? null : limits.delayMs;
}

/** The limits of a key that has shown to be as late as `delayMs`, when that is later than its plan. */
export function laterLimits<L extends PlanLimits>(
  limits: L,
  delayMs: PlanLimits["delayMs"] | undefined,
): L {
  const rank = (delay: PlanLimits["delayMs"]) => (delay === "end_of_day" ? Infinity : delay);
  if (delayMs === undefined || rank(delayMs) <= rank(limits.delayMs)) return limits;
  return { ...limits, delayMs };
}

/** The part of a window that a plan can answer, and why the rest was not asked. */
export interface ServableWindow {
  /** Null when no minute of it can be answered. */
  readonly window: TimeRange | null;
  readonly failure: ProviderError | null;
}

/**
 * Cuts a window of minutes to what a plan answers truthfully. Without it absence would be believed:
 * a delayed plan answers 200 and leaves the last minutes out, a range partly before the plan's
 * history is silently truncated (reference of polygon bars), and the running minute is half a bar.
 */
export function servableWindow(
  asked: TimeRange,
  limits: PlanLimits,
  nowMs: EpochMs,
): ServableWindow {
  const endMs = Math.min(asked.endMs, servedUntilMs(limits, nowMs));
  const oldestMs =
    limits.historyDays === null
      ? asked.startMs
      : floorToMinute(nowMs - limits.historyDays * DAY_MS) + MINUTE_MS;
  const startMs = Math.max(asked.startMs, oldestMs);
  return {
    window: startMs < endMs ? { startMs, endMs } : null,
    failure: unservedFailure(startMs > asked.startMs, endMs < asked.endMs, limits),
  };
}

/** Until when the minutes of a plan are there: all of a trading date when New York's day is over. */
function servedUntilMs({ delayMs }: PlanLimits, nowMs: EpochMs): EpochMs {
  if (delayMs !== "end_of_day") return floorToMinute(nowMs - delayMs);
  return newYorkDayMs(newYorkDayNumber(nowMs), 0);
}

function unservedFailure(
  tooOld: boolean,
  tooRecent: boolean,
  limits: PlanLimits,
): ProviderError | null {
  if (tooOld) {
    return new ProviderError("not_entitled", `the plan reaches back ${limits.historyDays} days`);
  }
  if (!tooRecent) return null;
  if (limits.delayMs === "end_of_day")
    return new ProviderError(
      "not_entitled",
      "the plan serves no minute of the current trading date",
    );
  const delayMs = planDelay(limits) ?? 0;
  return delayMs > 0
    ? new ProviderError(
        "not_entitled",
        `the plan serves minutes from ${delayMs} ms after their end`,
      )
    : new ProviderError("bad_request", "the window holds minutes that have not ended");
}

/** The trading dates that a plan can answer, and why the others were not asked. */
export interface ServableDates {
  readonly dates: readonly TradingDate[];
  readonly failure: ProviderError | null;
}

/**
 * Cuts trading dates to what a plan answers truthfully, oldest first and each once. Whether the
 * session of today is over is the caller's to know; an `end_of_day` plan never has today.
 */
export function servableDates(
  asked: readonly TradingDate[],
  limits: PlanLimits,
  nowMs: EpochMs,
): ServableDates {
  const today = newYorkDayNumber(nowMs);
  const newest = limits.delayMs === "end_of_day" ? today - 1 : today;
  const oldest = limits.historyDays === null ? 0 : today - limits.historyDays + 1;
  const days = [...new Set(asked)]
    .toSorted()
    .map((date) => ({ date, day: parseTradingDate(date) }));
  const inPlan = days.filter(({ day }) => day >= oldest && day <= newest);
  return {
    dates: inPlan.map(({ date }) => date),
    failure: unservedDates(
      days.map(({ day }) => day),
      { oldest, newest, today },
    ),
  };
}

function unservedDates(
  days: readonly number[],
  { oldest, newest, today }: { oldest: number; newest: number; today: number },
): ProviderError | null {
  if (days.some((day) => day > today)) {
    return new ProviderError("bad_request", "a date that has not come was asked");
  }
  if (days.some((day) => day > newest)) {
    return new ProviderError("not_entitled", "the plan does not serve the current trading date");
  }
  return days.some((day) => day < oldest)
    ? new ProviderError("not_entitled", "the plan does not reach back so far")
    : null;
}
