import type { Quote } from "../../domain/quote.ts";
import type { ProviderCall, ProviderDeps, QuotesAnswer, QuotesRequest } from "../provider.ts";
import type { ProviderError } from "../provider-error.ts";
import { sweepSymbols } from "../symbol-sweep.ts";
import { type FinnhubHost, getFinnhub } from "./client.ts";
import { toFinnhubSymbol, toQuote } from "./map.ts";
import { finnhubQuoteSchema } from "./schema.ts";

/**
 * Last prices, one symbol a call. An answer of zeros covers nothing: it may be an unknown symbol or a
 * passing fault.
 */
export async function fetchQuotes(
  host: FinnhubHost,
  request: QuotesRequest,
  deps: ProviderDeps,
): Promise<QuotesAnswer> {
  const calls: ProviderCall[] = [];
  const asked = new Set(request.symbols.filter((symbol) => toFinnhubSymbol(symbol) !== null));
  const { answers, failure } = await sweepSymbols(asked, (symbol) =>
    fetchQuote(host, symbol, deps, calls),
  );
  const quotes = [...answers.values()]
    .map((answer) => answer.quote)
    .filter((quote) => quote !== null);
  return { quotes, covered: quotes.map((quote) => quote.symbol), calls, failure };
}

async function fetchQuote(
  host: FinnhubHost,
  symbol: string,
  deps: ProviderDeps,
  calls: ProviderCall[],
): Promise<{ quote: Quote | null; failure: ProviderError | null }> {
  const { value, failure } = await getFinnhub(
    host,
    {
      endpoint: "quotes",
      path: "/quote",
      query: { symbol: toFinnhubSymbol(symbol) ?? symbol },
      schema: finnhubQuoteSchema,
    },
    deps,
    calls,
  );
  return { quote: value === null ? null : toQuote(symbol, value), failure };
}
