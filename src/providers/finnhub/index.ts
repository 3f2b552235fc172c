import type { Provider, ProviderVerbs } from "../provider.ts";
import { fetchBars } from "./bars.ts";
import type { FinnhubHost } from "./client.ts";
import { FINNHUB_PLANS, type FinnhubPlan } from "./limits.ts";
import { fetchQuotes } from "./quotes.ts";
import { listSymbols } from "./symbols.ts";

/** Plain data. `baseUrl` is for example `https://finnhub.io/api/v1`. */
export interface FinnhubSettings extends FinnhubHost {
  readonly plan: FinnhubPlan;
}

/**
 * Finnhub: raw 1-minute bars (premium) and last prices, one symbol a call, and the list of symbols.
 * No daily bars: they are split-adjusted and can't be had raw.
 */
export function createFinnhub(
  settings: FinnhubSettings,
): Provider & Pick<ProviderVerbs, "fetchBars" | "fetchQuotes" | "listSymbols"> {
  const limits = FINNHUB_PLANS[settings.plan];
  return {
    id: "finnhub",
    capabilities: limits.capabilities,
    fetchBars: (request, deps) => fetchBars(settings, limits, request, deps),
    fetchQuotes: (request, deps) => fetchQuotes(settings, request, deps),
    listSymbols: (_request, deps) => listSymbols(settings, deps),
  };
}
