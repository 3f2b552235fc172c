import type { Capability } from "../../domain/provider-id.ts";
import { SECOND_MS } from "../../domain/time.ts";
import type { PlanLimits } from "../plan-limits.ts";

/** `ALPACA_PLAN`: basic is the free one, plus is Algo Trader Plus. */
export type AlpacaPlan = "basic" | "plus";

/** `ALPACA_FEED`: the consolidated tape or IEX's own trades (2-4 % of the volume). */
export type AlpacaFeed = "sip" | "iex";

/** What a plan gives; the delay depends on the feed, the rate is one for the key. */
export interface AlpacaPlanRow {
  readonly callsPerMinute: number;
  readonly historyDays: null;
  readonly delayMs: Readonly<Record<AlpacaFeed, number>>;
}

/** Serves minutes live on: basic iex; plus sip and iex. Basic serves sip minutes late. */
export const ALPACA_PLANS: Readonly<Record<AlpacaPlan, AlpacaPlanRow>> = {
  basic: {
    // Alpaca's market data plans; a recorded 429 of a basic key says X-RateLimit-Limit: 200.
    callsPerMinute: 200,
    // The plans name no rolling limit.
    historyDays: null,
    delayMs: {
      // Without real-time entitlement sip answers 403 to a range that touches the last 15 minutes
      // (market data FAQ); one minute more, so that clocks that differ do not refuse a whole batch.
      sip: 960 * SECOND_MS,
      // IEX is real time on every plan (market data FAQ).
      iex: 0,
    },
  },
  plus: {
    // Alpaca's market data plans, Algo Trader Plus.
    callsPerMinute: 10_000,
    historyDays: null,
    // Algo Trader Plus is entitled to real-time sip.
    delayMs: { sip: 0, iex: 0 },
  },
};

/** What a key of this plan gives for minutes of this feed. */
export function alpacaLimits(plan: AlpacaPlan, feed: AlpacaFeed): PlanLimits {
  const row = ALPACA_PLANS[plan];
  return { ...row, delayMs: row.delayMs[feed] };
}

/**
 * What a key of this plan serves. Daily bars are of sip on every plan (its delay is over by the close
 * + 16 min); real-time sip quotes need plus, quotes of iex are free (market data FAQ).
 */
export function alpacaCapabilities(plan: AlpacaPlan, feed: AlpacaFeed): Capability[] {
  const hasQuotes = ALPACA_PLANS[plan].delayMs[feed] === 0;
  return hasQuotes ? ["bars_1m", "bars_1d", "quotes_l1"] : ["bars_1m", "bars_1d"];
}
