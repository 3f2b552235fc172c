/** Service class of a symbol in the universe; T0 is polled and repaired first. */
export const TIERS = ["T0", "T1", "T2"] as const;
export type Tier = (typeof TIERS)[number];
