import type { Calendar, TradingSession } from "./calendar.ts";
import type { EpochMs } from "./time.ts";
import type { TradingDate } from "./trading-date.ts";

/** The session that trades now, or the next one: what the group is getting ready for. */
export function sessionAhead(calendar: Calendar, nowMs: EpochMs): TradingSession {
  const last = calendar.previousSession(nowMs);
  return nowMs < last.closeMs ? last : calendar.nextSession(nowMs);
}

/** From when a new member of the group is expected: the open, `sessionsBack` sessions before this one. */
export function coldStartMs(calendar: Calendar, nowMs: EpochMs, sessionsBack: number): EpochMs {
  let session = sessionAhead(calendar, nowMs);
  for (let back = 0; back < sessionsBack; back += 1)
    session = calendar.previousSession(session.openMs - 1);
  return session.openMs;
}

/** The dates of the last `count` sessions that are over at `nowMs`, oldest first. */
export function lastSessionDates(calendar: Calendar, nowMs: EpochMs, count: number): TradingDate[] {
  const dates: TradingDate[] = [];
  let session = calendar.previousSession(nowMs);
  if (session.closeMs > nowMs) session = calendar.previousSession(session.openMs - 1);
  for (; dates.length < count; session = calendar.previousSession(session.openMs - 1))
    dates.unshift(session.date);
  return dates;
}
