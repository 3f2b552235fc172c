import type { ProviderCall, ProviderDeps, SymbolsAnswer, SymbolsRequest } from "../provider.ts";
import { toListedSymbols } from "../listed-symbol.ts";
import { ProviderError } from "../provider-error.ts";
import { baseOf, type PolygonHost, rebaseNextUrl } from "./host.ts";
import { fromPolygonTicker } from "./map.ts";
import { readPages } from "./pages.ts";
import { polygonTickersPageSchema } from "./schema.ts";
import { toSpelledRow } from "./ticker-map.ts";

const PATH = "/v3/reference/tickers";

/** Most rows of a page (the API's maximum); about 12 pages hold the market. */
const PAGE_ROWS = 1_000;

/** Pages of one answer before it counts as endless: four times the market. */
const MAX_PAGES = 50;

/**
 * The list of active listed stocks. `next` is path and query of the page to go on with, so that a key
 * of 5 calls a minute reads its 12 pages over some minutes.
 */
export async function listSymbols(
  host: PolygonHost,
  { page }: SymbolsRequest,
  deps: ProviderDeps,
): Promise<SymbolsAnswer> {
  const calls: ProviderCall[] = [];
  const first = `${PATH}?market=stocks&active=true&limit=${PAGE_ROWS}&sort=ticker&order=asc`;
  const url = rebaseNextUrl(host, page ?? first);
  if (url === null || !url.startsWith(`${baseOf(host)}${PATH}?`)) {
    const failure = new ProviderError("bad_request", "no page of the symbol list");
    return { listed: [], collisions: [], unmappable: [], next: null, calls, failure };
  }
  const { pages, next, failure } = await readPages(
    host,
    {
      endpoint: "symbols",
      url,
      schema: polygonTickersPageSchema,
      check: () => undefined,
      maxPages: MAX_PAGES,
    },
    deps,
    calls,
  );
  const rows = pages.flatMap((answer) => answer.results ?? []).map(toSpelledRow);
  return {
    ...toListedSymbols(rows, fromPolygonTicker),
    next: next === null ? null : next.slice(baseOf(host).length),
    calls,
    failure,
  };
}
