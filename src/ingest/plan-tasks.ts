import type { EpochMs } from "../domain/time.ts";
import { calendarOf, type Settings } from "../env.ts";
import type { PlannedTask } from "../symbol-group/service-duties.ts";
import { planAudit } from "./plan-audit.ts";
import { planCalendarCheck } from "./plan-calendar-check.ts";
import { planRetention } from "./plan-retention.ts";
import { planMacro } from "./plan-macro.ts";
import { planOptions } from "./plan-options.ts";
import { planSplits } from "./plan-splits.ts";
import { planUniverse } from "./plan-universe.ts";
import { planQuoteTasks } from "./quotes.ts";

/** The tasks of the whole service that a cron tick makes due. Pure: each kind has its own planner. */
export function planTasks(tickMs: EpochMs, settings: Settings): PlannedTask[] {
  const calendar = calendarOf(settings);
  return [
    ...planUniverse(tickMs, calendar),
    ...planCalendarCheck(tickMs, calendar),
    ...planSplits(tickMs, calendar),
    ...planMacro(tickMs, calendar),
    ...planOptions(tickMs, calendar, settings.optionsUnderlyings),
    ...planAudit(tickMs, calendar, settings.symbolGroups),
    ...planRetention(tickMs, calendar),
    ...planQuoteTasks(tickMs, settings),
  ];
}
