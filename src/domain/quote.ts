import type { Feed } from "./provider-id.ts";
import type { EpochMs } from "./time.ts";

/** What a quote's sizes count. A round lot is 100 shares for most securities, but not for all. */
export type SizeUnit = "shares" | "round_lots";

/**
 * One observation of the best bid and offer, or of the last price where a provider gives no more.
 * Prices are US dollars a share. 0 is never a value: a side that nobody quotes, an unknown size and
 * an unknown last price are null.
 */
export interface Quote {
  readonly symbol: string;
  /**
   * Event time, ms: of the bid and offer when there is any side, else of the last price. Never the
   * time of the call: a thin name's newest quote may be minutes old.
   */
  readonly ts: EpochMs;
  /** Nanoseconds after `ts`, 0 to 999,999; a number of nanoseconds since 1970 would lose the last digits. */
  readonly nsOfMs: number;
  readonly bid: number | null;
  readonly ask: number | null;
  readonly bidSize: number | null;
  readonly askSize: number | null;
  /** Null when there is no size. */
  readonly sizeUnit: SizeUnit | null;
  readonly last: number | null;
  /** Event time of the last price, ms; null without one. */
  readonly lastTs: EpochMs | null;
  /** The one venue that quotes, `IEX`; null when it is not known or not one. */
  readonly venue: string | null;
  /** Whether bid and ask are the best of all venues (NBBO). One venue's quote never is. */
  readonly consolidated: boolean;
  readonly feed: Feed;
}

/** A price or size as a provider writes it: 0, negative or absent means that there is none. */
export function positiveOrNull(value: number | null | undefined): number | null {
  return value !== null && value !== undefined && value > 0 ? value : null;
}

/** The four numbers of a quote's two sides. */
export type QuoteSides = Pick<Quote, "bid" | "ask" | "bidSize" | "askSize" | "sizeUnit">;

/** Sides as a provider writes them: a side without a price has no size, without sizes there is no unit. */
export function quoteSides(
  sides: {
    bid: number | null | undefined;
    ask: number | null | undefined;
    bidSize: number | null | undefined;
    askSize: number | null | undefined;
  },
  unit: SizeUnit,
): QuoteSides {
  const bid = positiveOrNull(sides.bid);
  const ask = positiveOrNull(sides.ask);
  const bidSize = bid === null ? null : positiveOrNull(sides.bidSize);
  const askSize = ask === null ? null : positiveOrNull(sides.askSize);
  const sizeUnit = bidSize === null && askSize === null ? null : unit;
  return { bid, ask, bidSize, askSize, sizeUnit };
}
