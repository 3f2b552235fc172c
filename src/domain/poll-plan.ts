import type { Calendar, SessionKind, TradingSession } from "./calendar.ts";
import { CLOSING_WINDOW_MS } from "./calendar.ts";
import type { EpochMs, TimeRange } from "./time.ts";
import { floorToMinute, HOUR_MS, MINUTE_MS } from "./time.ts";

/** The settle pass re-reads a session this long after its close, and again at 07:00 ET of the next. */
const SETTLE_AFTER_CLOSE_MS = 20 * MINUTE_MS;
const SETTLE_BEFORE_OPEN_MS = 2.5 * HOUR_MS;
/** A poll with the long overlap comes every fifth minute. */
const LONG_OVERLAP_EVERY = 5;

/** Something a group asks of a provider, once: a row of its duties, named so that it is written once. */
export interface PlannedFetch extends TimeRange {
  readonly duty: string;
  readonly dueMs: EpochMs;
  readonly settle: boolean;
}

/** What a group knows when a cron tick asks it what to fetch. Times are market time. */
export interface PollPlanInput {
  readonly calendar: Calendar;
  readonly sessions: readonly SessionKind[];
  /** The scheduled minute of the cron tick, ms. */
  readonly nowMs: EpochMs;
  readonly pollOffsetMs: number;
  /** How late the plan of the keys serves a minute, ms. */
  readonly planDelayMs: number;
  /** False when no plan serves a minute of the current trading date. */
  readonly polled: boolean;
  readonly overlapMinutes: { readonly short: number; readonly long: number };
}

/**
 * The poll that a cron tick makes due: the minute that just ended, or just became available where a plan
 * is late, with those before it that are looked at again; null when none is asked for.
 */
export function planPoll(input: PollPlanInput): PlannedFetch | null {
  if (!input.polled) return null;
  const servedMs = floorToMinute(input.nowMs - input.planDelayMs);
  const minute = servedMs - MINUTE_MS;
  const session = input.calendar.sessionContaining(minute);
  if (session === undefined) return null;
  const window = fetchWindow(session, input.sessions);
  if (minute < window.startMs || minute >= window.endMs) return null;
  const long = (servedMs / MINUTE_MS) % LONG_OVERLAP_EVERY === 0;
  const overlap = long ? input.overlapMinutes.long : input.overlapMinutes.short;
  return {
    duty: `poll:${minute}`,
    dueMs: floorToMinute(input.nowMs) + input.pollOffsetMs,
    startMs: Math.max(window.startMs, servedMs - overlap * MINUTE_MS),
    endMs: servedMs,
    settle: false,
  };
}

/** The minutes of a session that are fetched: the configured kinds and always the closing window. */
export function fetchWindow(session: TradingSession, sessions: readonly SessionKind[]): TimeRange {
  return {
    startMs: sessions.includes("pre") ? session.preOpenMs : session.openMs,
    endMs: sessions.includes("post") ? session.postCloseMs : session.closeMs + CLOSING_WINDOW_MS,
  };
}

/** When the last settle pass of a session is due: at 07:00 New York of the next one. */
export function lastPassMs(session: TradingSession, calendar: Calendar): EpochMs {
  return calendar.nextSession(session.closeMs).openMs - SETTLE_BEFORE_OPEN_MS;
}

/**
 * A range of regular minutes as it is asked for: one that reaches the close goes on over the closing
 * window, whose bars are always stored and never missed.
 */
export function withClosingWindow(range: TimeRange, calendar: Calendar): TimeRange {
  const session = calendar.sessionContaining(range.endMs - 1);
  const endMs = session?.closeMs === range.endMs ? range.endMs + CLOSING_WINDOW_MS : range.endMs;
  return { startMs: range.startMs, endMs };
}

/**
 * The settle pass of a session: the whole of it, in jobs, shortly after the close as far as it is over
 * then, and next morning, as late as the plan is.
 */
export function planSettle(
  session: TradingSession,
  {
    calendar,
    sessions,
    maxJobMinutes,
    planDelayMs,
  }: Pick<PollPlanInput, "calendar" | "sessions" | "planDelayMs"> & {
    readonly maxJobMinutes: number;
  },
): PlannedFetch[] {
  const window = fetchWindow(session, sessions);
  const passes = [
    { name: "close", dueMs: session.closeMs + SETTLE_AFTER_CLOSE_MS },
    {
      name: "morning",
      dueMs: lastPassMs(session, calendar),
    },
  ];
  const fetches: PlannedFetch[] = [];
  for (const pass of passes) {
    // After the close only what is over: an answer never covers what has not traded yet, and the job
    // would come again and again. The morning has it all.
    const passEndMs = Math.min(window.endMs, pass.dueMs);
    for (let startMs = window.startMs; startMs < passEndMs; startMs += maxJobMinutes * MINUTE_MS) {
      fetches.push({
        duty: `settle:${pass.name}:${startMs}`,
        dueMs: pass.dueMs + planDelayMs,
        startMs,
        endMs: Math.min(startMs + maxJobMinutes * MINUTE_MS, passEndMs),
        settle: true,
      });
    }
  }
  return fetches;
}
