import type { Calendar } from "../domain/calendar.ts";
import { lastDueDate } from "../domain/last-due-date.ts";
import type { EpochMs } from "../domain/time.ts";
import { type PlannedTask, taskDuty } from "../symbol-group/service-duties.ts";

/** Lists are read at 06:00 New York of each trading date: before the first session of the day that may be served. */
const REFRESH_MINUTE = 6 * 60;

/**
 * The newest refresh that was due at a tick, named by its trading date. Since a name is planned once,
 * this is one refresh a trading date, and one at once in a service that never made any.
 */
export function planUniverse(tickMs: EpochMs, calendar: Calendar): PlannedTask[] {
  const { date, dueMs } = lastDueDate(calendar, tickMs, REFRESH_MINUTE);
  const duty = taskDuty("universe", date);
  return [{ task: { v: 1, type: "universe", duty, scope: "lists" }, dueMs, once: false }];
}
