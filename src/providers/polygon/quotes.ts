import type { Quote } from "../../domain/quote.ts";
import { quoteNanos } from "../nano-time.ts";
import type { ProviderCall, ProviderDeps, QuotesAnswer, QuotesRequest } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { chunkByUrl } from "../url-chunks.ts";
import { baseOf, type PolygonHost } from "./host.ts";
import { toPolygonTicker } from "./map.ts";
import { readPages, malformed } from "./pages.ts";
import { toQuote } from "./quote-map.ts";
import { type PolygonSnapshotPage, polygonSnapshotPageSchema } from "./schema.ts";

/** Most tickers of one snapshot call (the API's maximum). */
export const MAX_SNAPSHOT_TICKERS = 250;

/** As many rows as tickers fit one page; a second is allowed, a third is not an answer to us. */
const MAX_PAGES = 2;

const NANO_MEMBERS = ["last_updated", "sip_timestamp"];

/** The URL of one snapshot; its default limit would be 10. Commas stay bare: a query may hold them. */
export function snapshotUrl(host: PolygonHost, tickers: readonly string[]): string {
  const anyOf = tickers.map(encodeURIComponent).join(",");
  const rest = `type=stocks&limit=${MAX_SNAPSHOT_TICKERS}`;
  return `${baseOf(host)}/v3/snapshot?ticker.any_of=${anyOf}&${rest}`;
}

/**
 * Newest NBBO and last price, 250 symbols a call. `covered` leaves out what a row's own error refused;
 * those symbols are the `badSymbols` of the failure, unless something else failed.
 */
export async function fetchQuotes(
  host: PolygonHost,
  request: QuotesRequest,
  deps: ProviderDeps,
): Promise<QuotesAnswer> {
  const quotes: Quote[] = [];
  const covered: string[] = [];
  const calls: ProviderCall[] = [];
  const refused = new Map<string, SnapshotError>();
  const symbols = [...new Set(request.symbols)].filter(
    (symbol) => toPolygonTicker(symbol) !== null,
  );
  const urlOf = (chunk: readonly string[]) => snapshotUrl(host, chunk);
  let failure: ProviderError | null = null;
  for (const chunk of chunkByUrl(symbols, urlOf, MAX_SNAPSHOT_TICKERS)) {
    const asked = new Set(chunk);
    const { pages, failure: fault } = await readPages(
      host,
      {
        endpoint: "quotes",
        url: snapshotUrl(host, chunk),
        schema: polygonSnapshotPageSchema,
        check: (page) => checkAsked(page, asked),
        prepare: (body) => quoteNanos(body, NANO_MEMBERS),
        maxPages: MAX_PAGES,
      },
      deps,
      calls,
    );
    for (const row of pages.flatMap((page) => page.results ?? [])) {
      const quote = toQuote(row);
      if (quote !== null) quotes.push(quote);
      if (row.error !== undefined && row.error !== null) refused.set(row.ticker, row.error);
    }
    failure = fault;
    if (fault !== null) break;
    covered.push(...chunk.filter((symbol) => !refused.has(symbol)));
  }
  return { quotes, covered, calls, failure: failure ?? refusal(refused) };
}

type SnapshotError = NonNullable<NonNullable<PolygonSnapshotPage["results"]>[number]["error"]>;

function checkAsked(page: PolygonSnapshotPage, asked: ReadonlySet<string>): void {
  const foreign = (page.results ?? []).find((row) => !asked.has(row.ticker));
  if (foreign !== undefined) throw malformed(`a quote of ${foreign.ticker}, which was not asked`);
}

function refusal(refused: ReadonlyMap<string, SnapshotError>): ProviderError | null {
  if (refused.size === 0) return null;
  const kind = [...refused.values()].includes("NOT_ENTITLED") ? "not_entitled" : "not_found";
  const badSymbols = [...refused.keys()];
  return new ProviderError(kind, `no snapshot of ${badSymbols.join(", ")}`, {
    status: 200,
    badSymbols,
  });
}
