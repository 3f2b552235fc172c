import { canonicalSymbol } from "../../domain/canonical-symbol.ts";
import { callJson } from "../call-json.ts";
import { toListedSymbols } from "../listed-symbol.ts";
import type { ProviderCall, ProviderDeps, SymbolsAnswer } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { toSpelledRows } from "./asset-map.ts";
import { alpacaError } from "./errors.ts";
import { type AlpacaHost, keyHeaders, urlOn } from "./host.ts";
import { alpacaAssetsSchema } from "./schema.ts";

/** The list of active US equities, one call without pages. `host` is the TRADING host. */
export async function listSymbols(host: AlpacaHost, deps: ProviderDeps): Promise<SymbolsAnswer> {
  const calls: ProviderCall[] = [];
  const query = new URLSearchParams({ status: "active", asset_class: "us_equity" });
  try {
    const assets = await callJson(
      {
        provider: "alpaca",
        endpoint: "symbols",
        url: urlOn(host, "/v2/assets", query),
        headers: keyHeaders(host),
        schema: alpacaAssetsSchema,
        check: () => undefined,
        toError: alpacaError,
      },
      deps,
      calls,
    );
    const symbols = toListedSymbols(toSpelledRows(assets), canonicalSymbol);
    return { ...symbols, next: null, calls, failure: null };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { listed: [], collisions: [], unmappable: [], next: null, calls, failure: error };
  }
}
