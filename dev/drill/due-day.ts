import { createCalendar } from "../../src/domain/calendar.ts";
import { dueDate } from "../../src/domain/slo.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import type { TradingDate } from "../../src/domain/trading-date.ts";

/** The date whose daily bars the service level asks for at this time. */
export function toTradingDay(nowMs: EpochMs): TradingDate {
  return dueDate(createCalendar(), nowMs);
}
