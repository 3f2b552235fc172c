import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { DEFAULT_PARAMETERS } from "../alert-parameters.ts";
import { buildDashboard, type PanelSpec } from "./build-dashboard.ts";

const PANELS: readonly PanelSpec[] = [
  {
    title: "Symbols that lack a bar which is due",
    description:
      "By tier and interval; absent while unknown. Nothing is due before the first minute.",
    unit: "percentunit",
    queries: [["max by (tier, interval) (slo_gap_violation_rate)", "{{tier}} {{interval}}"]],
    bound: DEFAULT_PARAMETERS.gapTargets.T0,
  },
  {
    title: "Ingestion lag",
    description: "Since the end of the newest minute complete for 99 % of the tier; 0 when closed.",
    unit: "s",
    queries: [
      ["max by (tier, interval) (ingestion_lag_seconds)", "{{tier}} {{interval}}"],
      ["max(plan_delay_seconds)", "delay of the plan"],
    ],
    bound: DEFAULT_PARAMETERS.lagS,
  },
  {
    title: "From the end of a minute to its bars",
    description: "p50 and p95 until bars came first, and until nothing of the minute was pending.",
    unit: "s",
    queries: [
      [
        "histogram_quantile(0.5, sum by (le, stage, provider) (rate(bar_settle_seconds_bucket[$__rate_interval])))",
        "{{stage}} {{provider}} p50",
      ],
      [
        "histogram_quantile(0.95, sum by (le, stage, provider) (rate(bar_settle_seconds_bucket[$__rate_interval])))",
        "{{stage}} {{provider}} p95",
      ],
    ],
  },
  {
    title: "Fetch jobs",
    description: "Jobs that ended, by the provider that answered; none: nobody did.",
    unit: "ops",
    queries: [
      [
        "sum by (type, provider) (rate(jobs_processed_total[$__rate_interval]))",
        "{{type}} {{provider}}",
      ],
    ],
  },
  {
    title: "Holes found",
    description: "Ranges of expected minutes that nobody answered for in time.",
    unit: "ops",
    queries: [["sum by (interval) (rate(gaps_found_total[$__rate_interval]))", "{{interval}}"]],
  },
  {
    title: "Drain to Postgres",
    description: "Duration of one drain transaction, the HTTP included.",
    unit: "ms",
    queries: [
      [
        "histogram_quantile(0.5, sum by (le, table) (rate(write_batch_ms_bucket[$__rate_interval])))",
        "{{table}} p50",
      ],
      [
        "histogram_quantile(0.95, sum by (le, table) (rate(write_batch_ms_bucket[$__rate_interval])))",
        "{{table}} p95",
      ],
    ],
    bound: DEFAULT_PARAMETERS.dbWriteMs,
  },
  {
    title: "Flushes that wait for Postgres",
    description: "How many, and how old the oldest is.",
    unit: "none",
    queries: [
      ["max(undrained_flushes)", "flushes"],
      ["max(undrained_oldest_seconds)", "oldest, s"],
    ],
  },
  {
    title: "Bars that were not taken as they came",
    description: "Refused rows, stale answers, disagreements between providers, revisions.",
    unit: "ops",
    queries: [
      ["sum by (reason) (rate(rows_refused_total[$__rate_interval]))", "refused: {{reason}}"],
      ["sum by (provider) (rate(stale_answers_total[$__rate_interval]))", "stale {{provider}}"],
      [
        "sum by (provider) (rate(bars_disagreed_total[$__rate_interval]))",
        "disagreed {{provider}}",
      ],
      ["sum by (provider) (rate(bars_revised_total[$__rate_interval]))", "revised {{provider}}"],
    ],
  },
  {
    title: "Drains that had to mend",
    description: "Rows parked, and times that Postgres stood elsewhere than the log.",
    unit: "ops",
    queries: [
      [
        "sum by (class, part) (rate(rows_parked_total[$__rate_interval]))",
        "parked {{class}} {{part}}",
      ],
      [
        "sum by (class, kind) (rate(drain_realigned_total[$__rate_interval]))",
        "{{kind}} {{class}}",
      ],
      ["sum by (kind) (rate(audit_differences_total[$__rate_interval]))", "audit: {{kind}}"],
      ["sum by (class) (rate(undrained_dropped_total[$__rate_interval]))", "dropped {{class}}"],
    ],
  },
  {
    title: "Silence of reporters, and lost alarms",
    description:
      "Gauges of a reporter expire after three minutes; a lost alarm is set again each minute.",
    unit: "s",
    queries: [
      ["max by (reporter) (metrics_report_age_seconds)", "report of a {{reporter}}"],
      ["max by (object) (object_alarm_late_seconds)", "alarm of a {{object}}"],
    ],
    bound: DEFAULT_PARAMETERS.reportAgeS,
  },
  {
    title: "Market and version",
    description: "1 while the regular session is open; the versions that run.",
    unit: "none",
    queries: [
      ["max(market_open)", "market open"],
      ["count by (version) (build_info)", "version {{version}}"],
    ],
  },
  {
    title: "Days dropped by the retention",
    description: "Tables of one day that are older than what is kept.",
    unit: "none",
    queries: [["sum by (class) (increase(partitions_dropped_total[1d]))", "{{class}}"]],
  },
];

/** Whether the bars are there, in time, and stored. */
export function ingestionDashboard(): Dashboard {
  return buildDashboard({ name: "ingestion", title: "Market data: ingestion", panels: PANELS });
}
