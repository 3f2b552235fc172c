import type { CalendarClaim, DayHours } from "../../domain/calendar-claim.ts";
import type { CalendarRequest } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import type { AlpacaDay } from "./schema.ts";

/** `HH:MM` as minutes of the day. */
function minuteOf(wallTime: string): number {
  const [hours, minutes] = wallTime.split(":");
  return Number(hours) * 60 + Number(minutes);
}

/**
 * Trading days as a claim: `open` and `close` are New York wall times, an asked date without a row is
 * closed. Throws `malformed` when there is no row at all, for no two months are without a session, when
 * a date comes twice or was not asked for, or when a day ends before it begins.
 */
export function toCalendarClaim(
  days: readonly AlpacaDay[],
  { from, through }: CalendarRequest,
): CalendarClaim {
  const hoursOf = new Map<string, DayHours>();
  for (const { date, open, close } of days) {
    const hours = { openMinute: minuteOf(open), closeMinute: minuteOf(close) };
    if (date < from || date > through || hoursOf.has(date))
      throw new ProviderError("malformed", `${date} was not asked for, or comes twice`);
    if (hours.closeMinute <= hours.openMinute)
      throw new ProviderError("malformed", `${date} trades from ${open} to ${close}`);
    hoursOf.set(date, hours);
  }
  if (hoursOf.size === 0) throw new ProviderError("malformed", "a calendar without a session");
  const named = [...hoursOf].map(([date, hours]) => ({ date, hours }));
  return { provider: "alpaca", from, through, days: named, unnamed: "closed" };
}
