/** The regimes, worst first, with the numbers that stand for them. */
export const REGIMES = { stress: -2, risk_off: -1, neutral: 0, risk_on: 1 } as const;
/** A label of the market as a whole. */
export type Regime = keyof typeof REGIMES;

/** Volatility that is stress whatever breadth says: some 2.2 % a day. */
const STRESS_VOLATILITY = 0.35;
/** Volatility that is stress when few symbols hold their mean. */
const NERVOUS_VOLATILITY = 0.25;
const NERVOUS_BREADTH = 0.3;
const WEAK_BREADTH = 0.4;
const STRONG_BREADTH = 0.6;
const CALM_VOLATILITY = 0.2;

/**
 * The regime by two thresholds each (ours, not a published index): `breadth` is `breadth_50d`, `volatility`
 * is `realized_vol_20d`. The first that holds, in this order:
 * - `stress`: volatility >= 0.35, or >= 0.25 with breadth < 0.3;
 * - `risk_off`: breadth < 0.4;
 * - `risk_on`: breadth >= 0.6 and volatility < 0.2;
 * - `neutral`: everything else.
 */
export function marketRegime(breadth: number, volatility: number): Regime {
  const isNervous = volatility >= NERVOUS_VOLATILITY && breadth < NERVOUS_BREADTH;
  if (volatility >= STRESS_VOLATILITY || isNervous) return "stress";
  if (breadth < WEAK_BREADTH) return "risk_off";
  return breadth >= STRONG_BREADTH && volatility < CALM_VOLATILITY ? "risk_on" : "neutral";
}
