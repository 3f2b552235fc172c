import { DAY_MS, HOUR_MS, MINUTE_MS } from "./time.ts";

/** Bar lengths that are fetched and stored; 5m and 1h are derived on read. */
export type Interval = "1m" | "1d";

/** Bar lengths that can be read. */
export const READ_INTERVALS = ["1m", "5m", "1h", "1d"] as const;
export type ReadInterval = (typeof READ_INTERVALS)[number];

/** Bar lengths that are worked out from minutes. */
export type RollupInterval = Exclude<ReadInterval, Interval>;

/** How far apart the starts of bars are, ms; all are aligned to the clock, UTC (a daily bar's `ts` too). */
export const INTERVAL_MS: Readonly<Record<ReadInterval, number>> = {
  "1m": MINUTE_MS,
  "5m": 5 * MINUTE_MS,
  "1h": HOUR_MS,
  "1d": DAY_MS,
};

/** Whether bars of this length are worked out from minutes. */
export function isRollup(interval: ReadInterval): interval is RollupInterval {
  return interval === "5m" || interval === "1h";
}
