import { laneShare } from "../domain/credits.ts";
import { type Tier, TIERS } from "../domain/tier.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import { type AskedRange, barsIn, jobWindows } from "./asked-range.ts";
import { jobSymbols } from "./hole-queue.ts";
import type { WindowRules } from "./run-window.ts";

/** What the provider that a policy depends on costs. */
export interface ProviderCost {
  /** Symbols that one call answers for; `all`: the whole market, of one trading date. */
  readonly symbolsPerCall: number | "all";
  /** Bars of one answer, beyond which it takes another call; null: one call has them all. */
  readonly barsPerCall: number | null;
  readonly callsPerMinute: number;
}

/** A tier's part of what is asked for. */
export interface TierAsk {
  readonly tier: Tier;
  /** How many symbols it has in each symbol group. */
  readonly groupSizes: readonly number[];
  /** Holes that its queue holds already. */
  readonly depth: number;
}

/** What filling costs; `calls`, `credits` and `etaS` are null when nobody serves it. */
export interface FillCost {
  readonly rows: number;
  readonly calls: number | null;
  /** A call costs one credit. */
  readonly credits: number | null;
  readonly etaS: number | null;
}

/** What a request costs, by tier and in all. */
export interface BackfillEstimate extends FillCost {
  readonly tiers: readonly (FillCost & { readonly tier: Tier; readonly symbols: number })[];
}

/**
 * What a request comes to if everything of it is open: an upper bound of rows and calls.
 *
 * `rows = symbols * bars of the windows of its jobs`, which are the minutes or dates that can have a bar.
 * `calls`: see `callsOf`. `eta = (calls + calls ahead) / (calls per minute * the tier's lane share)`, where a
 * hole that is in the queue counts as one symbol of one job: `calls ahead = depth / symbols per call`. The
 * tiers share one provider, so the whole takes at least `all calls / calls per minute`, and as long as the
 * slowest tier.
 */
export function estimateBackfill(
  asked: AskedRange,
  tiers: readonly TierAsk[],
  cost: ProviderCost | null,
  rules: WindowRules,
): BackfillEstimate {
  const bars = jobWindows(asked, rules).map((window) =>
    barsIn(window, asked.interval, rules.calendar),
  );
  const barsASymbol = bars.reduce((sum, count) => sum + count, 0);
  const parts = TIERS.flatMap((tier) => {
    const part = tiers.find((one) => one.tier === tier);
    return part === undefined ? [] : [part];
  }).map(({ tier, groupSizes, depth }) => {
    const symbols = groupSizes.reduce((sum, size) => sum + size, 0);
    const calls = cost && callsOf(asked.interval, bars, groupSizes, cost);
    const ahead = cost === null ? 0 : callsAhead(depth, cost);
    const perMinute =
      cost === null ? 0 : cost.callsPerMinute * laneShare(tier, cost.callsPerMinute);
    const etaS = calls === null ? null : secondsOf(calls + ahead, perMinute);
    return { tier, symbols, rows: symbols * barsASymbol, calls, credits: calls, etaS };
  });
  const calls = cost && parts.reduce((sum, part) => sum + (part.calls ?? 0), 0);
  const slowest = Math.max(0, ...parts.map(({ etaS }) => etaS ?? 0));
  return {
    rows: parts.reduce((sum, { rows }) => sum + rows, 0),
    calls,
    credits: calls,
    etaS:
      cost === null || calls === null
        ? null
        : Math.max(slowest, secondsOf(calls, cost.callsPerMinute)),
    tiers: parts,
  };
}

/**
 * Calls for some symbols over the windows of the jobs. Minutes go group by group, as many symbols a job as
 * its bars allow; a job takes `max(symbols / symbols per call, bars / bars per call)` calls, rounded up.
 * Daily bars go across groups; the whole market is one call a trading date.
 */
function callsOf(
  interval: AskedRange["interval"],
  bars: readonly number[],
  groupSizes: readonly number[],
  { symbolsPerCall, barsPerCall }: ProviderCost,
): number {
  const all = groupSizes.reduce((sum, size) => sum + size, 0);
  const sizes = interval === "1m" ? groupSizes : [all];
  return bars.reduce((sum, count) => {
    if (symbolsPerCall === "all") return sum + (all > 0 ? count : 0);
    const callsOfJob = (symbols: number) =>
      Math.max(
        Math.ceil(symbols / symbolsPerCall),
        barsPerCall === null ? 0 : Math.ceil((symbols * count) / barsPerCall),
      );
    const most = jobSymbols(interval, count * MINUTE_MS);
    return (
      sum +
      sizes.reduce(
        (calls, size) =>
          calls + Math.floor(size / most) * callsOfJob(most) + callsOfJob(size % most),
        0,
      )
    );
  }, 0);
}

function callsAhead(depth: number, { symbolsPerCall }: ProviderCost): number {
  if (symbolsPerCall === "all") return depth > 0 ? 1 : 0;
  return Math.ceil(depth / symbolsPerCall);
}

function secondsOf(calls: number, callsPerMinute: number): number {
  if (calls === 0) return 0;
  return Math.ceil(((calls / callsPerMinute) * MINUTE_MS) / SECOND_MS);
}
