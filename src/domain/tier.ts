/** Service class of a symbol in the universe; T0 is polled and repaired first. */
export const TIERS = ["T0", "T1", "T2"] as const;
export type Tier = (typeof TIERS)[number];

/** Whether symbols of a tier are owed 1-minute bars; T2 has daily bars only. */
export function hasMinuteBars(tier: Tier): boolean {
  return tier !== "T2";
}
