import { newYorkDayNumber } from "./new-york-time.ts";
import type { EpochMs } from "./time.ts";
import { DAY_MS } from "./time.ts";
import { formatTradingDate, type TradingDate } from "./trading-date.ts";

/**
 * The first trading date that is kept at `nowMs` when so many days are: today in New York less the days.
 * Sessions of earlier dates are dropped, whole UTC days at a time.
 */
export function firstKeptDate(nowMs: EpochMs, days: number): TradingDate {
  return formatTradingDate(newYorkDayNumber(nowMs) - days);
}

/** From when on bars are kept at `nowMs`: 00:00 UTC of the first kept date, before any of its sessions. */
export function keptFromMs(nowMs: EpochMs, days: number): EpochMs {
  return (newYorkDayNumber(nowMs) - days) * DAY_MS;
}
