import type { Bar } from "../../domain/bar.ts";
import type { TradingDate } from "../../domain/trading-date.ts";
import { coveredDates } from "../daily-bar.ts";
import { servableDates } from "../plan-limits.ts";
import type {
  BarsAnswer,
  Covered,
  DailyBarsRequest,
  ProviderCall,
  ProviderDeps,
} from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { baseOf, type PolygonHost } from "./host.ts";
import type { PolygonPlanRow } from "./limits.ts";
import { toDailyBars, toPolygonTicker } from "./map.ts";
import { checkCount, malformed, readPages } from "./pages.ts";
import { type PolygonGroupedPage, polygonGroupedPageSchema } from "./schema.ts";

/** The whole market is one page of about 12,400 rows; the API has no cursor here. */
const MAX_PAGES = 1;

/** The URL of a date's raw daily bars of the whole market, without what trades over the counter. */
export function groupedUrl(host: PolygonHost, date: TradingDate): string {
  const path = `/v2/aggs/grouped/locale/us/market/stocks/${date}`;
  return `${baseOf(host)}${path}?adjusted=false&include_otc=false`;
}

/**
 * Raw daily bars: one call a date for the whole market, of which the asked symbols are kept. A date
 * whose answer has no row at all is not covered: it is not a trading date or not there yet.
 */
export async function fetchDailyBars(
  host: PolygonHost,
  limits: PolygonPlanRow,
  request: DailyBarsRequest,
  deps: ProviderDeps,
): Promise<BarsAnswer> {
  const { dates, failure: unserved } = servableDates(request.dates, limits, deps.now());
  const asked = new Set(request.symbols);
  const rows: Bar[] = [];
  const covered: Covered[] = [];
  const calls: ProviderCall[] = [];
  let failure: ProviderError | null = null;
  if (asked.size === 0) return { rows, covered, feed: "sip", calls, failure: unserved };
  for (const date of dates) {
    const answer = await fetchDate(host, date, deps, calls);
    failure ??= answer.failure;
    if (answer.failure !== null && answer.failure.kind !== "not_found") break;
    const bars = answer.bars.filter((bar) => asked.has(bar.symbol));
    for (const bar of bars) rows.push(bar);
    if (answer.bars.length > 0) covered.push(...coveredDates(answeredFor(asked, bars), [date]));
  }
  // The daily bar of a finished session is the tape's own, whether the key is a delayed one or not.
  return { rows, covered, feed: "sip", calls, failure: failure ?? unserved };
}

/** Absence says something only of a symbol whose ticker is proven; a bar does of any. */
function answeredFor(asked: ReadonlySet<string>, bars: readonly Bar[]): string[] {
  const withBar = new Set(bars.map((bar) => bar.symbol));
  return [...asked].filter((symbol) => withBar.has(symbol) || toPolygonTicker(symbol) !== null);
}

async function fetchDate(
  host: PolygonHost,
  date: TradingDate,
  deps: ProviderDeps,
  calls: ProviderCall[],
): Promise<{ bars: Bar[]; failure: ProviderError | null }> {
  const { pages, failure } = await readPages(
    host,
    {
      endpoint: "daily",
      url: groupedUrl(host, date),
      schema: polygonGroupedPageSchema,
      check: checkPage,
      maxPages: MAX_PAGES,
    },
    deps,
    calls,
  );
  const bars = pages.flatMap((page) => toDailyBars(date, page));
  if (failure !== null || bars.length > 0) return { bars, failure };
  return { bars, failure: new ProviderError("not_found", `no daily bars of ${date}`) };
}

function checkPage(page: PolygonGroupedPage): void {
  if (page.adjusted === true) throw malformed("adjusted bars where raw ones were asked");
  checkCount(page);
}
