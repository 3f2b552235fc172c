import type { ProviderError } from "../providers/provider-error.ts";
import type { Admission } from "./admission.ts";

/**
 * Symbols of those asked that an answer showed to be malformed at the provider. Only a `bad_request`
 * names such: what is unknown or not in the plan fails no batch.
 */
export function badSymbolsOf(failure: ProviderError | null, asked: readonly string[]): string[] {
  if (failure?.kind !== "bad_request") return [];
  const named = new Set(failure.badSymbols);
  return asked.filter((symbol) => named.has(symbol));
}

/** The symbols that may be asked of a provider; the next one is asked for the others. */
export function withoutBadSymbols<S extends string>(
  symbols: readonly S[],
  { badSymbols }: Pick<Admission, "badSymbols">,
): S[] {
  const bad = new Set<string>(badSymbols);
  return symbols.filter((symbol) => !bad.has(symbol));
}
