import { z } from "zod";
import { fnv1a32 } from "../../src/domain/symbol.ts";
import { MINUTE_MS, toIso } from "../../src/domain/time.ts";
import type { MarketQuote } from "../market/market.ts";
import { parseSymbols } from "./alpaca-query.ts";
import { BadRequest } from "./bad-request.ts";
import type { MarketSource } from "./market-source.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

const querySchema = z.object({
  symbols: z.string().default(""),
  feed: z.enum(["sip", "iex", "delayed_sip"]).default("sip"),
  currency: z.literal("USD").default("USD"),
});

/** Codes of the venues that make the best quote; IEX is V. */
const VENUES = "QPKZNJ";
const SIP_DELAY_MS = 15 * MINUTE_MS;

/** Sizes in shares, as since 2025-11-03; a side that nobody quotes is price 0, size 0. */
function formatQuote(symbol: string, quote: MarketQuote, isIex: boolean, tape: string): object {
  const venue = (turn: number) =>
    isIex ? "V" : VENUES.charAt((fnv1a32(symbol) + turn) % VENUES.length);
  return {
    t: `${toIso(quote.at).slice(0, 19)}.${String(fnv1a32(symbol) % 1_000_000_000).padStart(9, "0")}Z`,
    ax: venue(0),
    ap: quote.ask,
    as: quote.askSize,
    bx: venue(1),
    bp: quote.bid,
    bs: quote.bidSize,
    c: ["R"],
    z: tape,
  };
}

/** `/v2/stocks/quotes/latest`: unknown symbols are absent. Throws BadRequest. */
export function answerLatestQuotes(
  url: URL,
  source: MarketSource,
  headers: Readonly<Record<string, string>>,
): Reply {
  const parsed = querySchema.safeParse(Object.fromEntries(url.searchParams));
  if (!parsed.success) {
    throw new BadRequest(`invalid ${String(parsed.error.issues[0]?.path[0] ?? "query")}`);
  }
  const { feed } = parsed.data;
  const nowMs = source.now() - (feed === "delayed_sip" ? SIP_DELAY_MS : 0);
  const quotes: Record<string, object> = {};
  for (const symbol of parseSymbols(parsed.data.symbols.split(","))) {
    const isTraded = source.traded("alpaca", symbol) !== undefined;
    // The fraction of a second of its time must not lie ahead.
    const at = nowMs - 1_000;
    const quote = isTraded ? source.quote(symbol, feed === "iex" ? "iex" : "sip", at) : undefined;
    if (quote === undefined) continue;
    quotes[symbol] = formatQuote(symbol, quote, feed === "iex", source.tapeOf(symbol));
  }
  return jsonReply(200, JSON.stringify({ quotes }), { ...headers });
}
