import type {
  OptionChainAnswer,
  OptionChainRequest,
  ProviderCall,
  ProviderDeps,
} from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { baseOf, type PolygonHost } from "./host.ts";
import { toPolygonTicker } from "./map.ts";
import { toOptionContract } from "./option-map.ts";
import { malformed, readPages } from "./pages.ts";
import { type PolygonOptionsPage, polygonOptionsPageSchema } from "./schema.ts";

/** Most contracts of a page (the API's maximum; the default is 10). */
const PAGE_CONTRACTS = 250;

/** Pages before the chain counts as endless: 20,000 contracts, twice what SPY has within 45 days. */
const MAX_PAGES = 80;

/** The URL of the first page of an underlying's chain. */
export function chainUrl(host: PolygonHost, ticker: string, request: OptionChainRequest): string {
  const { date, through } = request;
  const range = `expiration_date.gte=${date}&expiration_date.lte=${through}`;
  const path = `/v3/snapshot/options/${encodeURIComponent(ticker)}`;
  return `${baseOf(host)}${path}?${range}&limit=${PAGE_CONTRACTS}&sort=ticker&order=asc`;
}

/** An underlying's options as they stand: one call for 250 contracts. Part of a chain is no answer. */
export async function fetchOptionChain(
  host: PolygonHost,
  request: OptionChainRequest,
  deps: ProviderDeps,
): Promise<OptionChainAnswer> {
  const { underlying, date } = request;
  const calls: ProviderCall[] = [];
  const ticker = toPolygonTicker(underlying);
  if (ticker === null) {
    const failure = new ProviderError("bad_request", `no ticker for ${underlying}`);
    return { chain: null, calls, failure };
  }
  const { pages, failure } = await readPages(
    host,
    {
      endpoint: "options",
      url: chainUrl(host, ticker, request),
      schema: polygonOptionsPageSchema,
      check: (page) => checkPage(page, ticker),
      maxPages: MAX_PAGES,
    },
    deps,
    calls,
  );
  if (failure !== null) return { chain: null, calls, failure };
  const rows = pages.flatMap((page) => page.results ?? []);
  const contracts = rows
    .map((row) => toOptionContract(row, date))
    .filter((contract) => contract !== null);
  if (contracts.length === 0) {
    const nothing = new ProviderError("not_found", `no options of ${underlying}`);
    return { chain: null, calls, failure: nothing };
  }
  const price = rows.find((row) => (row.underlying_asset?.price ?? 0) > 0)?.underlying_asset?.price;
  return { chain: { underlying, date, price: price ?? null, contracts }, calls, failure: null };
}

function checkPage(page: PolygonOptionsPage, ticker: string): void {
  for (const { underlying_asset: asset } of page.results ?? []) {
    const named = asset?.ticker ?? ticker;
    if (named !== ticker) throw malformed(`options of ${named}, asked ${ticker}`);
  }
}
