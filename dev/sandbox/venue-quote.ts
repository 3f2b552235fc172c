import { fnv1a32 } from "../../src/domain/symbol.ts";
import { SECOND_MS } from "../../src/domain/time.ts";
import { hash32 } from "../market/hash.ts";
import type { MarketQuote } from "../market/market.ts";

const LOT = 100;
const SALT = { width: 91, isOneSided: 92 };
/** In one of so many moments the venue quotes one side only, also in regular hours. */
const ONE_SIDED_OF = 20;

/** One venue's best bid and offer: never inside the consolidated one, small, and now and then one-sided. */
export function venueQuote(symbol: string, quote: MarketQuote): MarketQuote {
  const seed = fnv1a32(symbol);
  const second = quote.at / SECOND_MS;
  const away = (hash32(seed, second, SALT.width) % 6) / 100;
  const isOneSided = hash32(seed, second, SALT.isOneSided) % ONE_SIDED_OF === 0;
  const hasBid = quote.bid > away;
  const hasAsk = quote.ask > 0 && !isOneSided;
  return {
    at: quote.at,
    bid: hasBid ? Math.round((quote.bid - away) * 100) / 100 : 0,
    ask: hasAsk ? Math.round((quote.ask + away) * 100) / 100 : 0,
    bidSize: hasBid ? LOT : 0,
    askSize: hasAsk ? LOT : 0,
  };
}
