import type { Calendar, SessionKind, TradingSession } from "./calendar.ts";
import { isInClosingWindow, kindWithin } from "./calendar.ts";
import { CalendarWindow, WINDOW_DAYS_EACH_SIDE } from "./calendar-window.ts";
import { DAY_MS } from "./time.ts";
import type { EpochMs } from "./time.ts";
import type { TradingDate } from "./trading-date.ts";

/** The window is not moved for less; nor is one that cannot be made tried for again with each minute. */
const MOVE_AFTER_MS = DAY_MS;

/**
 * A calendar that answers about minutes around now from a window worked out beforehand, and about all
 * others from the rules: the same answers, only sooner. The window stands where it was first needed
 * and is moved when a minute near now lies outside it, so a hit asks nobody for the time.
 */
class NearCalendar implements Calendar {
  #rules: Calendar;
  #now: () => EpochMs;
  #window: CalendarWindow | null = null;
  #centreMs = Number.NEGATIVE_INFINITY;

  constructor(rules: Calendar, now: () => EpochMs) {
    this.#rules = rules;
    this.#now = now;
  }

  session(date: TradingDate): TradingSession | undefined {
    return this.#rules.session(date);
  }

  nextSession(ms: EpochMs): TradingSession {
    return this.#rules.nextSession(ms);
  }

  previousSession(ms: EpochMs): TradingSession {
    return this.#rules.previousSession(ms);
  }

  sessionsBetween(startMs: EpochMs, endMs: EpochMs): TradingSession[] {
    return this.#rules.sessionsBetween(startMs, endMs);
  }

  sessionContaining(ms: EpochMs): TradingSession | undefined {
    return (this.#windowOf(ms) ?? this.#rules).sessionContaining(ms);
  }

  sessionKind(ms: EpochMs): SessionKind | undefined {
    const session = this.sessionContaining(ms);
    return session === undefined ? undefined : kindWithin(session, ms);
  }

  isExpectedMinute(ms: EpochMs): boolean {
    return (this.#windowOf(ms) ?? this.#rules).isExpectedMinute(ms);
  }

  isClosingWindow(ms: EpochMs): boolean {
    const session = this.sessionContaining(ms);
    return session !== undefined && isInClosingWindow(session, ms);
  }

  /** The window that holds an instant; null for one that is far from now. */
  #windowOf(ms: EpochMs): CalendarWindow | null {
    const window = this.#window;
    if (window?.holds(ms) === true) return window;
    const nowMs = this.#now();
    const isNear = Math.abs(ms - nowMs) < WINDOW_DAYS_EACH_SIDE * DAY_MS;
    if (!isNear || Math.abs(nowMs - this.#centreMs) < MOVE_AFTER_MS) return null;
    this.#centreMs = nowMs;
    try {
      this.#window = new CalendarWindow(this.#rules, nowMs);
    } catch (error) {
      // The first or the last weeks of the calendar years: the rules say what they know of them.
      if (!(error instanceof RangeError)) throw error;
      this.#window = null;
    }
    return this.#window?.holds(ms) === true ? this.#window : null;
  }
}

/** The calendar of `rules`, quick around `now` (market time). */
export function createNearCalendar(rules: Calendar, now: () => EpochMs): Calendar {
  return new NearCalendar(rules, now);
}
