import { z } from "zod";
import { newYorkMs, tradingDateOf } from "../../src/domain/new-york-time.ts";
import { isCanonicalSymbol } from "../../src/domain/symbol.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { decodePageToken } from "./alpaca-page-token.ts";
import type { AlpacaInterval } from "./alpaca-page-token.ts";
import { BadRequest } from "./bad-request.ts";
import { parseRfc3339OrDate } from "./instants.ts";
import type { MarketSource } from "./market-source.ts";
import type { Scan, ScanPlace } from "./minute-scan.ts";

/** Alpaca's parameters as documented; `adjustment`, `asof` and `currency` change nothing: bars are raw. */
const querySchema = z.object({
  symbols: z.string().default(""),
  timeframe: z
    .enum(["1Min", "1T", "1Day", "1D"])
    .transform((text) => (text === "1Min" || text === "1T" ? "1m" : "1d")),
  start: z.string().optional(),
  end: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
  adjustment: z.string().default("raw"),
  asof: z.string().optional(),
  feed: z.enum(["sip", "iex"]).default("sip"),
  page_token: z.string().optional(),
  sort: z.enum(["asc", "desc"]).default("asc"),
});
type Query = z.infer<typeof querySchema>;

/** A call for bars, understood: which feed, and what to look through. */
export interface BarsQuery {
  readonly feed: "sip" | "iex";
  readonly interval: AlpacaInterval;
  readonly scan: Scan;
}

function parseQuery(url: URL): Query {
  const parsed = querySchema.safeParse(Object.fromEntries(url.searchParams));
  if (parsed.success) return parsed.data;
  const field = String(parsed.error.issues[0]?.path[0] ?? "query");
  throw new BadRequest(`invalid ${field}: ${url.searchParams.get(field) ?? "missing"}`);
}

/** Alpaca's `symbols`, sorted and without repeats. A malformed symbol fails the whole call, an unknown one does not. */
export function parseSymbols(texts: readonly string[]): readonly string[] {
  const symbols = texts.filter((symbol) => symbol !== "");
  if (symbols.length === 0) throw new BadRequest("symbols is required");
  const malformed = symbols.find((symbol) => !isCanonicalSymbol(symbol));
  if (malformed !== undefined) throw new BadRequest(`invalid symbol: ${malformed}`);
  return [...new Set(symbols)].sort();
}

function parseInstant(text: string | undefined, name: "start" | "end", fallback: EpochMs): EpochMs {
  const instant = text === undefined ? fallback : parseRfc3339OrDate(text, name);
  if (instant === undefined) throw new BadRequest(`invalid ${name}: ${text}`);
  return instant;
}

/**
 * Read the query of a bars call. `single` is the symbol of the path, undefined where the query lists
 * them. Throws BadRequest with the provider's text.
 */
export function parseBarsQuery(
  url: URL,
  single: string | undefined,
  source: MarketSource,
): BarsQuery {
  const query = parseQuery(url);
  const symbols = parseSymbols(single === undefined ? query.symbols.split(",") : [single]);
  const nowMs = source.now();
  const startMs = parseInstant(query.start, "start", newYorkMs(tradingDateOf(nowMs), 0));
  const endMs = parseInstant(query.end, "end", nowMs);
  if (endMs < startMs) throw new BadRequest("end should not be before start");
  const listed = symbols.filter((symbol) => source.traded("alpaca", symbol) !== undefined);
  let from: ScanPlace | null = null;
  if (query.page_token !== undefined) {
    from = decodePageToken(query.page_token, query.timeframe);
    if (from === null || !listed.includes(from.symbol)) throw new BadRequest("invalid page_token");
  }
  const scan: Scan = {
    symbols: listed,
    startMs,
    endMs: Math.min(endMs, nowMs),
    order: query.sort,
    limit: query.limit,
    from,
  };
  return { feed: query.feed, interval: query.timeframe, scan };
}
