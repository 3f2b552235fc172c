import type { Listing, ProviderListing } from "../../src/domain/merge-listings.ts";
import type { ProviderId } from "../../src/domain/provider-id.ts";
import { type Refreshed, type RefreshInput, refreshUniverse } from "../../src/domain/universe.ts";

/** A listed common share; what is not given a provider does not say. */
export function listing(symbol: string, change: Partial<Listing> = {}): Listing {
  return {
    symbol,
    listedAs: symbol,
    name: null,
    exchange: null,
    type: null,
    figi: null,
    ...change,
  };
}

/** A complete list of a provider. */
export function listOf(
  provider: ProviderId,
  listed: readonly Listing[],
  change: Partial<ProviderListing> = {},
): ProviderListing {
  return { provider, complete: true, listed, collisions: [], ...change };
}

/** A refresh of a universe that is empty unless it is given. */
export function refresh(change: Partial<RefreshInput> = {}): Refreshed {
  return refreshUniverse({
    rows: [],
    listings: [],
    volumes: new Map(),
    pins: new Map(),
    date: "2026-03-20",
    ...change,
  });
}

/** The changes as `symbol kind+kind`. */
export function changesOf({ changes }: Refreshed): string[] {
  return changes.map(({ symbol, kinds }) => `${symbol} ${kinds.join("+")}`);
}
