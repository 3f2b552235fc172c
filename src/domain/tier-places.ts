import type { Tier } from "./tier.ts";

/** How many symbols by median dollar volume a tier takes, and how far beyond its border one moves. */
export interface TierPlaces {
  readonly T0: number;
  readonly T1: number;
  /** A symbol moves only when its rank is beyond the border of its tier by this share of the rank. */
  readonly borderShare: number;
}

/** T0 is the top 500, T1 the next 2,500 (the contract's table of defaults). */
export const DEFAULT_TIER_PLACES: TierPlaces = { T0: 500, T1: 2_500, borderShare: 0.1 };

/** The median counts over so many sessions, and says nothing of a symbol with fewer daily bars than the least. */
export const VOLUME_SESSIONS = 20;
export const MIN_VOLUME_BARS = 5;

/** What decides the tier of a symbol. */
export interface TierCandidate {
  readonly symbol: string;
  /** The tier it has; null when no volume ever placed it. */
  readonly tier: Tier | null;
  /** Median dollar volume, US dollars a session; null when too little is known. */
  readonly volume: number | null;
}

/**
 * The tier of each symbol by its rank in dollar volume (equal volumes by symbol). The borders are
 * ranks, so a tier never holds more than its border's share above its size, whatever the volumes do. A
 * symbol without a volume is T2. Placing the result again moves nothing.
 */
export function placeTiers(
  candidates: readonly TierCandidate[],
  places: TierPlaces = DEFAULT_TIER_PLACES,
): Map<string, Tier> {
  const tiers = new Map<string, Tier>(candidates.map(({ symbol }) => [symbol, "T2"]));
  const ranked = candidates
    .flatMap(({ symbol, tier, volume }) => (volume === null ? [] : [{ symbol, tier, volume }]))
    .toSorted((a, b) => b.volume - a.volume || (a.symbol < b.symbol ? -1 : 1));
  ranked.forEach(({ symbol, tier }, index) => tiers.set(symbol, placeOf(index + 1, tier, places)));
  return tiers;
}

function placeOf(rank: number, tier: Tier | null, places: TierPlaces): Tier {
  const { T0, T1, borderShare } = places;
  if (rank <= borderFor(T0, borderShare, tier, tier === "T0")) return "T0";
  if (rank <= borderFor(T0 + T1, borderShare, tier, tier !== "T2")) return "T1";
  return "T2";
}

/** The last rank above a border, for a symbol that stands above or below it; a new one takes it as it is. */
function borderFor(
  border: number,
  borderShare: number,
  tier: Tier | null,
  isAbove: boolean,
): number {
  if (tier === null) return border;
  return border * (isAbove ? 1 + borderShare : 1 - borderShare);
}
