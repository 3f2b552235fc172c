import type { Bar } from "../../domain/bar.ts";
import type { TimeRange } from "../../domain/time.ts";
import { toIso } from "../../domain/time.ts";
import { callJson } from "../call-json.ts";
import type { ProviderCall, ProviderDeps } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { alpacaError } from "./errors.ts";
import type { AlpacaFeed } from "./limits.ts";
import { toBars } from "./map.ts";
import { alpacaBarsPageSchema } from "./schema.ts";
import type { AlpacaBarsPage } from "./schema.ts";

/** Most points a page may hold, over all symbols (the API's maximum; its default is 1,000). */
const PAGE_POINTS = 10_000;

/** Pages of one chunk before it counts as endless: four times 300 symbols x one whole session. */
export const MAX_PAGES = 50;

/**
 * Longest URL of a first page, bytes: Alpaca answers 414 (HTML) to several hundred symbols, and
 * 2,000 characters is the bound that others met.
 */
export const MAX_URL_BYTES = 1_800;

/** Kept free for the page token of later pages; recorded ones are 24-64 characters. */
const PAGE_TOKEN_BYTES = 150;

/** Where Alpaca's data host is and how to sign in. */
export interface AlpacaHost {
  readonly baseUrl: string;
  readonly keyId: string;
  readonly secret: string;
  readonly feed: AlpacaFeed;
}

/** The URL of a page of 1-minute bars; `end` is INCLUSIVE at the API, our window is not. */
export function barsUrl(
  host: AlpacaHost,
  symbols: readonly string[],
  window: TimeRange,
  pageToken: string | null,
): string {
  const query = new URLSearchParams({
    symbols: symbols.join(","),
    timeframe: "1Min",
    start: toIso(window.startMs),
    end: toIso(window.endMs - 1),
    limit: String(PAGE_POINTS),
    adjustment: "raw",
    // No rename mapping: by default bars of FB come back as META.
    asof: "-",
    feed: host.feed,
    sort: "asc",
  });
  if (pageToken !== null) query.set("page_token", pageToken);
  return `${host.baseUrl.replace(/\/+$/, "")}/v2/stocks/bars?${query.toString()}`;
}

/** Cuts symbols, in their order, into chunks whose URL stays within `MAX_URL_BYTES`. */
export function chunkSymbols(
  host: AlpacaHost,
  symbols: readonly string[],
  window: TimeRange,
): string[][] {
  const room = MAX_URL_BYTES - PAGE_TOKEN_BYTES - barsUrl(host, [], window, null).length;
  const chunks: string[][] = [];
  let used = room;
  for (const symbol of symbols) {
    const bytes = encodeURIComponent(`${symbol},`).length;
    if (used + bytes > room) {
      chunks.push([]);
      used = 0;
    }
    chunks.at(-1)?.push(symbol);
    used += bytes;
  }
  return chunks;
}

/** The rows of a chunk; it is complete when nothing failed. */
export interface ChunkAnswer {
  readonly rows: Bar[];
  readonly failure: ProviderError | null;
}

/** Reads a chunk to its last page. Rows of the pages before a failure are kept. */
export async function fetchChunk(
  host: AlpacaHost,
  symbols: readonly string[],
  window: TimeRange,
  deps: ProviderDeps,
  calls: ProviderCall[],
): Promise<ChunkAnswer> {
  const asked = new Set(symbols);
  const seenTokens = new Set<string>();
  const rows: Bar[] = [];
  let pageToken: string | null = null;
  try {
    do {
      const page: AlpacaBarsPage = await callJson(
        {
          provider: "alpaca",
          endpoint: "bars",
          url: barsUrl(host, symbols, window, pageToken),
          headers: { "APCA-API-KEY-ID": host.keyId, "APCA-API-SECRET-KEY": host.secret },
          schema: alpacaBarsPageSchema,
          check: (value) => checkPage(value, asked, seenTokens),
          toError: alpacaError,
        },
        deps,
        calls,
      );
      for (const bar of toBars(page)) rows.push(bar);
      pageToken = page.next_page_token;
      if (pageToken !== null) seenTokens.add(pageToken);
    } while (pageToken !== null);
    return { rows, failure: null };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { rows, failure: error };
  }
}

function checkPage(
  page: AlpacaBarsPage,
  asked: ReadonlySet<string>,
  seenTokens: ReadonlySet<string>,
): void {
  const foreign = Object.keys(page.bars ?? {}).find((symbol) => !asked.has(symbol));
  if (foreign !== undefined) {
    throw new ProviderError("malformed", `bars of ${foreign}, which was not asked`, {
      status: 200,
    });
  }
  const token = page.next_page_token;
  if (token === null) return;
  if (seenTokens.has(token))
    throw new ProviderError("malformed", "page token repeated", { status: 200 });
  if (seenTokens.size + 1 >= MAX_PAGES) {
    throw new ProviderError("malformed", `more than ${MAX_PAGES} pages`, { status: 200 });
  }
}
