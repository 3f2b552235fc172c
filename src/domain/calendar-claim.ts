import type { Calendar } from "./calendar.ts";
import { OPEN_MINUTE } from "./calendar-override.ts";
import { REGULAR_CLOSE_MINUTE } from "./early-closes.ts";
import { newYorkDayMs } from "./new-york-time.ts";
import type { ProviderId } from "./provider-id.ts";
import { MINUTE_MS } from "./time.ts";
import type { TradingDate } from "./trading-date.ts";
import { civilDateOf, formatTradingDate, parseTradingDate } from "./trading-date.ts";

/** When the regular session of a date opens and closes, in minutes of the New York day, or that there is none. */
export type DayHours = { readonly openMinute: number; readonly closeMinute: number } | "closed";

/** What a provider says of the trading dates `from` to `through`, both included. */
export interface CalendarClaim {
  readonly provider: ProviderId;
  readonly from: TradingDate;
  readonly through: TradingDate;
  /** The dates that it names, each once, all of them in its range. */
  readonly days: readonly { readonly date: TradingDate; readonly hours: DayHours }[];
  /** What it means by not naming a weekday: a list of sessions says closed, a list of holidays says full. */
  readonly unnamed: "closed" | "full";
}

/** A date on which a provider's calendar and ours say different things. */
export interface CalendarDifference {
  readonly provider: ProviderId;
  readonly date: TradingDate;
  readonly theirs: DayHours;
  readonly ours: DayHours;
}

/** How far ahead a provider is asked: a closure is announced days before it, an early close a year. */
export const CLAIM_DAYS_AHEAD = 60;

const FULL_DAY: DayHours = { openMinute: OPEN_MINUTE, closeMinute: REGULAR_CLOSE_MINUTE };

/**
 * The dates from `today` on where a claim differs from the calendar, in order. Days before are no
 * matter any more. Throws a RangeError outside the calendar years.
 */
export function calendarDifferences(
  claim: CalendarClaim,
  calendar: Calendar,
  today: TradingDate,
): CalendarDifference[] {
  const named = new Map(claim.days.map(({ date, hours }) => [date, hours]));
  const first = parseTradingDate(claim.from < today ? today : claim.from);
  const last = parseTradingDate(claim.through);
  const differences: CalendarDifference[] = [];
  for (let day = first; day <= last; day += 1) {
    const date = formatTradingDate(day);
    const theirs = named.get(date) ?? unnamedHours(claim, day);
    const ours = hoursOf(calendar, day);
    if (!areSame(theirs, ours)) differences.push({ provider: claim.provider, date, theirs, ours });
  }
  return differences;
}

/** A difference as people read it: `alpaca closes 2026-12-24 at 13:00, we at 16:00`. */
export function differenceText({ provider, date, theirs, ours }: CalendarDifference): string {
  if (theirs === "closed") return `${provider} has no session on ${date}, we have one`;
  if (ours === "closed") {
    const { openMinute, closeMinute } = theirs;
    return `${provider} trades ${date} from ${wallTime(openMinute)} to ${wallTime(closeMinute)}, we have no session`;
  }
  const says = (verb: string, their: number, our: number) =>
    their === our
      ? []
      : [`${provider} ${verb} ${date} at ${wallTime(their)}, we at ${wallTime(our)}`];
  return [
    ...says("opens", theirs.openMinute, ours.openMinute),
    ...says("closes", theirs.closeMinute, ours.closeMinute),
  ].join("; ");
}

/** A minute of the New York day as `HH:MM`. */
export function wallTime(minute: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

function unnamedHours({ unnamed }: CalendarClaim, day: number): DayHours {
  const { weekday } = civilDateOf(day);
  return unnamed === "closed" || weekday === 0 || weekday === 6 ? "closed" : FULL_DAY;
}

function hoursOf(calendar: Calendar, day: number): DayHours {
  const session = calendar.session(formatTradingDate(day));
  if (session === undefined) return "closed";
  const midnightMs = newYorkDayMs(day, 0);
  return {
    openMinute: (session.openMs - midnightMs) / MINUTE_MS,
    closeMinute: (session.closeMs - midnightMs) / MINUTE_MS,
  };
}

function areSame(a: DayHours, b: DayHours): boolean {
  if (a === "closed" || b === "closed") return a === b;
  return a.openMinute === b.openMinute && a.closeMinute === b.closeMinute;
}
