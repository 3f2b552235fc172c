import { DAY_MS } from "./time.ts";

/** A New York date, `YYYY-MM-DD`. */
export type TradingDate = string;

/** The years whose market rules are written down; outside them every question is refused. */
export const FIRST_CALENDAR_YEAR = 1990;
export const LAST_CALENDAR_YEAR = 2030;

/** A date taken apart. `dayNumber` counts days since 1970-01-01; `weekday` is 0 for Sunday. */
export interface CivilDate {
  readonly dayNumber: number;
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
}

const TRADING_DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

/** Days since 1970-01-01 of a date of the proleptic Gregorian calendar; `month` is 1 to 12. */
export function dayNumberOf(year: number, month: number, day: number): number {
  return Date.UTC(year, month - 1, day) / DAY_MS;
}

/** The date with this day number. */
export function civilDateOf(dayNumber: number): CivilDate {
  const date = new Date(dayNumber * DAY_MS);
  return {
    dayNumber,
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
  };
}

/**
 * Day number of a date given as text. Throws a RangeError for text that is no date (`2026-02-30`)
 * and for a year the calendar does not know.
 */
export function parseTradingDate(date: TradingDate): number {
  const match = TRADING_DATE.exec(date);
  const dayNumber =
    match === null ? Number.NaN : dayNumberOf(Number(match[1]), Number(match[2]), Number(match[3]));
  if (Number.isNaN(dayNumber) || formatTradingDate(dayNumber) !== date) {
    throw new RangeError(`"${date.slice(0, 40)}" is not a date YYYY-MM-DD`);
  }
  assertCalendarYear(Number(match?.[1]));
  return dayNumber;
}

/** Whether a text is a date of a year that the calendar knows. */
export function isTradingDate(text: string): text is TradingDate {
  try {
    parseTradingDate(text);
    return true;
  } catch {
    return false;
  }
}

/** The text of a day number, `YYYY-MM-DD`. */
export function formatTradingDate(dayNumber: number): TradingDate {
  return new Date(dayNumber * DAY_MS).toISOString().slice(0, 10);
}

/** Throws a RangeError that names the year when no rules are known for it. */
export function assertCalendarYear(year: number): void {
  if (!(year >= FIRST_CALENDAR_YEAR && year <= LAST_CALENDAR_YEAR)) {
    throw new RangeError(
      `the trading calendar covers ${FIRST_CALENDAR_YEAR} to ${LAST_CALENDAR_YEAR}, not ${year}`,
    );
  }
}
