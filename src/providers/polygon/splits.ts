import type { Split } from "../../domain/split.ts";
import type { ProviderCall, ProviderDeps, SplitsAnswer, SplitsRequest } from "../provider.ts";
import { baseOf, type PolygonHost } from "./host.ts";
import { readPages } from "./pages.ts";
import { polygonSplitsPageSchema } from "./schema.ts";
import { toSplit } from "./split-map.ts";

/** Most rows of a page (the API's maximum; the default is 10). */
const PAGE_ROWS = 1_000;

/** Pages before the answer counts as endless: two years of the market, OTC too, have some four thousand rows. */
const MAX_PAGES = 20;

/** The URL of the first page of the whole market's splits, by ex-date. */
export function splitsUrl(host: PolygonHost, { from, through }: SplitsRequest): string {
  const range = `execution_date.gte=${from}&execution_date.lte=${through}`;
  const order = `sort=execution_date&order=asc&limit=${PAGE_ROWS}`;
  return `${baseOf(host)}/v3/reference/splits?${range}&${order}`;
}

/** The splits of some dates, announced ones too: one call a thousand, on every plan. */
export async function fetchSplits(
  host: PolygonHost,
  request: SplitsRequest,
  deps: ProviderDeps,
): Promise<SplitsAnswer> {
  const calls: ProviderCall[] = [];
  const { pages, failure } = await readPages(
    host,
    {
      endpoint: "splits",
      url: splitsUrl(host, request),
      schema: polygonSplitsPageSchema,
      check: () => undefined,
      maxPages: MAX_PAGES,
    },
    deps,
    calls,
  );
  const splits: Split[] = [];
  const unmappable: string[] = [];
  for (const row of pages.flatMap((page) => page.results ?? [])) {
    const split = toSplit(row);
    if (split === null) unmappable.push(row.ticker);
    else splits.push(split);
  }
  return { splits, unmappable, calls, failure };
}
