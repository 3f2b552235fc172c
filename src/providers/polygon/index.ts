import type { Provider, ProviderVerbs } from "../provider.ts";
import { fetchBars } from "./bars.ts";
import { fetchDailyBars } from "./daily.ts";
import type { PolygonHost } from "./host.ts";
import { POLYGON_PLANS, type PolygonPlan } from "./limits.ts";
import { fetchCalendar } from "./calendar.ts";
import { fetchOptionChain } from "./options.ts";
import { fetchQuotes } from "./quotes.ts";
import { fetchSplits } from "./splits.ts";
import { listSymbols } from "./symbols.ts";

/** Plain data. `baseUrl` is for example `https://api.polygon.io`. */
export interface PolygonSettings extends PolygonHost {
  readonly plan: PolygonPlan;
}

/**
 * Polygon (Massive): raw 1-minute bars one symbol a call, the whole market's daily bars in one, the
 * NBBO of 250 symbols a call (advanced only), the list of symbols, the holidays ahead, splits, and
 * option chains. Reference data comes with every plan, options with a plan of their own.
 */
export function createPolygon(settings: PolygonSettings): Provider & ProviderVerbs {
  const limits = POLYGON_PLANS[settings.plan];
  return {
    id: "polygon",
    capabilities: limits.capabilities,
    fetchBars: (request, deps) => fetchBars(settings, limits, request, deps),
    fetchDailyBars: (request, deps) => fetchDailyBars(settings, limits, request, deps),
    fetchQuotes: (request, deps) => fetchQuotes(settings, request, deps),
    listSymbols: (request, deps) => listSymbols(settings, request, deps),
    fetchCalendar: (request, deps) => fetchCalendar(settings, request, deps),
    fetchSplits: (request, deps) => fetchSplits(settings, request, deps),
    fetchOptionChain: (request, deps) => fetchOptionChain(settings, request, deps),
  };
}
