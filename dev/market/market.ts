import type { EpochMs } from "../../src/domain/time.ts";

/** A security that the sandbox lists. `symbol` is canonical. */
export interface ListedSymbol {
  readonly symbol: string;
  readonly name: string;
  readonly exchange: string;
  readonly type: string;
}

/** A true minute of the simulated tape. `vw` and `n` are absent when the file has none. */
export interface MarketBar {
  readonly o: number;
  readonly h: number;
  readonly l: number;
  readonly c: number;
  readonly v: number;
  readonly vw?: number;
  readonly n?: number;
}

/** The truth behind the sandbox: pure, random access, the same for the same seed or file. */
export interface Market {
  readonly symbols: readonly ListedSymbol[];
  /** The bar of the minute that starts at `ts`; undefined when nothing traded. */
  bar(symbol: string, ts: EpochMs): MarketBar | undefined;
}

/** One version of a bar and the market time from which a provider serves it. */
export interface Publication {
  readonly visibleAtMs: EpochMs;
  readonly bar: MarketBar;
}
