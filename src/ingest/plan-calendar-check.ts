import type { Calendar } from "../domain/calendar.ts";
import { lastDueDate } from "../domain/last-due-date.ts";
import type { EpochMs } from "../domain/time.ts";
import { type PlannedTask, taskDuty } from "../symbol-group/service-duties.ts";

/** At 06:10 New York of each trading date: after the symbol lists, three hours before the open. */
const CHECK_MINUTE = 6 * 60 + 10;

/**
 * The newest check that was due at a tick, named by its trading date: one a trading date, and one at
 * once in a service that never made any.
 */
export function planCalendarCheck(tickMs: EpochMs, calendar: Calendar): PlannedTask[] {
  const { date, dueMs } = lastDueDate(calendar, tickMs, CHECK_MINUTE);
  const duty = taskDuty("calendar_check", date);
  return [{ task: { v: 1, type: "calendar_check", duty }, dueMs, once: false }];
}
