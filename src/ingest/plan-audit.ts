import type { Calendar } from "../domain/calendar.ts";
import { lastDueDate } from "../domain/last-due-date.ts";
import type { EpochMs } from "../domain/time.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import { type PlannedTask, taskDuty } from "../symbol-group/service-duties.ts";

/** At 07:30 New York of the next trading date: half an hour after the last settle pass of the session. */
const AUDIT_MINUTE = 7 * 60 + 30;

/** The newest audit that was due at a tick, named by the session that it is about: one a trading date. */
export function planAudit(
  tickMs: EpochMs,
  calendar: Calendar,
  symbolGroups: number,
): PlannedTask[] {
  const { date, dueMs } = lastAudit(tickMs, calendar);
  const groups = Array.from({ length: symbolGroups }, (_, group) => group);
  const task = { v: 1, type: "audit", duty: taskDuty("audit", date), date, groups } as const;
  return [{ task, dueMs, once: false }];
}

/**
 * The newest audit that was due by `nowMs`: the trading date that it is about, and when it was due. What is to be
 * known of that session is known since.
 */
export function lastAudit(
  nowMs: EpochMs,
  calendar: Calendar,
): { readonly date: TradingDate; readonly dueMs: EpochMs } {
  const { date: today, dueMs } = lastDueDate(calendar, nowMs, AUDIT_MINUTE);
  const openMs = calendar.session(today)?.openMs ?? dueMs;
  return { date: calendar.previousSession(openMs - 1).date, dueMs };
}
