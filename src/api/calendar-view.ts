import type { CalendarCheck } from "../contracts/calendar-check.ts";
import {
  calendarDifferences,
  type CalendarDifference,
  type DayHours,
  differenceText,
  wallTime,
} from "../domain/calendar-claim.ts";
import { tradingDateOf } from "../domain/new-york-time.ts";
import { toIso } from "../domain/time.ts";
import { calendarOf, type Settings } from "../env.ts";
import { marketClock } from "../platform/clocks.ts";
import { symbolGroupStub } from "../platform/stubs.ts";
import { SERVICE_GROUP } from "../symbol-group/service-duties.ts";

/** The last check of the calendar, and on which of the dates ahead the provider says otherwise. */
export interface CheckedCalendar {
  readonly check: CalendarCheck;
  readonly differences: readonly CalendarDifference[];
}

/**
 * Asks group g00 what a provider said last, and compares it with the calendar as it is now. Null when
 * none was ever asked. Rejects when the group does not answer.
 */
export async function checkedCalendar(
  settings: Settings,
  env: Env,
): Promise<CheckedCalendar | null> {
  const check = await symbolGroupStub(env, SERVICE_GROUP).calendarCheck();
  if (check === null) return null;
  const today = tradingDateOf(marketClock.now());
  return { check, differences: calendarDifferences(check.claim, calendarOf(settings), today) };
}

/** What readiness warns of: each date on which a provider says otherwise. */
export function calendarWarnings(checked: CheckedCalendar | null): string[] {
  return (checked?.differences ?? []).map(
    (difference) => `calendar: ${differenceText(difference)}`,
  );
}

/** A check as the API shows it; `at` is market time. */
export function checkView({ check: { checkedAtMs, claim } }: CheckedCalendar) {
  const { provider, from, through } = claim;
  return { provider, at: toIso(checkedAtMs), from, through };
}

/** A difference as the API shows it: hours are New York wall times, null for no session. */
export function differenceView(difference: CalendarDifference) {
  const { provider, date, theirs, ours } = difference;
  const text = differenceText(difference);
  return { provider, date, theirs: hoursView(theirs), ours: hoursView(ours), text };
}

function hoursView(hours: DayHours) {
  if (hours === "closed") return null;
  return { open: wallTime(hours.openMinute), close: wallTime(hours.closeMinute) };
}
