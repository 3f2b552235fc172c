import { z } from "zod";
import { FEEDS, PROVIDER_IDS } from "../domain/provider-id.ts";
import type { SourcedQuote } from "../domain/quote-check.ts";

/** Column names of the first 15 places of a row, in wire order. */
export const QUOTE_COLUMNS = [
  "s",
  "t",
  "ns",
  "b",
  "a",
  "bs",
  "as",
  "u",
  "l",
  "lt",
  "src",
  "feed",
  "venue",
  "nbbo",
  "st",
] as const;

/** `first`: a new event; `updated`: the provider's later word about the same event. */
export const quoteStatusSchema = z.enum(["first", "updated"]);
export const sizeUnitSchema = z.enum(["shares", "round_lots"]);
const value = z.number().nullable();

/**
 * One quote: symbol, event time (ms) and the nanoseconds after it, bid, ask, their sizes and the unit
 * of these, last price and its event time (ms), provider, feed, the one venue that quotes or null,
 * whether bid and ask are the best of all venues, status; then what only storage needs: asked_at (ms).
 * A side that nobody quotes, or that was stale when it was asked for, is null.
 */
export const quoteRowSchema = z.tuple([
  z.string(),
  z.number(),
  z.number().int(),
  value,
  value,
  value,
  value,
  sizeUnitSchema.nullable(),
  value,
  value,
  z.enum(PROVIDER_IDS),
  z.enum(FEEDS),
  z.string().nullable(),
  z.boolean(),
  quoteStatusSchema,
  z.number(),
]);
export type QuoteRow = z.infer<typeof quoteRowSchema>;

/** A quote as a flush carries it. */
export function toQuoteRow(quote: SourcedQuote, status: QuoteRow[14]): QuoteRow {
  return [
    quote.symbol,
    quote.ts,
    quote.nsOfMs,
    quote.bid,
    quote.ask,
    quote.bidSize,
    quote.askSize,
    quote.sizeUnit,
    quote.last,
    quote.lastTs,
    quote.provider,
    quote.feed,
    quote.venue,
    quote.consolidated,
    status,
    quote.askedAt,
  ];
}

/** The quote that a row carries. */
export function fromQuoteRow(row: QuoteRow): SourcedQuote {
  const [symbol, ts, nsOfMs, bid, ask, bidSize, askSize, sizeUnit, last, lastTs, ...rest] = row;
  const [provider, feed, venue, consolidated, , askedAt] = rest;
  const numbers = { ts, nsOfMs, bid, ask, bidSize, askSize, sizeUnit, last, lastTs, askedAt };
  return { symbol, ...numbers, provider, feed, venue, consolidated };
}
