import { fetchLatestQuotes } from "../alpaca/quotes.ts";
import type { Provider, ProviderVerbs } from "../provider.ts";
import type { IexBackend } from "./limits.ts";

/** Plain data. `baseUrl` is that of the backend's data host, `https://data.alpaca.markets`. */
export interface IexSettings {
  readonly backend: IexBackend;
  readonly baseUrl: string;
  readonly keyId: string;
  readonly secret: string;
}

/**
 * IEX's top of book: the newest quotes of Alpaca's feed iex, on an account of its own. One venue with
 * 2-4 % of the volume: `venue` is IEX, `consolidated` false, spreads may be absurd and sides empty
 * (alpaca-java issue 91). It fails together with `alpaca`: the host is the same.
 */
export function createIex(settings: IexSettings): Provider & Pick<ProviderVerbs, "fetchQuotes"> {
  const source = { provider: "iex", host: settings, feed: "iex" } as const;
  return {
    id: "iex",
    capabilities: ["quotes_l1"],
    fetchQuotes: (request, deps) => fetchLatestQuotes(source, request, deps),
  };
}
