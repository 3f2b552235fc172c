import type { Bar } from "./bar.ts";
import { tradingDateOf } from "./new-york-time.ts";
import { toIso, type EpochMs } from "./time.ts";
import type { TradingDate } from "./trading-date.ts";

/**
 * A split: from `exDate` on the symbol trades in new shares, `factor` of them for an old one (4-for-1 is 4, a
 * reverse split of 1-for-10 is 0.1).
 */
export interface Split {
  readonly symbol: string;
  readonly exDate: TradingDate;
  readonly factor: number;
}

/** The trading date of a daily bar, whose `ts` is 00:00 UTC of it. */
export function dateOfDailyBar(ts: EpochMs): TradingDate {
  return toIso(ts).slice(0, 10);
}

/** The splits whose new shares trade by a time: a split that is only announced adjusts nothing yet. */
export function splitsInForce(splits: readonly Split[], asOfMs: EpochMs): Split[] {
  const today = tradingDateOf(asOfMs);
  return splits.filter(({ exDate }) => exDate <= today);
}

/**
 * Bars as if they had traded in the shares of after the splits: prices divided and volume multiplied by the
 * factors of the splits whose `exDate` is after the bar's trading date (on the ex-date it trades in new shares
 * already). Trade counts stay; prices are not rounded. `dateOf` tells the trading date of a bar's `ts`.
 */
export function adjustForSplits<B extends Omit<Bar, "tradeCount">>(
  bars: readonly B[],
  splits: readonly Split[],
  dateOf: (ts: EpochMs) => TradingDate = tradingDateOf,
): B[] {
  const sorted = splits.toSorted((a, b) => (a.exDate < b.exDate ? -1 : 1));
  const bySymbol = Map.groupBy(sorted, ({ symbol }) => symbol);
  return bars.map((bar) => {
    const own = bySymbol.get(bar.symbol);
    if (own === undefined) return bar;
    const date = dateOf(bar.ts);
    const factor = own.reduce(
      (product, split) => (split.exDate > date ? product * split.factor : product),
      1,
    );
    return factor === 1 ? bar : scale(bar, factor);
  });
}

function scale<B extends Omit<Bar, "tradeCount">>(bar: B, factor: number): B {
  return {
    ...bar,
    open: bar.open / factor,
    high: bar.high / factor,
    low: bar.low / factor,
    close: bar.close / factor,
    vwap: bar.vwap === null ? null : bar.vwap / factor,
    volume: bar.volume * factor,
  };
}
