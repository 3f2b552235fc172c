import { CLOSING_WINDOW_MS, type Calendar, type TradingSession } from "./calendar.ts";
import { DAY_MS, type TimeRange } from "./time.ts";

/** Which minutes of a trading date a reader wants; without a choice the regular ones and the closing window. */
export const SESSION_CHOICES = ["pre", "regular", "post", "all"] as const;
export type SessionChoice = (typeof SESSION_CHOICES)[number];

/**
 * Where the minutes of a choice lie, oldest first, of every session that touches `range`; undefined: anywhere, also
 * where the calendar knows no session. Without a choice: from the open to the end of the closing window, where the
 * closing auction prints. Throws a RangeError outside the calendar years.
 */
export function sessionRanges(
  calendar: Calendar,
  choice: SessionChoice | undefined,
  range: TimeRange,
): TimeRange[] | undefined {
  if (choice === "all") return undefined;
  // A session is found by its regular minutes; what belongs to it lies within a day of them.
  return calendar
    .sessionsBetween(range.startMs - DAY_MS, range.endMs + DAY_MS)
    .map((session) => rangeOf(session, choice));
}

function rangeOf(session: TradingSession, choice: Exclude<SessionChoice, "all"> | undefined) {
  switch (choice) {
    case "pre":
      return { startMs: session.preOpenMs, endMs: session.openMs };
    case "regular":
      return { startMs: session.openMs, endMs: session.closeMs };
    case "post":
      return { startMs: session.closeMs, endMs: session.postCloseMs };
    case undefined:
      return { startMs: session.openMs, endMs: session.closeMs + CLOSING_WINDOW_MS };
  }
}
