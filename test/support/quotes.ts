import type { QuoteRow } from "../../src/contracts/quote-row.ts";
import { toQuoteRow } from "../../src/contracts/quote-row.ts";
import type { SourcedQuote } from "../../src/domain/quote-check.ts";
import { OPEN_MS } from "./flushes.ts";

/** AAPL's NBBO of polygon one second after the open, asked a second later, unless told otherwise. */
export function quoteOf(change: Partial<SourcedQuote> = {}): SourcedQuote {
  const ts = change.ts ?? OPEN_MS + 1_000;
  return {
    symbol: "AAPL",
    ts,
    nsOfMs: 123_456,
    bid: 100.01,
    ask: 100.03,
    bidSize: 3,
    askSize: 5,
    sizeUnit: "round_lots",
    last: 100.02,
    lastTs: ts,
    venue: null,
    consolidated: true,
    feed: "sip",
    provider: "polygon",
    askedAt: ts + 1_000,
    ...change,
  };
}

/** The same as a row of a flush. */
export function quoteRow(
  change: Partial<SourcedQuote> = {},
  status: QuoteRow[14] = "first",
): QuoteRow {
  return toQuoteRow(quoteOf(change), status);
}
