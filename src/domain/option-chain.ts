import type { TradingDate } from "./trading-date.ts";

/** A listed option. Null is what the chain does not say. */
export interface OptionContract {
  readonly kind: "call" | "put";
  readonly expiry: TradingDate;
  /** US dollars. */
  readonly strike: number;
  /** Contracts traded on the chain's date; 0 is a value. */
  readonly volume: number | null;
  /** Contracts open, as of the evening before; 0 is a value. */
  readonly openInterest: number | null;
  /** Implied volatility, annual: 0.2 is 20 %. */
  readonly iv: number | null;
  /** Of the call above 0, of the put below. */
  readonly delta: number | null;
}

/** The options of an underlying as they stood after the close of `date`. */
export interface OptionChain {
  readonly underlying: string;
  readonly date: TradingDate;
  /** US dollars of a share of the underlying. */
  readonly price: number | null;
  readonly contracts: readonly OptionContract[];
}
