import { DAY_MS, HOUR_MS, MINUTE_MS } from "./time.ts";
import type { EpochMs, TimeRange } from "./time.ts";
import type { TradingDate } from "./trading-date.ts";
import {
  assertCalendarYear,
  civilDateOf,
  dayNumberOf,
  FIRST_CALENDAR_YEAR,
  formatTradingDate,
  LAST_CALENDAR_YEAR,
  parseTradingDate,
} from "./trading-date.ts";

/** Behind UTC: Eastern standard time 5 hours, Eastern daylight time 4. */
const STANDARD_LAG_MS = 5 * HOUR_MS;
const DAYLIGHT_LAG_MS = 4 * HOUR_MS;
const MINUTES_PER_DAY = 1_440;

/** Day number of the `nth` Sunday (1 = first) on or after a date. */
function sundayFrom(year: number, month: number, day: number, nth: number): number {
  const from = civilDateOf(dayNumberOf(year, month, day));
  return from.dayNumber + ((7 - from.weekday) % 7) + (nth - 1) * 7;
}

/**
 * When daylight time holds in a year; both changes happen at 02:00 of the wall clock.
 * Sources: Uniform Time Act as amended in 1986 (from 1987: first Sunday of April to last Sunday of
 * October) and Energy Policy Act of 2005, section 110 (from 2007: second Sunday of March to first
 * Sunday of November), 15 U.S.C. 260a.
 */
function daylightTime(year: number): TimeRange {
  const startDay = year < 2007 ? sundayFrom(year, 4, 1, 1) : sundayFrom(year, 3, 1, 2);
  const endDay = year < 2007 ? sundayFrom(year, 10, 25, 1) : sundayFrom(year, 11, 1, 1);
  return {
    startMs: startDay * DAY_MS + 2 * HOUR_MS + STANDARD_LAG_MS,
    endMs: endDay * DAY_MS + 2 * HOUR_MS + DAYLIGHT_LAG_MS,
  };
}

/** One entry for each calendar year: asked for every bar, so computed once. */
const DAYLIGHT_TIMES: readonly TimeRange[] = Array.from(
  { length: LAST_CALENDAR_YEAR - FIRST_CALENDAR_YEAR + 1 },
  (_, index) => daylightTime(FIRST_CALENDAR_YEAR + index),
);

function isDaylightTime(ms: EpochMs): boolean {
  // Standard time holds at both ends of every year, so it decides which year an instant is in.
  const year = new Date(ms - STANDARD_LAG_MS).getUTCFullYear();
  assertCalendarYear(year);
  const range = DAYLIGHT_TIMES[year - FIRST_CALENDAR_YEAR];
  return range !== undefined && ms >= range.startMs && ms < range.endMs;
}

/** Day number of the New York date of an instant. Throws a RangeError outside the calendar years. */
export function newYorkDayNumber(ms: EpochMs): number {
  return Math.floor((ms - (isDaylightTime(ms) ? DAYLIGHT_LAG_MS : STANDARD_LAG_MS)) / DAY_MS);
}

/** The New York date of an instant. Throws a RangeError outside the calendar years. */
export function tradingDateOf(ms: EpochMs): TradingDate {
  return formatTradingDate(newYorkDayNumber(ms));
}

/**
 * The instant at which New York clocks show a time of day, given by day number.
 * A time that a spring change skips is read as one hour later; one that an autumn change repeats is
 * the first of the two. Neither hour (01:00 to 03:00 of a Sunday) is ever in a session.
 */
export function newYorkDayMs(dayNumber: number, minutesOfDay: number): EpochMs {
  const wallMs = dayNumber * DAY_MS + minutesOfDay * MINUTE_MS;
  const daylightMs = wallMs + DAYLIGHT_LAG_MS;
  const { year } = civilDateOf(dayNumber);
  assertCalendarYear(year);
  const range = DAYLIGHT_TIMES[year - FIRST_CALENDAR_YEAR];
  const isDaylight = range !== undefined && daylightMs >= range.startMs && daylightMs < range.endMs;
  return isDaylight ? daylightMs : wallMs + STANDARD_LAG_MS;
}

/**
 * The instant of a New York wall time; `minutesOfDay` counts from midnight, 0 to 1440 (the next
 * midnight). Throws a RangeError for a malformed date, a year or a minute out of range.
 */
export function newYorkMs(date: TradingDate, minutesOfDay: number): EpochMs {
  if (!(minutesOfDay >= 0 && minutesOfDay <= MINUTES_PER_DAY)) {
    throw new RangeError(`minutes of a day are 0 to ${MINUTES_PER_DAY}, not ${minutesOfDay}`);
  }
  return newYorkDayMs(parseTradingDate(date), minutesOfDay);
}
