import { marketRegime, REGIMES, type Regime } from "./market-regime.ts";

/** What is told of the market of a trading date; the unit of each stands at `macroFactors`. */
export const MACRO_FACTORS = [
  "advance_decline_line",
  "advance_decline_net",
  "advance_decline_ratio",
  "breadth_50d",
  "realized_vol_20d",
  "regime",
  "up_down_volume_ratio",
] as const;
export type MacroFactorName = (typeof MACRO_FACTORS)[number];

/** Sessions of the mean that breadth is held against, and how many bars of them a symbol must have. */
export const BREADTH_SESSIONS = 50;
export const BREADTH_MIN_BARS = 45;
/** Returns of the realised volatility: it needs one close more. */
export const VOLATILITY_RETURNS = 20;
/** Trading days of a year. */
export const YEAR_SESSIONS = 252;
/** Closes that differ by less, as shares of them, are equal: adjusting for splits rounds. */
export const EQUAL_CLOSES = 1e-9;

/**
 * Counts over the active universe of a trading date, all closes on the shares of one day (splits are no
 * returns). `compared` = `advancing` + `declining` + unchanged: symbols with a bar on the date and on the
 * session before; volumes in shares. `judged`: symbols with a bar on the date and `BREADTH_MIN_BARS` bars,
 * that one included, in the last `BREADTH_SESSIONS` sessions; `above`: those of them that closed above the
 * mean of these closes.
 */
export interface MarketDay {
  readonly compared: number;
  readonly advancing: number;
  readonly declining: number;
  readonly volumeUp: number;
  readonly volumeDown: number;
  readonly judged: number;
  readonly above: number;
}

/** A factor's value on a date, how many symbols (or returns) it is made from, and what it is made of. */
export interface MacroFactor {
  readonly factor: MacroFactorName;
  readonly value: number;
  readonly sample: number;
  readonly detail: Readonly<Record<string, number | string>>;
}

/** What a date's factors are made from. */
export interface MacroInput {
  readonly day: MarketDay;
  /** Closes of the benchmark over the last sessions, the date's own last, on the shares of one day. */
  readonly benchmark: { readonly symbol: string; readonly closes: readonly number[] };
  /** The sum of `advance_decline_net` over all dates before. */
  readonly lineBefore: number;
}

/**
 * The factors of a trading date; one that its numbers do not give (nobody declined, too few bars) is left
 * out. Advance/decline, its line and the volume ratio as the New York Stock Exchange's market statistics
 * are read (Zweig, Winning on Wall Street, chapter 5; Colby, The Encyclopedia of Technical Market
 * Indicators, "Advance-Decline Line").
 * - `breadth_50d`: share of `judged` symbols above their mean, 0 to 1.
 * - `advance_decline_net`: advancing less declining symbols; `…_ratio`: advancing to declining ones;
 *   `…_line`: the sum of all nets since the first stored date.
 * - `up_down_volume_ratio`: shares traded in advancing to those in declining symbols.
 * - `realized_vol_20d`: see `realizedVolatility`, of the benchmark.
 * - `regime`: see `marketRegime`; its number stands in `REGIMES`, its name in `detail.label`.
 */
export function macroFactors({ day, benchmark, lineBefore }: MacroInput): MacroFactor[] {
  const { compared, advancing, declining, volumeUp, volumeDown, judged, above } = day;
  const net = advancing - declining;
  const counts = { advancing, declining, unchanged: compared - advancing - declining };
  const volumes = { volume_up: volumeUp, volume_down: volumeDown };
  const volatility = realizedVolatility(benchmark.closes);
  const breadth = judged === 0 ? null : above / judged;
  const regime = breadth === null || volatility === null ? null : marketRegime(breadth, volatility);
  const told: [MacroFactorName, number | null, number, MacroFactor["detail"]][] = [
    ["breadth_50d", breadth, judged, { above }],
    ["advance_decline_net", net, compared, counts],
    ["advance_decline_ratio", quotient(advancing, declining), compared, counts],
    ["advance_decline_line", lineBefore + net, compared, { net }],
    ["up_down_volume_ratio", quotient(volumeUp, volumeDown), compared, volumes],
    ["realized_vol_20d", volatility, VOLATILITY_RETURNS, { symbol: benchmark.symbol }],
    ["regime", regime && REGIMES[regime], judged, regimeDetail(regime, breadth, volatility)],
  ];
  return told.flatMap(([factor, value, sample, detail]) =>
    value === null || sample === 0 ? [] : [{ factor, value, sample, detail }],
  );
}

/**
 * Annualised realised volatility: the standard deviation (n - 1) of the last 20 daily log returns, times
 * the root of 252. Null when there are fewer closes. Source: Hull, Options, Futures, and Other Derivatives,
 * "Estimating volatility from historical data".
 */
export function realizedVolatility(closes: readonly number[]): number | null {
  const last = closes.slice(-VOLATILITY_RETURNS - 1);
  if (last.length <= VOLATILITY_RETURNS) return null;
  const returns = last.slice(1).map((close, index) => Math.log(close / (last[index] ?? close)));
  const mean = returns.reduce((sum, value) => sum + value, 0) / returns.length;
  const squares = returns.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt((squares / (returns.length - 1)) * YEAR_SESSIONS);
}

function quotient(numerator: number, denominator: number): number | null {
  return denominator === 0 ? null : numerator / denominator;
}

function regimeDetail(
  label: Regime | null,
  breadth: number | null,
  volatility: number | null,
): MacroFactor["detail"] {
  if (label === null || breadth === null || volatility === null) return {};
  return { label, breadth, volatility };
}
