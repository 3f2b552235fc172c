import { toListedSymbols } from "../listed-symbol.ts";
import type { ProviderCall, ProviderDeps, SymbolsAnswer } from "../provider.ts";
import { type FinnhubHost, getFinnhub } from "./client.ts";
import { fromFinnhubSymbol, toSpelledRow } from "./map.ts";
import { finnhubSymbolsSchema } from "./schema.ts";

/** The list of US symbols, one call without pages; what trades over the counter is left out. */
export async function listSymbols(host: FinnhubHost, deps: ProviderDeps): Promise<SymbolsAnswer> {
  const calls: ProviderCall[] = [];
  const { value, failure } = await getFinnhub(
    host,
    {
      endpoint: "symbols",
      path: "/stock/symbol",
      query: { exchange: "US" },
      schema: finnhubSymbolsSchema,
    },
    deps,
    calls,
  );
  const symbols = toListedSymbols((value ?? []).map(toSpelledRow), fromFinnhubSymbol);
  return { ...symbols, next: null, calls, failure };
}
