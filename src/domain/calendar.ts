import type { CalendarOverride, DayOverride } from "./calendar-override.ts";
import { indexOverrides, OPEN_MINUTE } from "./calendar-override.ts";
import { closeMinuteByRule, REGULAR_CLOSE_MINUTE } from "./early-closes.ts";
import { closureReason } from "./holidays.ts";
import { newYorkDayMs, newYorkDayNumber } from "./new-york-time.ts";
import { DAY_MS, MINUTE_MS } from "./time.ts";
import type { EpochMs } from "./time.ts";
import type { TradingDate } from "./trading-date.ts";
import { formatTradingDate, parseTradingDate } from "./trading-date.ts";

/**
 * One day of US equities trading, all instants UTC and half-open: pre `[preOpenMs, openMs)`, regular
 * `[openMs, closeMs)`, post `[closeMs, postCloseMs)`. It never crosses a New York midnight.
 */
export interface TradingSession {
  readonly date: TradingDate;
  /** 04:00 New York. */
  readonly preOpenMs: EpochMs;
  /** 09:30. */
  readonly openMs: EpochMs;
  /** 16:00, or 13:00 on an early close. */
  readonly closeMs: EpochMs;
  /** Four hours after the close: 20:00, or 17:00 on an early close. */
  readonly postCloseMs: EpochMs;
  readonly earlyClose: boolean;
}

/** Part of the trading day. */
export type SessionKind = "pre" | "regular" | "post";

/**
 * The US equities calendar (XNYS), 1990 to 2030. Every method throws a RangeError that names the
 * year when the answer lies outside, and for a malformed date.
 */
export interface Calendar {
  /** The session of a date; undefined when the market is closed all day. */
  session(date: TradingDate): TradingSession | undefined;
  /** The session in whose `[preOpenMs, postCloseMs)` the instant lies. */
  sessionContaining(ms: EpochMs): TradingSession | undefined;
  /** The first session with `openMs > ms`. */
  nextSession(ms: EpochMs): TradingSession;
  /** The last session with `openMs <= ms`. */
  previousSession(ms: EpochMs): TradingSession;
  /**
   * Sessions, oldest first, whose `[openMs, closeMs)` overlaps `[startMs, endMs)`; none when the
   * range is empty. Throws a RangeError for more than `MAX_RANGE_DAYS`.
   */
  sessionsBetween(startMs: EpochMs, endMs: EpochMs): TradingSession[];
  /** Which part of the trading day the minute starting at `ms` is in; undefined outside. */
  sessionKind(ms: EpochMs): SessionKind | undefined;
  /** Whether a bar is expected for the minute starting at `ms`: regular minutes only. */
  isExpectedMinute(ms: EpochMs): boolean;
  /** Whether the closing auction may print in the minute starting at `ms`. */
  isClosingWindow(ms: EpochMs): boolean;
}

/**
 * Where the closing auction prints: the bars that start from the close to four minutes after it. Thin
 * symbols do print as late as that.
 */
export const CLOSING_WINDOW_MS = 5 * MINUTE_MS;

/** Ten years: five times the deepest backfill, and a list that is quick to build. */
export const MAX_RANGE_DAYS = 3_660;

const PRE_OPEN_MINUTE = 4 * 60;
const POST_MINUTES = 4 * 60;

/** How many minutes of a session are expected: 390, or 210 on a close at 13:00. */
export function expectedMinutes(session: TradingSession): number {
  return (session.closeMs - session.openMs) / MINUTE_MS;
}

/** Which part of a session an instant of `[preOpenMs, postCloseMs)` is in. */
export function kindWithin(session: TradingSession, ms: EpochMs): SessionKind {
  if (ms < session.openMs) return "pre";
  return ms < session.closeMs ? "regular" : "post";
}

/** Whether the closing auction of a session may print in the minute starting at `ms`. */
export function isInClosingWindow(session: TradingSession, ms: EpochMs): boolean {
  return ms >= session.closeMs && ms < session.closeMs + CLOSING_WINDOW_MS;
}

