import { z } from "@hono/zod-openapi";
import { isStaleQuote, type SourcedQuote } from "../domain/quote-check.ts";
import type { EpochMs } from "../domain/time.ts";
import { toIso } from "../domain/time.ts";

const value = z.number().nullable();

/**
 * A quote in an answer. Prices are dollars a share; a side that nobody quotes is null, never 0; sizes
 * are in `size_unit`. `consolidated` false: one venue's prices (`venue` names it), never the NBBO.
 */
export const quoteSchema = z.object({
  symbol: z.string(),
  ts: z.iso.datetime(),
  ns_of_ms: z.number(),
  bid: value,
  ask: value,
  bid_size: value,
  ask_size: value,
  size_unit: z.string().nullable(),
  last: value,
  last_ts: z.iso.datetime().nullable(),
  provider: z.string(),
  feed: z.string(),
  venue: z.string().nullable(),
  consolidated: z.boolean(),
  status: z.string(),
  as_of: z.iso.datetime(),
});

/** The last quote of a symbol: `stale` says that its event is too old, so that its sides are null. */
export const latestQuoteSchema = quoteSchema.extend({ stale: z.boolean() });

/** A quote as answers write it. */
export function quoteView(
  quote: SourcedQuote,
  status: string,
  asOfMs: EpochMs,
): z.infer<typeof quoteSchema> {
  return {
    symbol: quote.symbol,
    ts: toIso(quote.ts),
    ns_of_ms: quote.nsOfMs,
    bid: quote.bid,
    ask: quote.ask,
    bid_size: quote.bidSize,
    ask_size: quote.askSize,
    size_unit: quote.sizeUnit,
    last: quote.last,
    last_ts: quote.lastTs === null ? null : toIso(quote.lastTs),
    provider: quote.provider,
    feed: quote.feed,
    venue: quote.venue,
    consolidated: quote.consolidated,
    status,
    as_of: toIso(asOfMs),
  };
}

/** A last quote as answers write it, for the market of `nowMs`. */
export function latestQuoteView(
  quote: SourcedQuote,
  status: string,
  asOfMs: EpochMs,
  nowMs: EpochMs,
): z.infer<typeof latestQuoteSchema> {
  const stale = isStaleQuote(quote.ts, quote.feed, nowMs);
  return { ...quoteView(quote, status, asOfMs), stale };
}

/** Who gave a quote, as `provider/feed`. */
export function sourceOf({ provider, feed }: SourcedQuote): string {
  return `${provider}/${feed}`;
}
