import type { CalendarOverride } from "../../src/domain/calendar-override.ts";
import { createCalendar, type TradingSession } from "../../src/domain/calendar.ts";
import { newYorkMs } from "../../src/domain/new-york-time.ts";
import { DAY_MS } from "../../src/domain/time.ts";
import type { TradingDate } from "../../src/domain/trading-date.ts";

/**
 * Overrides that close every session that a file of bars lacks, from its first to its last date. A
 * date that the rules close already gets none: an override there is a fault.
 */
export function overridesForFile(dates: readonly TradingDate[]): CalendarOverride[] {
  const [first, last] = [dates[0], dates.at(-1)];
  if (first === undefined || last === undefined) throw new RangeError("the file has no bars");
  const present = new Set(dates);
  return createCalendar()
    .sessionsBetween(newYorkMs(first, 0), newYorkMs(last, 0) + DAY_MS)
    .filter((session) => !present.has(session.date))
    .map((session) => ({ date: session.date, closed: true }) as const);
}

/** The sessions of a file, in order. Throws for a date on which the rules say that nothing trades. */
export function sessionsOfFile(
  dates: readonly TradingDate[],
  overrides: readonly CalendarOverride[],
): TradingSession[] {
  const calendar = createCalendar(overrides);
  return dates.map((date) => {
    const session = calendar.session(date);
    if (session === undefined)
      throw new RangeError(`the file has bars on ${date}, when the market was closed`);
    return session;
  });
}
