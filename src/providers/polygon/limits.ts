import type { Capability, Feed } from "../../domain/provider-id.ts";
import { SECOND_MS } from "../../domain/time.ts";
import type { PlanLimits } from "../plan-limits.ts";

/** `POLYGON_PLAN`: the individual stocks plans; basic is the free one. */
export type PolygonPlan = "basic" | "starter" | "developer" | "advanced";

/** A plan's row, with the feed that its minutes are of. */
export interface PolygonPlanRow extends PlanLimits {
  /** `delayed_sip`: the consolidated tape's delayed copy, which may not revise the tape itself. */
  readonly feed: Feed;
  readonly capabilities: readonly Capability[];
}

/** Aggregates are in every plan; bid and ask only in advanced (snapshots from starter on have none). */
const BARS = ["bars_1m", "bars_1d"] as const;

/** Paid plans are "unlimited"; the provider asks to stay below 100 calls a second. */
const PAID_CALLS_PER_MINUTE = 6_000;

/** Data of starter and developer is 15 minutes delayed (massive.com/pricing). */
export const POLYGON_DELAY_MS = 900 * SECOND_MS;

/** A year of the plans' "N years historical data", days: the shortest, so that no range is cut. */
const YEAR_DAYS = 365;

/**
 * Rates, delays and years: massive.com/pricing, stocks, individual, read 2026-08 to 2026-10. Serves
 * minutes live on: advanced. Starter and developer serve them late, basic none of today.
 */
export const POLYGON_PLANS: Readonly<Record<PolygonPlan, PolygonPlanRow>> = {
  // 5 calls a minute, end of day, 2 years. Its minutes are final when they come, so they rank as sip.
  basic: {
    callsPerMinute: 5,
    delayMs: "end_of_day",
    historyDays: 2 * YEAR_DAYS,
    feed: "sip",
    capabilities: BARS,
  },
  // Unlimited calls, delayed, 5 years.
  starter: {
    callsPerMinute: PAID_CALLS_PER_MINUTE,
    delayMs: POLYGON_DELAY_MS,
    historyDays: 5 * YEAR_DAYS,
    feed: "delayed_sip",
    capabilities: BARS,
  },
  // Unlimited calls, delayed, 10 years.
  developer: {
    callsPerMinute: PAID_CALLS_PER_MINUTE,
    delayMs: POLYGON_DELAY_MS,
    historyDays: 10 * YEAR_DAYS,
    feed: "delayed_sip",
    capabilities: BARS,
  },
  // Unlimited calls, real time, the whole archive.
  advanced: {
    callsPerMinute: PAID_CALLS_PER_MINUTE,
    delayMs: 0,
    historyDays: null,
    feed: "sip",
    capabilities: [...BARS, "quotes_l1"],
  },
};
