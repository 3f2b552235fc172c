/** The companies whose APIs are polled. */
export const PROVIDER_IDS = ["polygon", "alpaca", "finnhub", "iex"] as const;
export type ProviderId = (typeof PROVIDER_IDS)[number];

/** What a provider can be asked for; health and breaker are kept for each. */
export const CAPABILITIES = ["bars_1m", "bars_1d", "quotes_l1"] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** Scope of the data at the provider. */
export const FEEDS = ["sip", "delayed_sip", "finnhub", "iex"] as const;
export type Feed = (typeof FEEDS)[number];

/**
 * Rank of a feed, higher is better: the consolidated tape before its delayed copy, then Finnhub's
 * (unproven), then the single venue IEX. A feed of higher rank may revise a bar of a lower one.
 */
export function feedRank(feed: Feed): number {
  return FEEDS.length - FEEDS.indexOf(feed);
}
