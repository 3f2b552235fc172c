import type { Calendar, TradingSession } from "../../src/domain/calendar.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { floorToMinute, HOUR_MS, MINUTE_MS } from "../../src/domain/time.ts";

/** 10:30:50 New York: an hour of session behind, and the next flush about fifteen seconds away. */
const AFTER_OPEN_MS = HOUR_MS + 50_000;
const IN_MINUTE_MS = 50_000;

/**
 * Where market time starts on a demo: 10:30:50 New York of the last full session before `wallMs` (or
 * of `sessionDate`, for a file of bars). Data of an earlier run is continued: never before its time.
 */
export function demoStartMs(
  calendar: Calendar,
  wallMs: EpochMs,
  lastMs: EpochMs | null,
  sessionDate: string | null,
): EpochMs {
  const session =
    sessionDate === null ? lastFullSession(calendar, wallMs) : calendar.session(sessionDate);
  if (session === undefined) throw new RangeError(`${sessionDate} is not a session`);
  const anchorMs = session.openMs + AFTER_OPEN_MS;
  if (lastMs === null || lastMs < anchorMs) return anchorMs;
  const nextMs = floorToMinute(lastMs) + MINUTE_MS + IN_MINUTE_MS;
  const current = calendar.previousSession(nextMs);
  if (nextMs < current.closeMs) return nextMs;
  return calendar.nextSession(nextMs).openMs + AFTER_OPEN_MS;
}

/** The last session before `wallMs` that ended, early closes left out. */
function lastFullSession(calendar: Calendar, wallMs: EpochMs): TradingSession {
  let session = calendar.previousSession(wallMs);
  while (session.closeMs > wallMs || session.earlyClose)
    session = calendar.previousSession(session.openMs - 1);
  return session;
}