function buildSession(dayNumber: number, override?: DayOverride): TradingSession | undefined {
  if (override === "closed" || closureReason(dayNumber) !== undefined) return undefined;
  const closeMinute = override?.closeMinute ?? closeMinuteByRule(dayNumber);
  return {
    date: formatTradingDate(dayNumber),
    preOpenMs: newYorkDayMs(dayNumber, PRE_OPEN_MINUTE),
    openMs: newYorkDayMs(dayNumber, OPEN_MINUTE),
    closeMs: newYorkDayMs(dayNumber, closeMinute),
    postCloseMs: newYorkDayMs(dayNumber, closeMinute + POST_MINUTES),
    earlyClose: closeMinute < REGULAR_CLOSE_MINUTE,
  };
}

class RuleCalendar implements Calendar {
  readonly #overrides: ReadonlyMap<number, DayOverride>;
  /** Every bar asks for its session. One entry a day of 41 years at most: 15,000. */
  readonly #sessions = new Map<number, TradingSession | "closed">();

  constructor(overrides: ReadonlyMap<number, DayOverride>) {
    this.#overrides = overrides;
  }

  session(date: TradingDate): TradingSession | undefined {
    return this.#sessionOn(parseTradingDate(date));
  }

  sessionContaining(ms: EpochMs): TradingSession | undefined {
    const session = this.#sessionOn(newYorkDayNumber(ms));
    if (session === undefined) return undefined;
    return ms >= session.preOpenMs && ms < session.postCloseMs ? session : undefined;
  }

  nextSession(ms: EpochMs): TradingSession {
    // Ends by a session or by the RangeError of the first day past the calendar years.
    for (let day = newYorkDayNumber(ms); ; day += 1) {
      const session = this.#sessionOn(day);
      if (session !== undefined && session.openMs > ms) return session;
    }
  }

  previousSession(ms: EpochMs): TradingSession {
    for (let day = newYorkDayNumber(ms); ; day -= 1) {
      const session = this.#sessionOn(day);
      if (session !== undefined && session.openMs <= ms) return session;
    }
  }

  sessionsBetween(startMs: EpochMs, endMs: EpochMs): TradingSession[] {
    if (endMs <= startMs) return [];
    if (!(endMs - startMs <= MAX_RANGE_DAYS * DAY_MS)) {
      throw new RangeError(`a range of sessions is at most ${MAX_RANGE_DAYS} days`);
    }
    const lastDay = newYorkDayNumber(endMs - 1);
    const sessions: TradingSession[] = [];
    for (let day = newYorkDayNumber(startMs); day <= lastDay; day += 1) {
      const session = this.#sessionOn(day);
      if (session !== undefined && session.openMs < endMs && session.closeMs > startMs) {
        sessions.push(session);
      }
    }
    return sessions;
  }

  sessionKind(ms: EpochMs): SessionKind | undefined {
    const session = this.sessionContaining(ms);
    return session === undefined ? undefined : kindWithin(session, ms);
  }

  isExpectedMinute(ms: EpochMs): boolean {
    return this.sessionKind(ms) === "regular";
  }

  isClosingWindow(ms: EpochMs): boolean {
    const session = this.sessionContaining(ms);
    return session !== undefined && isInClosingWindow(session, ms);
  }

  #sessionOn(dayNumber: number): TradingSession | undefined {
    let session = this.#sessions.get(dayNumber);
    if (session === undefined) {
      session = buildSession(dayNumber, this.#overrides.get(dayNumber)) ?? "closed";
      this.#sessions.set(dayNumber, session);
    }
    return session === "closed" ? undefined : session;
  }
}

/**
 * The calendar of the rules, changed by `overrides`. Throws a RangeError that names the dates when
 * an override is malformed, given twice, or on a day that the rules close.
 */
export function createCalendar(overrides: readonly CalendarOverride[] = []): Calendar {
  return new RuleCalendar(indexOverrides(overrides));
}
