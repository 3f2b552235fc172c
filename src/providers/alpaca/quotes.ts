import type { ProviderId } from "../../domain/provider-id.ts";
import type { Quote } from "../../domain/quote.ts";
import { callJson } from "../call-json.ts";
import type { ProviderCall, ProviderDeps, QuotesAnswer, QuotesRequest } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { chunkByUrl } from "../url-chunks.ts";
import { askChunks, type ChunkAnswer, droppedFailure } from "./ask-chunks.ts";
import { alpacaError } from "./errors.ts";
import { type AlpacaHost, keyHeaders, urlOn } from "./host.ts";
import type { AlpacaFeed } from "./limits.ts";
import { IEX_EXCHANGE, toQuotes } from "./quote-map.ts";
import { type AlpacaQuote, type AlpacaQuotes, alpacaQuotesSchema } from "./schema.ts";

/** Whose call it is: provider `iex` reads Alpaca's iex feed on its own account. */
export interface QuotesSource {
  readonly provider: ProviderId;
  readonly host: AlpacaHost;
  readonly feed: AlpacaFeed;
}

/** The URL of the newest quotes of one feed; never left to the key's default, which may be another. */
export function quotesUrl(source: QuotesSource, symbols: readonly string[]): string {
  const query = new URLSearchParams({ symbols: symbols.join(","), feed: source.feed });
  return urlOn(source.host, "/v2/stocks/quotes/latest", query);
}

/**
 * Newest quotes, many symbols a call. `covered` are the symbols of the calls that answered: one of
 * them without a quote has none.
 */
export async function fetchLatestQuotes(
  source: QuotesSource,
  request: QuotesRequest,
  deps: ProviderDeps,
): Promise<QuotesAnswer> {
  const calls: ProviderCall[] = [];
  const symbols = [...new Set(request.symbols)];
  const urlOf = (chunk: readonly string[]) => quotesUrl(source, chunk);
  const chunks = chunkByUrl(symbols, urlOf, Number.POSITIVE_INFINITY);
  const answer = await askChunks(chunks, (chunk) => fetchChunk(source, chunk, deps, calls));
  return {
    quotes: answer.rows,
    covered: answer.answered,
    calls,
    failure: answer.failure ?? droppedFailure(answer.dropped),
  };
}

async function fetchChunk(
  source: QuotesSource,
  symbols: readonly string[],
  deps: ProviderDeps,
  calls: ProviderCall[],
): Promise<ChunkAnswer<Quote>> {
  const asked = new Set(symbols);
  try {
    const answer: AlpacaQuotes = await callJson(
      {
        provider: source.provider,
        endpoint: "quotes",
        url: quotesUrl(source, symbols),
        headers: keyHeaders(source.host),
        schema: alpacaQuotesSchema,
        check: (value) => checkQuotes(value, asked, source.feed),
        toError: alpacaError,
      },
      deps,
      calls,
    );
    return { rows: toQuotes(answer, source.feed), failure: null };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { rows: [], failure: error };
  }
}

function checkQuotes(answer: AlpacaQuotes, asked: ReadonlySet<string>, feed: AlpacaFeed): void {
  for (const [symbol, row] of Object.entries(answer.quotes ?? {})) {
    if (!asked.has(symbol)) throw malformed(`a quote of ${symbol}, which was not asked`);
    // Another venue's price under IEX's name would be a false claim that nobody could find later.
    if (feed === "iex" && row !== null && isElsewhere(row)) {
      throw malformed(`a quote of ${symbol} that is not IEX's`);
    }
  }
}

function isElsewhere({ bp, bx, ap, ax }: AlpacaQuote): boolean {
  const isOther = (price: number | null | undefined, exchange: string | null | undefined) =>
    (price ?? 0) > 0 && (exchange ?? "") !== "" && exchange !== IEX_EXCHANGE;
  return isOther(bp, bx) || isOther(ap, ax);
}

function malformed(message: string): ProviderError {
  return new ProviderError("malformed", message, { status: 200 });
}
