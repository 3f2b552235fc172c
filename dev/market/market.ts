import type { EpochMs } from "../../src/domain/time.ts";
import type { TradingDate } from "../../src/domain/trading-date.ts";

/** A security that the sandbox lists. `symbol` is canonical. */
export interface ListedSymbol {
  readonly symbol: string;
  readonly name: string;
  readonly exchange: string;
  readonly type: string;
}

/** A true minute or trading date of the simulated tape. `vw` and `n` are absent when the file has none. */
export interface MarketBar {
  readonly o: number;
  readonly h: number;
  readonly l: number;
  readonly c: number;
  readonly v: number;
  readonly vw?: number;
  readonly n?: number;
}

/** Best bid and offer: prices in US dollars, sizes in shares. A side that nobody quotes is 0 and 0. */
export interface MarketQuote {
  /** When it was set at the exchange: what tells a stale quote from a fresh one. */
  readonly at: EpochMs;
  readonly bid: number;
  readonly ask: number;
  readonly bidSize: number;
  readonly askSize: number;
}

/** A split as the companies tell of it: `to` new shares for each `from` old ones from `exDate` on. */
export interface MarketSplit {
  /** Canonical. */
  readonly symbol: string;
  readonly exDate: TradingDate;
  readonly from: number;
  readonly to: number;
  readonly announcedAtMs: EpochMs;
  /** When it was called off: then it never takes place. Null: it does. */
  readonly withdrawnAtMs: EpochMs | null;
}

/** The truth behind the sandbox: pure, random access, the same for the same seed or file. */
export interface Market {
  readonly symbols: readonly ListedSymbol[];
  /** All splits, past and to come, by date; bars and quotes are on the shares of their day. */
  readonly splits: readonly MarketSplit[];
  /** The bar of the minute that starts at `ts`; undefined when nothing traded. */
  bar(symbol: string, ts: EpochMs): MarketBar | undefined;
  /** The exchange's own bar of a session, auctions included; undefined when nothing traded. */
  dailyBar(symbol: string, date: TradingDate): MarketBar | undefined;
  /** The quote that stands at an instant, however old; undefined when there was none in ten days. */
  quote(symbol: string, atMs: EpochMs): MarketQuote | undefined;
}

/** One version of a bar and the market time from which a provider serves it. */
export interface Publication {
  readonly visibleAtMs: EpochMs;
  readonly bar: MarketBar;
}
