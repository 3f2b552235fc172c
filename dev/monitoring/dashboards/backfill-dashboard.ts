import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { DEFAULT_PARAMETERS } from "../alert-parameters.ts";
import { buildDashboard, type PanelSpec } from "./build-dashboard.ts";

const PANELS: readonly PanelSpec[] = [
  {
    title: "Holes that wait",
    description: "By tier; at its cap a queue takes no new ones.",
    unit: "none",
    queries: [
      ["max by (tier) (backfill_queue_depth)", "{{tier}}"],
      ["sum(backfill_queue_depth)", "all"],
    ],
    bound: DEFAULT_PARAMETERS.backfillDepth,
  },
  {
    title: "Age of the oldest hole",
    description: "Market time since it was queued.",
    unit: "s",
    queries: [["max by (tier) (backfill_oldest_age_seconds)", "{{tier}}"]],
    bound: DEFAULT_PARAMETERS.backfillAgeS,
  },
  {
    title: "Holes taken and ended",
    description: "Enqueued, filled, and given up as dead.",
    unit: "ops",
    queries: [
      ["sum by (tier) (rate(backfill_jobs_enqueued_total[$__rate_interval]))", "enqueued {{tier}}"],
      [
        "sum by (tier, status) (rate(backfill_jobs_completed_total[$__rate_interval]))",
        "{{status}} {{tier}}",
      ],
    ],
  },
  {
    title: "Dead letters",
    description: "That nobody has decided on; absent while Postgres can't be read.",
    unit: "none",
    queries: [["max by (tier) (dlq_depth)", "{{tier}}"]],
  },
  {
    title: "Jobs of the queues",
    description: "By the provider that answered; none: nobody did.",
    unit: "ops",
    queries: [
      [
        'sum by (provider) (rate(jobs_processed_total{type="backfill"}[$__rate_interval]))',
        "{{provider}}",
      ],
    ],
  },
  {
    title: "Symbols beyond the credits",
    description: "Whose minutes the calls of the provider that serves them don't carry.",
    unit: "none",
    queries: [["max by (tier) (symbols_beyond_credits)", "{{tier}}"]],
  },
];

/** Whether holes are filled faster than they come. */
export function backfillDashboard(): Dashboard {
  return buildDashboard({ name: "backfill", title: "Market data: backfill", panels: PANELS });
}
