import type { Bar } from "../../domain/bar.ts";
import type { TimeRange } from "../../domain/time.ts";
import { toIso } from "../../domain/time.ts";
import { callJson } from "../call-json.ts";
import type { ProviderCall, ProviderDeps } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { chunkByUrl } from "../url-chunks.ts";
import type { ChunkAnswer } from "./ask-chunks.ts";
import { alpacaError } from "./errors.ts";
import { type AlpacaHost, keyHeaders, urlOn } from "./host.ts";
import type { AlpacaFeed } from "./limits.ts";
import { toBars } from "./map.ts";
import { type AlpacaBarsPage, alpacaBarsPageSchema } from "./schema.ts";

/** Most points a page may hold, over all symbols (the API's maximum; its default is 1,000). */
export const ALPACA_PAGE_POINTS = 10_000;

/** Pages of one chunk before it counts as endless: four times 300 symbols x one whole session. */
export const MAX_PAGES = 50;

/** Kept free for the page token of later pages; recorded ones are 24-64 characters. */
const PAGE_TOKEN_BYTES = 150;

/** Which bars to ask for; the window is half open. */
export interface BarsQuery extends TimeRange {
  readonly timeframe: "1Min" | "1Day";
  readonly feed: AlpacaFeed;
}

/** The URL of a page of bars; `end` is INCLUSIVE at the API, our window is not. */
export function barsUrl(
  host: AlpacaHost,
  symbols: readonly string[],
  { timeframe, feed, startMs, endMs }: BarsQuery,
  pageToken: string | null,
): string {
  const query = new URLSearchParams({
    symbols: symbols.join(","),
    timeframe,
    start: toIso(startMs),
    end: toIso(endMs - 1),
    limit: String(ALPACA_PAGE_POINTS),
    adjustment: "raw",
    // No rename mapping: by default bars of FB come back as META.
    asof: "-",
    feed,
    sort: "asc",
  });
  if (pageToken !== null) query.set("page_token", pageToken);
  return urlOn(host, "/v2/stocks/bars", query);
}

/** Cuts symbols, in their order, into chunks whose URL has room for a page token. */
export function chunkSymbols(
  host: AlpacaHost,
  symbols: readonly string[],
  query: BarsQuery,
): string[][] {
  const urlOf = (chunk: readonly string[]) => barsUrl(host, chunk, query, null);
  return chunkByUrl(symbols, urlOf, Number.POSITIVE_INFINITY, PAGE_TOKEN_BYTES);
}

/** Reads a chunk to its last page. Rows of the pages before a failure are kept. */
export async function fetchChunk(
  host: AlpacaHost,
  symbols: readonly string[],
  query: BarsQuery,
  deps: ProviderDeps,
  calls: ProviderCall[],
): Promise<ChunkAnswer<Bar>> {
  const seenTokens = new Set<string>();
  const asked = new Set(symbols);
  const rows: Bar[] = [];
  let pageToken: string | null = null;
  try {
    do {
      const page: AlpacaBarsPage = await callJson(
        {
          provider: "alpaca",
          endpoint: query.timeframe === "1Day" ? "daily" : "bars",
          url: barsUrl(host, symbols, query, pageToken),
          headers: keyHeaders(host),
          schema: alpacaBarsPageSchema,
          check: (value) => checkPage(value, seenTokens),
          toError: alpacaError,
        },
        deps,
        calls,
      );
      for (const bar of toBars(page)) rows.push(bar);
      // What was asked for stands, the rest is refused row by row; but an answer that brings others'
      // bars proves nothing by what it lacks.
      const foreign = Object.keys(page.bars ?? {}).find((symbol) => !asked.has(symbol));
      if (foreign !== undefined) {
        const message = `bars of ${foreign}, which was not asked`;
        return { rows, failure: new ProviderError("malformed", message, { status: 200 }) };
      }
      pageToken = page.next_page_token;
      if (pageToken !== null) seenTokens.add(pageToken);
    } while (pageToken !== null);
    return { rows, failure: null };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { rows, failure: error };
  }
}

function checkPage(page: AlpacaBarsPage, seenTokens: ReadonlySet<string>): void {
  const token = page.next_page_token;
  if (token === null) return;
  if (seenTokens.has(token))
    throw new ProviderError("malformed", "page token repeated", { status: 200 });
  if (seenTokens.size + 1 >= MAX_PAGES) {
    throw new ProviderError("malformed", `more than ${MAX_PAGES} pages`, { status: 200 });
  }
}
