import type { TradingDate } from "./trading-date.ts";

/** The raw close of a trading date. */
export interface DatedClose {
  readonly date: TradingDate;
  readonly close: number;
}

/**
 * Closes on the shares of the day before all of these splits: what was split since is worth the sum of its
 * parts. Only their ratios say anything.
 */
export function onOldShares(
  closes: readonly DatedClose[],
  splits: readonly { readonly exDate: TradingDate; readonly factor: number }[],
): number[] {
  return closes.map(({ date, close }) =>
    splits.reduce((value, split) => (split.exDate <= date ? value * split.factor : value), close),
  );
}
