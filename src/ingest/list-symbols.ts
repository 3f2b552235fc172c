import type { Listing, ProviderListing } from "../domain/merge-listings.ts";
import type { Provider, ProviderCall, ProviderVerbs } from "../providers/provider.ts";
import type { ProviderError } from "../providers/provider-error.ts";
import type { PartialListing } from "../postgres/listing-store.ts";
import { type AskDeps, askProvider } from "./ask-provider.ts";

/** Answers of one list before it counts as endless; an answer may hold many pages. */
const MAX_ANSWERS = 50;

/** A list is read once a day and is not urgent: it leaves the last of the quota to polls. */
const LANE = "T0";

/** A provider that has a list of symbols. */
export type ListingProvider = Provider & Pick<ProviderVerbs, "listSymbols">;

/** Whether a provider's API lists symbols; every plan may read its list. */
export function hasSymbolList(provider: Provider): provider is ListingProvider {
  return provider.listSymbols !== undefined;
}

/** What was read of a list, this time and before; `next` is the page to go on with, null at the end. */
export interface ReadList {
  readonly listing: ProviderListing;
  readonly next: string | null;
  readonly unmappable: number;
  readonly calls: readonly ProviderCall[];
  readonly failure: ProviderError | null;
}

/**
 * Reads a provider's list from where it was left, page after page until its end, a fault, or the end
 * of the credits. What was read stays read. A list tells nothing about how bars are served: only
 * credits are reported to the breaker.
 */
export async function readList(
  provider: ListingProvider,
  from: PartialListing | null,
  deps: AskDeps,
): Promise<ReadList> {
  const listed: Listing[] = [...(from?.listed ?? [])];
  const collisions = [...(from?.collisions ?? [])];
  const calls: ProviderCall[] = [];
  let next = from?.next ?? null;
  let unmappable = 0;
  let failure: ProviderError | null = null;
  for (let answers = 0; answers < MAX_ANSWERS; answers += 1) {
    const page = next;
    const answer = await askProvider(
      {
        provider: provider.id,
        capability: "bars_1d",
        lane: LANE,
        call: (providerDeps) => provider.listSymbols({ page }, providerDeps),
        outcomes: null,
      },
      deps,
    );
    listed.push(...answer.listed);
    collisions.push(...answer.collisions);
    calls.push(...answer.calls);
    unmappable += answer.unmappable.length;
    ({ next, failure } = answer);
    if (next === null || failure !== null) break;
  }
  const complete = failure === null && next === null;
  const listing = { provider: provider.id, complete, listed, collisions };
  return { listing, next, unmappable, calls, failure };
}
