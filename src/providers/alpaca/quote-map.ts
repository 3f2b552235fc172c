import { type Quote, quoteSides } from "../../domain/quote.ts";
import { parseRfc3339 } from "../nano-time.ts";
import type { AlpacaFeed } from "./limits.ts";
import type { AlpacaQuote, AlpacaQuotes } from "./schema.ts";

/** 2025-11-03 00:00 New York: from here on sizes are shares, before they are round lots (data docs). */
const SIZES_IN_SHARES_FROM_MS = Date.UTC(2025, 10, 3, 5);

/** IEX's exchange code on both sides of a quote of its own feed. */
export const IEX_EXCHANGE = "V";

/**
 * One Alpaca quote; null when neither side has a price.
 * - `t`: RFC 3339 to the nanosecond, of the quote, not of the call.
 * - `bp ap`: US dollars a share; 0 is not a value: no active bid or ask.
 * - `bs as`: shares, of quotes before 2025-11-03 round lots; 0 is not a value.
 * Quotes of feed iex are one venue's, never the NBBO.
 */
export function toQuote(symbol: string, row: AlpacaQuote, feed: AlpacaFeed): Quote | null {
  const time = parseRfc3339(row.t);
  const sides = quoteSides(
    { bid: row.bp, ask: row.ap, bidSize: row.bs, askSize: row.as },
    time.ts >= SIZES_IN_SHARES_FROM_MS ? "shares" : "round_lots",
  );
  if (sides.bid === null && sides.ask === null) return null;
  return {
    symbol,
    ...time,
    ...sides,
    last: null,
    lastTs: null,
    venue: feed === "iex" ? "IEX" : null,
    consolidated: feed === "sip",
    feed,
  };
}

/** The quotes of an answer; symbols without any side are left out. */
export function toQuotes(answer: AlpacaQuotes, feed: AlpacaFeed): Quote[] {
  return Object.entries(answer.quotes ?? {}).flatMap(([symbol, row]) => {
    const quote = row === null ? null : toQuote(symbol, row, feed);
    return quote === null ? [] : [quote];
  });
}
