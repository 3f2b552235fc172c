import type { AlertParameters } from "./alert-parameters.ts";
import type { AlertSpec } from "./alert-spec.ts";

/** Nothing is owed at night, on weekends and after an early close: the calendar of the service says when. */
const WHILE_OPEN = "and on () market_open == 1";
const [SHORT_S, LONG_S] = [15 * 60, 60 * 60];
const TIERS = ["T0", "T1", "T2"] as const;

/** Tiers whose share of symbols with a gap is above their target, over both windows, and the blind spot. */
export function gapAlerts(
  { gapTargets, minSamples }: AlertParameters,
  scaled: (seconds: number) => string,
): AlertSpec[] {
  const [short, long] = [scaled(SHORT_S), scaled(LONG_S)];
  const levels = TIERS.map((tier): AlertSpec => {
    const rate = `slo_gap_violation_rate{tier="${tier}"}`;
    const target = gapTargets[tier];
    return {
      alert: `SLOGapViolationHigh${tier}`,
      expr: [
        `avg_over_time(${rate}[${short}]) > ${target}`,
        `and avg_over_time(${rate}[${long}]) > ${target}`,
        `and count_over_time(${rate}[${short}]) >= ${minSamples}`,
        WHILE_OPEN,
      ].join("\n"),
      forS: 60,
      severity: tier === "T0" ? "critical" : "warning",
      dashboard: "ingestion",
      summary: `More than ${target * 100} % of ${tier} lack {{ $labels.interval }} bars that are due`,
      description: `Postgres lacks {{ $labels.interval }} bars of more symbols of ${tier} than its target allows, now and over the last hour.`,
    };
  });
  return [
    ...levels,
    {
      alert: "SLOUnknown",
      expr: `market_open == 1\nunless on () slo_gap_violation_rate{tier="T0",interval="1m"}`,
      forS: 300,
      severity: "warning",
      dashboard: "ingestion",
      summary: "Nobody knows whether bars are missing",
      description:
        "The market is open and there is no violation rate of T0: Postgres can't be read, the monitor is dead, or T0 is empty.",
    },
  ];
}

/** Minutes that come too late. */
export function lagAlert({ lagS }: AlertParameters): AlertSpec {
  return {
    alert: "IngestionLagHigh",
    expr: [
      'ingestion_lag_seconds{tier="T0",interval="1m"}',
      `- on (job, instance) group_left () plan_delay_seconds > ${lagS}`,
      WHILE_OPEN,
    ].join("\n"),
    forS: 300,
    severity: "critical",
    dashboard: "ingestion",
    summary: `1-minute bars of T0 are more than ${lagS} s late`,
    description: `The newest minute that is complete for 99 % of T0 ended more than ${lagS} s and the plan's delay ago, while the market is open.`,
  };
}

/** Holes that wait too long, or are too many. Also at night: that is when they are mended. */
export function backfillAlerts({ backfillAgeS, backfillDepth }: AlertParameters): AlertSpec[] {
  return [
    {
      alert: "BackfillOldestTooOldT0",
      expr: `backfill_oldest_age_seconds{tier="T0"} > ${backfillAgeS}`,
      forS: 60,
      severity: "warning",
      dashboard: "backfill",
      summary: `A hole of T0 has waited for more than ${backfillAgeS / 60} min`,
      description:
        "The oldest hole of T0 is not being filled: no provider answers for it, credits are used up, or its jobs fail.",
    },
    {
      alert: "BackfillQueueDepthHigh",
      expr: `sum(backfill_queue_depth) > ${backfillDepth}`,
      forS: 300,
      severity: "warning",
      dashboard: "backfill",
      summary: `More than ${backfillDepth} holes wait to be filled`,
      description:
        "Holes come faster than they are filled. At its cap a queue takes no new ones; the groups keep them and offer them again.",
    },
  ];
}
