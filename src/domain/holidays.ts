import type { CivilDate, TradingDate } from "./trading-date.ts";
import { civilDateOf, dayNumberOf, formatTradingDate, parseTradingDate } from "./trading-date.ts";

const MONDAY = 1;
const THURSDAY = 4;

interface HolidayRule {
  readonly name: string;
  /** First year in which the market closed for it; absent when it did in all calendar years. */
  readonly fromYear?: number;
  readonly isOn: (date: CivilDate) => boolean;
}

/**
 * A fixed date. On a Sunday it is kept on Monday, on a Saturday on the Friday before, unless that
 * Friday ends an accounting period. So New Year's Day is never kept on Friday December 31: only the
 * holiday of the date's own year is looked at.
 * Source: NYSE Rule 7.2 (formerly Rule 51), Holidays.
 */
function fixedDate(month: number, day: number) {
  return (date: CivilDate): boolean => {
    const holiday = civilDateOf(dayNumberOf(date.year, month, day));
    const shift = holiday.weekday === 0 ? 1 : holiday.weekday === 6 ? -1 : 0;
    return date.dayNumber === holiday.dayNumber + shift;
  };
}

/** The `nth` given weekday of a month, 1 = first. */
function nthWeekday(month: number, weekday: number, nth: number) {
  return (date: CivilDate): boolean =>
    date.month === month && date.weekday === weekday && Math.ceil(date.day / 7) === nth;
}

/**
 * Day number of Easter Sunday in the Gregorian calendar.
 * Source: the anonymous algorithm of Nature, 20 April 1876, in Meeus, Astronomical Algorithms, ch. 8.
 */
function easterDayNumber(year: number): number {
  const golden = year % 19;
  const century = Math.floor(year / 100);
  const correction = Math.floor((century - Math.floor((century + 8) / 25) + 1) / 3);
  const epact = (19 * golden + century - Math.floor(century / 4) - correction + 15) % 30;
  const dominical =
    (32 + 2 * (century % 4) + 2 * Math.floor((year % 100) / 4) - epact - (year % 4)) % 7;
  const late = Math.floor((golden + 11 * epact + 22 * dominical) / 451);
  const marchDay = epact + dominical - 7 * late + 22;
  return dayNumberOf(year, 3, marchDay);
}

/** Source: NYSE Rule 7.2 and the yearly holiday notices; first years from the NYSE closings list. */
const HOLIDAYS: readonly HolidayRule[] = [
  { name: "New Year's Day", isOn: fixedDate(1, 1) },
  { name: "Martin Luther King Jr. Day", fromYear: 1998, isOn: nthWeekday(1, MONDAY, 3) },
  { name: "Washington's Birthday", isOn: nthWeekday(2, MONDAY, 3) },
  { name: "Good Friday", isOn: (date) => date.dayNumber === easterDayNumber(date.year) - 2 },
  {
    name: "Memorial Day",
    isOn: (date) => date.month === 5 && date.weekday === MONDAY && date.day > 31 - 7,
  },
  { name: "Juneteenth", fromYear: 2022, isOn: fixedDate(6, 19) },
  { name: "Independence Day", isOn: fixedDate(7, 4) },
  { name: "Labor Day", isOn: nthWeekday(9, MONDAY, 1) },
  { name: "Thanksgiving Day", isOn: nthWeekday(11, THURSDAY, 4) },
  { name: "Christmas Day", isOn: fixedDate(12, 25) },
];

/** Closures by decision, not by rule. Source: NYSE, Special Closings, and its later notices. */
const SPECIAL_CLOSURES: ReadonlyMap<TradingDate, string> = new Map([
  ["1994-04-27", "funeral of President Nixon"],
  ["2001-09-11", "attacks of September 11"],
  ["2001-09-12", "attacks of September 11"],
  ["2001-09-13", "attacks of September 11"],
  ["2001-09-14", "attacks of September 11"],
  ["2004-06-11", "day of mourning for President Reagan"],
  ["2007-01-02", "day of mourning for President Ford"],
  ["2012-10-29", "Hurricane Sandy"],
  ["2012-10-30", "Hurricane Sandy"],
  ["2018-12-05", "day of mourning for President George H. W. Bush"],
  ["2025-01-09", "day of mourning for President Carter"],
]);

/** Why the market is closed all day, for people to read; undefined when it opens. */
export function closureReason(dayNumber: number): string | undefined {
  const date = civilDateOf(dayNumber);
  if (date.weekday === 0 || date.weekday === 6) return "weekend";
  const holiday = HOLIDAYS.find((rule) => date.year >= (rule.fromYear ?? 0) && rule.isOn(date));
  return holiday?.name ?? SPECIAL_CLOSURES.get(formatTradingDate(dayNumber));
}

/**
 * Whether weekends, holidays and past special closures close the market all day, before any
 * override. Throws a RangeError for a malformed date and outside the calendar years.
 */
export function isClosedByRule(date: TradingDate): boolean {
  return closureReason(parseTradingDate(date)) !== undefined;
}
