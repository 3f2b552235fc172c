import type { MarketDay } from "../../src/domain/macro.ts";

/** A raw daily bar of a model market. */
export interface ModelBar {
  readonly symbol: string;
  readonly date: string;
  readonly close: number;
  readonly volume: number;
}

/** A split of a model market. */
export interface ModelSplit {
  readonly symbol: string;
  readonly exDate: string;
  readonly factor: number;
}

/**
 * What a market did on the last of `sessions`, symbol by symbol as the words of `MarketDay` say it: each
 * pair of closes is made comparable by the splits between their dates, and nothing is cumulated.
 */
export function naiveMarketDay(
  bars: readonly ModelBar[],
  splits: readonly ModelSplit[],
  sessions: readonly string[],
): MarketDay {
  const [date = "", before = ""] = [sessions.at(-1), sessions.at(-2)];
  const day = {
    compared: 0,
    advancing: 0,
    declining: 0,
    volumeUp: 0,
    volumeDown: 0,
    judged: 0,
    above: 0,
  };
  for (const [symbol, all] of Map.groupBy(bars, (bar) => bar.symbol)) {
    const own = all
      .filter((bar) => sessions.includes(bar.date))
      .toSorted((a, b) => (a.date < b.date ? 1 : -1));
    const [last] = own;
    if (last?.date !== date) continue;
    /** A close on the shares of `date`. */
    const today = (bar: ModelBar) =>
      splits
        .filter(
          (split) => split.symbol === symbol && split.exDate > bar.date && split.exDate <= date,
        )
        .reduce((close, { factor }) => close / factor, bar.close);
    const isMore = (one: number, other: number) => one > other * (1 + 1e-9);
    const previous = own.find((bar) => bar.date === before);
    if (previous !== undefined) {
      day.compared += 1;
      if (isMore(last.close, today(previous))) {
        day.advancing += 1;
        day.volumeUp += last.volume;
      } else if (isMore(today(previous), last.close)) {
        day.declining += 1;
        day.volumeDown += last.volume;
      }
    }
    if (own.length < 45) continue;
    const mean = own.reduce((sum, bar) => sum + today(bar), 0) / own.length;
    day.judged += 1;
    if (isMore(last.close, mean)) day.above += 1;
  }
  return day;
}
