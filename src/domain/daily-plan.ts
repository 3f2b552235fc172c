import type { Calendar, TradingSession } from "./calendar.ts";
import { newYorkMs } from "./new-york-time.ts";
import type { EpochMs } from "./time.ts";
import { MINUTE_MS } from "./time.ts";
import type { TradingDate } from "./trading-date.ts";

/** Beliefs reach back so many sessions: their daily bars go through the flush, older ones do not. */
export const BELIEF_SESSIONS = 5;
/** Dates of one catch-up: 60,000 bars of a whole market, which a runner holds at once. */
export const CATCH_UP_DATES = 5;

const FIRST_AFTER_CLOSE_MS = 20 * MINUTE_MS;
/** 20:15 New York: the evening's last trades are in. */
const EVENING_MINUTE = 20 * 60 + 15;
/** 07:00 New York of the next trading date. */
const MORNING_MINUTE = 7 * 60;
/** A date whose first pass has not ended by then is caught up with: its retries are over. */
const CATCH_UP_AFTER_CLOSE_MS = FIRST_AFTER_CLOSE_MS + 60 * MINUTE_MS;

/** What is remembered of the daily bars that were asked for. */
export interface DailyMemory {
  /** Close of the last session whose passes were planned; null at first. */
  readonly plannedCloseMs: EpochMs | null;
  /** Trading dates that were answered, ascending. */
  readonly answered: readonly TradingDate[];
  /**
   * The round of catching up: it goes from `newest` to older dates and has come to `before`; null when it
   * has yet to begin.
   */
  readonly round: { readonly newest: TradingDate; readonly before: TradingDate } | null;
}

/** Nothing was asked for yet. */
export const NO_DAILY_MEMORY: DailyMemory = { plannedCloseMs: null, answered: [], round: null };

/** Daily bars of some dates that are to be asked for; `what` tells this fetch from others. */
export interface DailyFetch {
  readonly what: string;
  readonly dates: readonly TradingDate[];
  readonly dueMs: EpochMs;
}

/** What the planner is told at a tick. */
export interface DailyPlanInput {
  readonly calendar: Calendar;
  readonly nowMs: EpochMs;
  /** How many closed sessions are to be known: `cold_start_sessions["1d"]`. */
  readonly sessionsBack: number;
  /** A catch-up is on its way: one at a time. */
  readonly isCatchingUp: boolean;
  readonly memory: DailyMemory;
}

/** The fetches that a tick plans, and what is to be remembered with them. */
export interface DailyPlan {
  readonly fetches: readonly DailyFetch[];
  readonly memory: DailyMemory;
}

/**
 * Plans the daily bars. Each session is asked for three times: close + 20 min, 20:15 and 07:00 New York of
 * the next trading date, for real days change until then. Dates that nobody has answered yet (all at first)
 * are caught up with, newest first, some at a time; a round that has come to its end begins again when a new
 * date could be caught up with.
 */
export function planDaily(input: DailyPlanInput): DailyPlan {
  const passes = planPasses(input);
  const memory = {
    ...input.memory,
    plannedCloseMs: lastClosed(input.calendar, input.nowMs).closeMs,
  };
  const catchUp = input.isCatchingUp ? null : planCatchUp(input);
  if (catchUp === null) return { fetches: passes, memory };
  return {
    fetches: catchUp.dates.length === 0 ? passes : [...passes, catchUp],
    memory: { ...memory, round: catchUp.round },
  };
}

/** The memory after these dates were answered; it holds no more than the newest `sessionsBack` dates. */
export function withAnswered(
  memory: DailyMemory,
  dates: readonly TradingDate[],
  sessionsBack: number,
): DailyMemory {
  const all = [...new Set([...memory.answered, ...dates])].toSorted();
  return {
    ...memory,
    answered: all.slice(Math.max(0, all.length - sessionsBack - BELIEF_SESSIONS)),
  };
}

/** The memory that begins a new round: the universe was read again, so there may be symbols now. */
export function withNewRound(memory: DailyMemory): DailyMemory {
  return { ...memory, round: null };
}

/** The oldest trading date whose daily bars go through the flush at `nowMs`. */
export function oldestFlushedDate(calendar: Calendar, nowMs: EpochMs): TradingDate {
  let session = lastClosed(calendar, nowMs);
  for (let back = 1; back < BELIEF_SESSIONS; back += 1) session = before(calendar, session);
  return session.date;
}

function planPasses({ calendar, nowMs, memory }: DailyPlanInput): DailyFetch[] {
  const fetches: DailyFetch[] = [];
  let session = lastClosed(calendar, nowMs);
  for (let back = 0; back < BELIEF_SESSIONS; back += 1) {
    if (memory.plannedCloseMs !== null && session.closeMs <= memory.plannedCloseMs) break;
    const passes = passesOf(calendar, session);
    // Of passes that nobody saw come due the last one says it all; at the first start that is the catch-up's.
    const duePasses = passes.filter(({ dueMs }) => dueMs <= nowMs);
    const missed = memory.plannedCloseMs === null ? [] : duePasses.slice(-1);
    fetches.push(...missed, ...passes.filter(({ dueMs }) => dueMs > nowMs));
    session = before(calendar, session);
  }
  return fetches;
}

function passesOf(calendar: Calendar, session: TradingSession): DailyFetch[] {
  const { date } = session;
  const next = calendar.nextSession(session.openMs);
  return [
    { what: `${date}:close`, dates: [date], dueMs: session.closeMs + FIRST_AFTER_CLOSE_MS },
    { what: `${date}:evening`, dates: [date], dueMs: newYorkMs(date, EVENING_MINUTE) },
    { what: `${date}:morning`, dates: [date], dueMs: newYorkMs(next.date, MORNING_MINUTE) },
  ];
}

function planCatchUp(
  input: DailyPlanInput,
): (DailyFetch & { readonly round: NonNullable<DailyMemory["round"]> }) | null {
  const { calendar, nowMs, sessionsBack, memory } = input;
  if (sessionsBack === 0) return null;
  let session = lastClosed(calendar, nowMs - CATCH_UP_AFTER_CLOSE_MS);
  const newest = session.date;
  const isSameRound = memory.round?.newest === newest;
  const from = isSameRound ? memory.round?.before : undefined;
  const answered = new Set(memory.answered);
  const dates: TradingDate[] = [];
  let oldest = newest;
  for (let back = 0; back < sessionsBack && dates.length < CATCH_UP_DATES; back += 1) {
    oldest = session.date;
    if ((from === undefined || oldest < from) && !answered.has(oldest)) dates.push(oldest);
    session = before(calendar, session);
  }
  const what = `catch-up:${dates[0] ?? ""}`;
  return { what, dates, dueMs: nowMs, round: { newest, before: oldest } };
}

function lastClosed(calendar: Calendar, nowMs: EpochMs): TradingSession {
  const session = calendar.previousSession(nowMs);
  return session.closeMs <= nowMs ? session : before(calendar, session);
}

function before(calendar: Calendar, session: TradingSession): TradingSession {
  return calendar.previousSession(session.openMs - 1);
}
