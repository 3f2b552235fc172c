import type { Calendar } from "../domain/calendar.ts";
import { lastDueDate } from "../domain/last-due-date.ts";
import type { EpochMs } from "../domain/time.ts";
import { type PlannedTask, taskDuty } from "../symbol-group/service-duties.ts";

/** At 20:45 New York of each trading date: half an hour behind the second pass of its daily bars. */
const MACRO_MINUTE = 20 * 60 + 45;

/** The newest work on the market's factors that was due at a tick, named by its trading date. */
export function planMacro(tickMs: EpochMs, calendar: Calendar): PlannedTask[] {
  const { date, dueMs } = lastDueDate(calendar, tickMs, MACRO_MINUTE);
  const task = { v: 1, type: "macro", duty: taskDuty("macro", date), date } as const;
  return [{ task, dueMs, once: false }];
}
