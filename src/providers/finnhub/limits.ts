import type { Capability } from "../../domain/provider-id.ts";
import { DAY_MS } from "../../domain/time.ts";
import type { PlanLimits } from "../plan-limits.ts";

/** `FINNHUB_PLAN`: bars are premium since 2024 (Finnhub-API issue 532). */
export type FinnhubPlan = "free" | "premium";

/** A plan's row with what it serves. */
export interface FinnhubPlanRow extends PlanLimits {
  readonly capabilities: readonly Capability[];
}

/** Longest window of one call of intraday bars, ms: a month (API document of intraday bars). */
export const MAX_WINDOW_MS = 30 * DAY_MS;

/**
 * Daily bars are split-adjusted and can't be had raw (API document), so no plan has `bars_1d`. A quote
 * is a last price without bid and ask. Serves minutes live on: premium.
 */
export const FINNHUB_PLANS: Readonly<Record<FinnhubPlan, FinnhubPlanRow>> = {
  // 60 calls a minute (finnhub.io/docs/api/rate-limit); US quotes are real time.
  free: { callsPerMinute: 60, delayMs: 0, historyDays: null, capabilities: ["quotes_l1"] },
  // What premium plans give beyond 60 a minute differs and is not documented: the sure number. The
  // end of minutes is late by up to 20 s (issue 519): the poll offset, not a delay of the plan.
  premium: {
    callsPerMinute: 60,
    delayMs: 0,
    historyDays: null,
    capabilities: ["bars_1m", "quotes_l1"],
  },
};
