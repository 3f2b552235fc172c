import type { Calendar } from "../domain/calendar.ts";
import { newYorkMs, tradingDateOf } from "../domain/new-york-time.ts";
import type { EpochMs } from "../domain/time.ts";
import { DAY_MS } from "../domain/time.ts";
import { type PlannedTask, taskDuty } from "../symbol-group/service-duties.ts";

/** Lists are read at 06:00 New York of each trading date: before the first session of the day that may be served. */
const REFRESH_MINUTE = 6 * 60;

/**
 * The newest refresh that was due at a tick, named by its trading date. Since a name is planned once,
 * this is one refresh a trading date, and one at once in a service that never made any.
 */
export function planUniverse(tickMs: EpochMs, calendar: Calendar): PlannedTask[] {
  for (let atMs = tickMs; ; atMs -= DAY_MS) {
    const date = tradingDateOf(atMs);
    if (calendar.session(date) === undefined) continue;
    const dueMs = newYorkMs(date, REFRESH_MINUTE);
    if (dueMs > tickMs) continue;
    const duty = taskDuty("universe", date);
    return [{ task: { v: 1, type: "universe", duty, scope: "lists" }, dueMs, once: false }];
  }
}
