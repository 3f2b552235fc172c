import type { PlanLimits } from "../plan-limits.ts";

/** `IEX_BACKEND`: whose API gives IEX's top of book. IEX Cloud and IEX's own API are shut down. */
export type IexBackend = "alpaca";

/** Serves IEX quotes live on every plan. */
export const IEX_PLANS: Readonly<Record<IexBackend, PlanLimits>> = {
  alpaca: {
    // Alpaca's market data plans, basic: what the smallest key may do. A key that `alpaca` uses too
    // has one bucket for both.
    callsPerMinute: 200,
    // IEX is real time on every plan (market data FAQ).
    delayMs: 0,
    // Only the newest quote is asked for.
    historyDays: null,
  },
};
