import type { Calendar } from "./calendar.ts";
import { newYorkMs, tradingDateOf } from "./new-york-time.ts";
import type { EpochMs } from "./time.ts";
import { DAY_MS } from "./time.ts";
import type { TradingDate } from "./trading-date.ts";

/**
 * The last trading date on which New York clocks have shown `minuteOfDay` by `nowMs`, and when they did:
 * what is to be done once a trading date is due from then on.
 */
export function lastDueDate(
  calendar: Calendar,
  nowMs: EpochMs,
  minuteOfDay: number,
): { readonly date: TradingDate; readonly dueMs: EpochMs } {
  for (let atMs = nowMs; ; atMs -= DAY_MS) {
    const date = tradingDateOf(atMs);
    if (calendar.session(date) === undefined) continue;
    const dueMs = newYorkMs(date, minuteOfDay);
    if (dueMs <= nowMs) return { date, dueMs };
  }
}
