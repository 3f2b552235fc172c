import type { Bar } from "../../domain/bar.ts";
import type { TimeRange } from "../../domain/time.ts";
import { callJson } from "../call-json.ts";
import type { ProviderCall, ProviderDeps } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { polygonError } from "./errors.ts";
import { toBars } from "./map.ts";
import { polygonAggsPageSchema } from "./schema.ts";
import type { PolygonAggsPage } from "./schema.ts";

/** Most base aggregates a page may hold (the API's maximum; the default 5,000 cuts a month). */
const PAGE_BARS = 50_000;

/** Pages of one symbol before it counts as endless: 500,000 minutes, two years with pre and post. */
export const MAX_PAGES = 10;

/** Where Polygon's API is and how to sign in. */
export interface PolygonHost {
  /** For example `https://api.polygon.io`; may carry a path. */
  readonly baseUrl: string;
  readonly apiKey: string;
}

/** The URL of the first page of a ticker's raw minutes; `to` is INCLUSIVE at the API, ours is not. */
export function aggsUrl(host: PolygonHost, ticker: string, window: TimeRange): string {
  const path = `/v2/aggs/ticker/${encodeURIComponent(ticker)}/range/1/minute`;
  const range = `${window.startMs}/${window.endMs - 1}`;
  return `${baseOf(host)}${path}/${range}?adjusted=false&sort=asc&limit=${PAGE_BARS}`;
}

/**
 * The next page on OUR base: only path and query of `next_url` are kept, so the key never goes to a
 * host that an answer names, and a corrupted host (`:443:443`, polygon issue 143) does no harm.
 * Null when it is no URL at all.
 */
export function rebaseNextUrl(host: PolygonHost, nextUrl: string): string | null {
  const pathAndQuery = /^(?:https?:\/\/[^/?#]+)?(\/[^#]*)$/.exec(nextUrl)?.[1];
  if (pathAndQuery === undefined || pathAndQuery.startsWith("//")) return null;
  const base = baseOf(host);
  const basePath = /^https?:\/\/[^/]+(\/.*)?$/.exec(base)?.[1] ?? "";
  const path = pathAndQuery.startsWith(`${basePath}/`)
    ? pathAndQuery.slice(basePath.length)
    : pathAndQuery;
  return `${base}${path}`;
}

function baseOf(host: PolygonHost): string {
  return host.baseUrl.replace(/\/+$/, "");
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
  const seenUrls = new Set<string>();
  const rows: Bar[] = [];
  let delayed = false;
  let url: string | null = aggsUrl(host, ticker, window);
  try {
    while (url !== null) {
      if (!mayCall()) return { rows, complete: false, delayed, failure: null };
      seenUrls.add(url);
      const page: PolygonAggsPage = await callJson(
        {
          provider: "polygon",
          endpoint: "bars",
          url,
          headers: { authorization: `Bearer ${host.apiKey}` },
          schema: polygonAggsPageSchema,
          check: (value) => checkPage(value, ticker, nextOf(host, value), seenUrls),
          toError: polygonError,
        },
        deps,
        calls,
      );
      delayed ||= page.status === "DELAYED";
      for (const bar of toBars(symbol, page)) rows.push(bar);
      url = nextOf(host, page);
    }
    return { rows, complete: true, delayed, failure: null };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { rows, complete: false, delayed, failure: error };
  }
}

function nextOf(host: PolygonHost, page: PolygonAggsPage): string | null {
  const nextUrl = page.next_url ?? "";
  if (nextUrl === "") return null;
  const rebased = rebaseNextUrl(host, nextUrl);
  if (rebased === null) throw malformed("next_url is no URL");
  return rebased;
}

function checkPage(
  page: PolygonAggsPage,
  ticker: string,
  nextUrl: string | null,
  seenUrls: ReadonlySet<string>,
): void {
  if (page.ticker !== ticker) throw malformed(`answered for ${page.ticker}, asked ${ticker}`);
  // Adjusted prices among raw ones distort a series across a split without a trace.
  if (page.adjusted === true) throw malformed("adjusted bars where raw ones were asked");
  if (nextUrl === null) return;
  if (seenUrls.has(nextUrl)) throw malformed("page cursor repeated");
  if (seenUrls.size >= MAX_PAGES) throw malformed(`more than ${MAX_PAGES} pages`);
}

function malformed(message: string): ProviderError {
  return new ProviderError("malformed", message, { status: 200 });
}
