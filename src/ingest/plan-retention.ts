import type { Calendar } from "../domain/calendar.ts";
import { lastDueDate } from "../domain/last-due-date.ts";
import type { EpochMs } from "../domain/time.ts";
import { type PlannedTask, taskDuty } from "../symbol-group/service-duties.ts";

/** At 03:00 New York, between the sessions: a drop has the tables for itself for a moment. */
const RETENTION_MINUTE = 3 * 60;

/**
 * The newest retention that was due at a tick, named by its trading date: one a trading date, and one at once
 * in a service that never made any.
 */
export function planRetention(tickMs: EpochMs, calendar: Calendar): PlannedTask[] {
  const { date, dueMs } = lastDueDate(calendar, tickMs, RETENTION_MINUTE);
  const duty = taskDuty("retention", date);
  return [{ task: { v: 1, type: "retention", duty }, dueMs, once: false }];
}
