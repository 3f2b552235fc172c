import type { Bar } from "../domain/bar.ts";
import { DAY_MS, type EpochMs } from "../domain/time.ts";
import { parseTradingDate, type TradingDate } from "../domain/trading-date.ts";
import type { Covered } from "./provider.ts";

/** The `ts` of a daily bar: 00:00 UTC of its trading date, everywhere in the service. */
export function dailyTs(date: TradingDate): EpochMs {
  return parseTradingDate(date) * DAY_MS;
}

/** A bar under the `ts` of a day given by number. */
export function withDay(bar: Bar, dayNumber: number): Bar {
  return { ...bar, ts: dayNumber * DAY_MS };
}

/** One entry for each date that was answered for these symbols; none without symbols. */
export function coveredDates(symbols: readonly string[], dates: readonly TradingDate[]): Covered[] {
  if (symbols.length === 0) return [];
  return dates.map((date) => {
    const startMs = dailyTs(date);
    return { symbols, startMs, endMs: startMs + DAY_MS };
  });
}
