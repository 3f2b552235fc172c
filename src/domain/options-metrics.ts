import type { OptionChain, OptionContract } from "./option-chain.ts";
import { parseTradingDate, type TradingDate } from "./trading-date.ts";

/** How skew was measured: by deltas of a quarter, or 5 % from the price where the chain has no greeks. */
export type SkewMethod = "delta_25" | "moneyness_95_105";

/** What a chain says; null where it does not. Ratios are puts to calls, volatilities annual. */
export interface OptionsMetrics {
  readonly putCallVolume: number | null;
  readonly putCallOpenInterest: number | null;
  readonly atmIv: number | null;
  readonly skew: number | null;
  readonly skewMethod: SkewMethod | null;
  readonly expiry: TradingDate | null;
  readonly price: number | null;
  /** Contracts of the chain. */
  readonly contracts: number;
}

/** The term that volatility is read at, and the nearest expiry that is no week-end gamble, days. */
const TARGET_DAYS = 30;
const MIN_DAYS = 7;
/** A volatility beyond is a fault of the solver, not a price. */
const MAX_IV = 5;
const SKEW_DELTA = 0.25;
/** How far from the wanted delta, or from the wanted strike as a share of the price, a contract may be. */
const MAX_DELTA_OFF = 0.1;
const MAX_STRIKE_OFF = 0.02;
const PUT_MONEYNESS = 0.95;
const CALL_MONEYNESS = 1.05;

/**
 * The metrics of a chain.
 * - Put/call ratios: over all contracts of the chain, sums of volume and of open interest.
 * - `expiry`: the one nearest 30 days away (the earlier of two), at least 7, with a volatility on both sides.
 * - `atmIv`: at that expiry and the strike nearest the price, the mean of the call's and the put's
 *   implied volatility, or the one there is.
 * - `skew`: implied volatility of the put with delta -0.25 less that of the call with delta 0.25 (each the
 *   nearest, at most 0.1 off): the 25-delta risk reversal with its sign turned (Mixon, What Does Implied
 *   Volatility Skew Measure?, Journal of Derivatives 2011). Without such deltas: the put at 95 % of the
 *   price less the call at 105 % (each at most 2 % of the price off).
 */
export function optionsMetrics(chain: OptionChain): OptionsMetrics {
  const { contracts, price } = chain;
  const expiry = expiryOf(chain);
  const priced = contracts.filter((one) => one.expiry === expiry && volatilityOf(one) !== null);
  const skew = skewOf(priced, price);
  return {
    putCallVolume: putCallRatio(contracts, ({ volume }) => volume),
    putCallOpenInterest: putCallRatio(contracts, ({ openInterest }) => openInterest),
    atmIv: price === null ? null : atmVolatility(priced, price),
    skew: skew?.value ?? null,
    skewMethod: skew?.method ?? null,
    expiry,
    price,
    contracts: contracts.length,
  };
}

function volatilityOf({ iv }: OptionContract): number | null {
  return iv !== null && iv > 0 && iv < MAX_IV ? iv : null;
}

/** Null when no call counts anything, or nothing says what puts count. */
function putCallRatio(
  contracts: readonly OptionContract[],
  countOf: (contract: OptionContract) => number | null,
): number | null {
  const sums = { call: 0, put: 0 };
  let isKnown = false;
  for (const contract of contracts) {
    const count = countOf(contract);
    sums[contract.kind] += count ?? 0;
    isKnown ||= count !== null && contract.kind === "put";
  }
  return isKnown && sums.call > 0 ? sums.put / sums.call : null;
}

function expiryOf({ contracts, date }: OptionChain): TradingDate | null {
  const today = parseTradingDate(date);
  const sides = Map.groupBy(
    contracts.filter((contract) => volatilityOf(contract) !== null),
    ({ expiry }) => expiry,
  );
  const candidates = [...sides]
    .filter(([, own]) => new Set(own.map(({ kind }) => kind)).size === 2)
    .map(([expiry]) => ({ expiry, days: parseTradingDate(expiry) - today }))
    .filter(({ days }) => days >= MIN_DAYS);
  const off = ({ days }: { days: number }) => Math.abs(days - TARGET_DAYS);
  return candidates.toSorted((a, b) => off(a) - off(b) || a.days - b.days)[0]?.expiry ?? null;
}

function atmVolatility(priced: readonly OptionContract[], price: number): number | null {
  const [nearest] = priced.toSorted(
    (a, b) => Math.abs(a.strike - price) - Math.abs(b.strike - price) || a.strike - b.strike,
  );
  if (nearest === undefined) return null;
  const there = priced
    .filter(({ strike }) => strike === nearest.strike)
    .map(volatilityOf)
    .filter((iv) => iv !== null);
  return there.reduce((sum, iv) => sum + iv, 0) / there.length;
}

function skewOf(
  priced: readonly OptionContract[],
  price: number | null,
): { readonly value: number; readonly method: SkewMethod } | null {
  const byDelta = difference(
    nearestTo(priced, "put", ({ delta }) => delta, -SKEW_DELTA, MAX_DELTA_OFF),
    nearestTo(priced, "call", ({ delta }) => delta, SKEW_DELTA, MAX_DELTA_OFF),
  );
  if (byDelta !== null) return { value: byDelta, method: "delta_25" };
  if (price === null) return null;
  const moneyness = ({ strike }: OptionContract) => strike / price;
  const byStrike = difference(
    nearestTo(priced, "put", moneyness, PUT_MONEYNESS, MAX_STRIKE_OFF),
    nearestTo(priced, "call", moneyness, CALL_MONEYNESS, MAX_STRIKE_OFF),
  );
  return byStrike === null ? null : { value: byStrike, method: "moneyness_95_105" };
}

/** The volatility of the contract of a side that comes nearest to a value, unless it is too far off. */
function nearestTo(
  priced: readonly OptionContract[],
  side: OptionContract["kind"],
  valueOf: (contract: OptionContract) => number | null,
  wanted: number,
  maxOff: number,
): number | null {
  let best: { off: number; iv: number | null } = { off: Infinity, iv: null };
  for (const contract of priced) {
    const value = valueOf(contract);
    if (contract.kind !== side || value === null) continue;
    const off = Math.abs(value - wanted);
    if (off <= maxOff && off < best.off) best = { off, iv: volatilityOf(contract) };
  }
  return best.iv;
}

function difference(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : one - other;
}
