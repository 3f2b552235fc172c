import type { Bar } from "../../domain/bar.ts";
import type { TimeRange } from "../../domain/time.ts";
import type { ProviderCall, ProviderDeps } from "../provider.ts";
import type { ProviderError } from "../provider-error.ts";
import { baseOf, type PolygonHost } from "./host.ts";
import { toBars } from "./map.ts";
import { checkCount, malformed, readPages } from "./pages.ts";
import { type PolygonAggsPage, polygonAggsPageSchema } from "./schema.ts";

/** Most base aggregates a page may hold (the API's maximum; the default 5,000 cuts a month). */
const PAGE_BARS = 50_000;

/** Pages of one symbol before it counts as endless: 500,000 minutes, two years with pre and post. */
export const MAX_PAGES = 10;

/** The URL of the first page of a ticker's raw minutes; `to` is INCLUSIVE at the API, ours is not. */
export function aggsUrl(host: PolygonHost, ticker: string, window: TimeRange): string {
  const path = `/v2/aggs/ticker/${encodeURIComponent(ticker)}/range/1/minute`;
  const range = `${window.startMs}/${window.endMs - 1}`;
  return `${baseOf(host)}${path}/${range}?adjusted=false&sort=asc&limit=${PAGE_BARS}`;
}

/** What one symbol answered. It is complete only when `complete` says so. */
export interface SymbolAnswer {
  readonly rows: Bar[];
  readonly complete: boolean;
  /** Some page was a delayed key's: its last 15 minutes are not there. */
  readonly delayed: boolean;
  readonly failure: ProviderError | null;
}

/** What to ask: a canonical symbol, Polygon's ticker of it, and the window. */
export interface SymbolRequest {
  readonly symbol: string;
  readonly ticker: string;
  readonly window: TimeRange;
}

/**
 * Reads one symbol to its last page. `mayCall` is asked before each call; when it says no the answer
 * is incomplete without a failure. Rows of the pages before a failure are kept.
 */
export async function fetchSymbol(
  host: PolygonHost,
  { symbol, ticker, window }: SymbolRequest,
  deps: ProviderDeps,
  calls: ProviderCall[],
  mayCall: () => boolean,
): Promise<SymbolAnswer> {
  const { pages, next, failure } = await readPages(
    host,
    {
      endpoint: "bars",
      url: aggsUrl(host, ticker, window),
      schema: polygonAggsPageSchema,
      check: (page) => checkPage(page, ticker),
      maxPages: MAX_PAGES,
    },
    deps,
    calls,
    mayCall,
  );
  return {
    rows: pages.flatMap((page) => toBars(symbol, page)),
    complete: next === null && failure === null,
    delayed: pages.some((page) => page.status === "DELAYED"),
    failure,
  };
}

function checkPage(page: PolygonAggsPage, ticker: string): void {
  if (page.ticker !== ticker) throw malformed(`answered for ${page.ticker}, asked ${ticker}`);
  // Adjusted prices among raw ones distort a series across a split without a trace.
  if (page.adjusted === true) throw malformed("adjusted bars where raw ones were asked");
  checkCount(page);
}
