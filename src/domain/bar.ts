import type { EpochMs } from "./time.ts";

/**
 * OHLCV over one interval, labelled by the START of the interval.
 * Prices are US dollars a share as printed (raw, never adjusted). `volume` is in shares and may be
 * fractional. `vwap` and `tradeCount` are null when the provider gives none: never 0 for "unknown".
 */
export interface Bar {
  readonly symbol: string;
  readonly ts: EpochMs;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly vwap: number | null;
  readonly tradeCount: number | null;
}
