import type { Calendar, SessionKind, TradingSession } from "../../src/domain/calendar.ts";
import { fetchWindow } from "../../src/domain/poll-plan.ts";
import { sessionAhead } from "../../src/domain/session-ahead.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { floorToMinute, MINUTE_MS } from "../../src/domain/time.ts";

/**
 * Cron fires every minute from just before the first fetched minute of a session until its settle pass
 * after the close has been planned and the last fetched minute has settled. At night it is silent: what
 * is due then, the settle pass of the morning too, was planned by these ticks.
 */
const FIRST_TICK_BEFORE_MS = MINUTE_MS;
const LAST_TICK_AFTER_CLOSE_MS = 25 * MINUTE_MS;
const LAST_TICK_AFTER_FETCHED_MS = 5 * MINUTE_MS;

/** When cron fires: the calendar, and the parts of the trading day that are fetched. */
export interface TickHours {
  readonly calendar: Calendar;
  readonly sessions: readonly SessionKind[];
}

/** Whether cron fires at the minutes around this instant. */
export function isTicking({ calendar, sessions }: TickHours, ms: EpochMs): boolean {
  const ahead = fetchWindow(sessionAhead(calendar, ms), sessions);
  if (ms >= ahead.startMs - FIRST_TICK_BEFORE_MS) return true;
  const last = calendar.previousSession(ms);
  return ms <= lastTickMs(last, sessions);
}

/** Whether cron fires at this instant. */
export function isTick(hours: TickHours, ms: EpochMs): boolean {
  return ms === floorToMinute(ms) && isTicking(hours, ms);
}

/** The first instant after this one at which cron fires. */
export function nextTickMs(hours: TickHours, nowMs: EpochMs): EpochMs {
  const next = floorToMinute(nowMs) + MINUTE_MS;
  return isTicking(hours, next)
    ? next
    : firstTickMs(hours.calendar.nextSession(nowMs), hours.sessions);
}

/** The first tick of a session. */
export function firstTickMs(session: TradingSession, sessions: readonly SessionKind[]): EpochMs {
  return fetchWindow(session, sessions).startMs - FIRST_TICK_BEFORE_MS;
}

/** The last tick of a session. */
export function lastTickMs(session: TradingSession, sessions: readonly SessionKind[]): EpochMs {
  return Math.max(
    session.closeMs + LAST_TICK_AFTER_CLOSE_MS,
    fetchWindow(session, sessions).endMs + LAST_TICK_AFTER_FETCHED_MS,
  );
}
