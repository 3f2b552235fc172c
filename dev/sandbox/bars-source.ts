import type { EpochMs } from "../../src/domain/time.ts";
import { dialectOf } from "../market/dialects.ts";
import type { Market } from "../market/market.ts";
import type { PublicationSchedule } from "../market/publication.ts";
import type { LookUp } from "./minute-scan.ts";

/** What both dialects read from: the tape at market time, and which symbols exist. */
export interface BarsSource {
  readonly now: () => EpochMs;
  isListed(symbol: string): boolean;
  /** What a provider's feed serves at this moment; `now` is read once, so an answer is of one instant. */
  lookUpNow(provider: "alpaca" | "polygon", feed: "sip" | "iex"): LookUp;
}

/** Join a market, the schedule of its publications and market time. */
export function createBarsSource(
  market: Market,
  publication: PublicationSchedule,
  now: () => EpochMs,
): BarsSource {
  const listed = new Set(market.symbols.map(({ symbol }) => symbol));
  return {
    now,
    isListed: (symbol) => listed.has(symbol),
    lookUpNow: (provider, feed) => {
      const nowMs = now();
      const dialect = dialectOf(provider, feed);
      return (symbol, ts) => {
        const bar = publication.visible(symbol, ts, nowMs);
        return bar === undefined ? undefined : dialect(symbol, ts, bar);
      };
    },
  };
}
