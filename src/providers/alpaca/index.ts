import type { Provider, ProviderVerbs } from "../provider.ts";
import { type AlpacaAccount, fetchBars } from "./bars.ts";
import { fetchCalendar } from "./calendar.ts";
import { fetchDailyBars } from "./daily.ts";
import { DEFAULT_TRADING_URL } from "./host.ts";
import { alpacaCapabilities } from "./limits.ts";
import { fetchLatestQuotes } from "./quotes.ts";
import { listSymbols } from "./symbols.ts";

/** Plain data. `baseUrl` is that of the data host, `https://data.alpaca.markets`. */
export interface AlpacaSettings extends AlpacaAccount {
  /** The host of assets and calendar; `DEFAULT_TRADING_URL` unless given. */
  readonly tradingUrl?: string;
}

/**
 * Alpaca Market Data v2: raw minutes, daily bars and quotes of many symbols a call, the list of
 * assets, the trading days. Symbols that Alpaca calls malformed are dropped and the others asked again; they come back
 * in a `bad_request` failure's `badSymbols`, unless something else failed, which is then what
 * `failure` says.
 */
export function createAlpaca(
  settings: AlpacaSettings,
): Provider & Omit<ProviderVerbs, "fetchSplits" | "fetchOptionChain"> {
  const { plan, feed } = settings;
  const source = { provider: "alpaca", host: settings, feed } as const;
  const tradingHost = { ...settings, baseUrl: settings.tradingUrl ?? DEFAULT_TRADING_URL };
  return {
    id: "alpaca",
    capabilities: alpacaCapabilities(plan, feed),
    fetchBars: (request, deps) => fetchBars(settings, request, deps),
    fetchDailyBars: (request, deps) => fetchDailyBars(settings, request, deps),
    fetchQuotes: (request, deps) => fetchLatestQuotes(source, request, deps),
    listSymbols: (_request, deps) => listSymbols(tradingHost, deps),
    fetchCalendar: (request, deps) => fetchCalendar(tradingHost, request, deps),
  };
}
