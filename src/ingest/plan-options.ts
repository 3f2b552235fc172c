import type { Calendar } from "../domain/calendar.ts";
import type { EpochMs } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import { type PlannedTask, taskDuty } from "../symbol-group/service-duties.ts";

/** Behind the last trades of index options, 15 minutes after the close, and what a delayed key lags. */
const AFTER_CLOSE_MS = 20 * MINUTE_MS;

/**
 * The reading of the option chains after the last close, named by its trading date. A chain is only ever
 * told as it stands: from the next open on it is of another date, and what was missed can't be caught up
 * with.
 */
export function planOptions(
  tickMs: EpochMs,
  calendar: Calendar,
  underlyings: readonly string[],
): PlannedTask[] {
  if (underlyings.length === 0) return [];
  const { date, closeMs } = calendar.previousSession(tickMs);
  // The session before is over at the open of this one: none is due while it lasts.
  const dueMs = closeMs + AFTER_CLOSE_MS;
  if (tickMs < dueMs) return [];
  const duty = taskDuty("options", date);
  const task = { v: 1 as const, type: "options" as const, duty, date };
  return [{ task: { ...task, underlyings: [...underlyings] }, dueMs, once: false }];
}
