import type { CivilDate, TradingDate } from "./trading-date.ts";
import { civilDateOf, formatTradingDate } from "./trading-date.ts";

/** When a full session ends, in minutes of the New York day: 16:00. */
export const REGULAR_CLOSE_MINUTE = 16 * 60;

const TWO_PM = 14 * 60;
const ONE_PM = 13 * 60;

const MONDAY = 1;
const TUESDAY = 2;
const WEDNESDAY = 3;
const THURSDAY = 4;
const FRIDAY = 5;

/**
 * Early closes of the whole market that follow no rule. Not listed, because a halt leaves minutes
 * without trade and ends no session: trouble of one venue (NYSE, 2005-06-01 15:56), moments of
 * silence, late openings (the last for the whole market: 2002-09-11).
 * Source: NYSE, Special Closings; 1999-12-31 from the XNYS calendar of exchange_calendars.
 */
const SPECIAL_CLOSES: ReadonlyMap<TradingDate, number> = new Map([
  ["1994-02-11", 14 * 60 + 30], // snow
  ["1996-01-08", TWO_PM], // snow
  ["1997-10-27", 15 * 60 + 30], // circuit breaker, not lifted before the close
  ["1997-12-26", ONE_PM], // day after Christmas
  ["1999-12-31", ONE_PM], // New Year's Eve 1999
  ["2003-12-26", ONE_PM], // day after Christmas
]);

/** From 1992 on: the Friday after the fourth Thursday of November. */
function isDayAfterThanksgiving(date: CivilDate): boolean {
  const isAfterFourthThursday = date.day >= 23 && date.day <= 29;
  return date.year >= 1992 && date.month === 11 && date.weekday === FRIDAY && isAfterFourthThursday;
}

/** Christmas Eve from Monday to Thursday; on a Friday the market keeps Christmas Day then. */
function isChristmasEve(date: CivilDate): boolean {
  return date.month === 12 && date.day === 24 && date.weekday <= THURSDAY && date.weekday >= MONDAY;
}

/**
 * Around July 4, from 1995 on: July 3 on a Monday, Tuesday or Thursday. When July 4 is a Thursday
 * it was Friday the 5th up to 2012, and is Wednesday the 3rd since 2013.
 */
function isAroundIndependenceDay(date: CivilDate): boolean {
  if (date.month !== 7 || date.year < 1995) return false;
  if (date.day === 5) return date.weekday === FRIDAY && date.year <= 2012;
  if (date.day !== 3) return false;
  if (date.weekday === WEDNESDAY) return date.year >= 2013;
  return date.weekday === MONDAY || date.weekday === TUESDAY || date.weekday === THURSDAY;
}

/**
 * When the regular session of an open day ends by rule, in minutes of the New York day. Scheduled
 * early closes are at 13:00, and were at 14:00 up to 1992. Says nothing of whether the day is open.
 * Source: NYSE yearly holiday and early-closing notices (Rule 7.2), NYSE Special Closings.
 */
export function closeMinuteByRule(dayNumber: number): number {
  const date = civilDateOf(dayNumber);
  if (isDayAfterThanksgiving(date) || isChristmasEve(date) || isAroundIndependenceDay(date)) {
    return date.year <= 1992 ? TWO_PM : ONE_PM;
  }
  return SPECIAL_CLOSES.get(formatTradingDate(dayNumber)) ?? REGULAR_CLOSE_MINUTE;
}
