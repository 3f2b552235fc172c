import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { DEFAULT_PARAMETERS } from "../alert-parameters.ts";
import { buildDashboard, type PanelSpec } from "./build-dashboard.ts";

const PANELS: readonly PanelSpec[] = [
  {
    title: "Health score H",
    description: "Breaker, latency, errors and completeness; a breaker opens below 0.55.",
    unit: "none",
    queries: [
      ["max by (provider, capability) (provider_health_score)", "{{provider}} {{capability}}"],
    ],
  },
  {
    title: "Breakers",
    description: "1 closed, 0.5 half-open, 0 open; and those that somebody holds open.",
    unit: "none",
    queries: [
      ["max by (provider, capability) (circuit_state)", "{{provider}} {{capability}}"],
      ["max by (provider) (provider_isolated)", "{{provider}} isolated"],
    ],
  },
  {
    title: "Share of calls that fail",
    description: "Without refusals of the key and bad jobs, which say nothing of health.",
    unit: "percentunit",
    queries: [
      [
        'sum by (provider) (rate(provider_errors_total{code!~"not_entitled|bad_request"}[$__rate_interval])) / sum by (provider) (rate(provider_latency_ms_count[$__rate_interval]))',
        "{{provider}}",
      ],
    ],
    bound: DEFAULT_PARAMETERS.errorShare,
  },
  {
    title: "Errors by kind",
    description: "Calls that failed.",
    unit: "ops",
    queries: [
      [
        "sum by (provider, endpoint, code) (rate(provider_errors_total[$__rate_interval]))",
        "{{provider}} {{endpoint}} {{code}}",
      ],
    ],
  },
  {
    title: "Latency",
    description: "p50 and p95 of a call.",
    unit: "ms",
    queries: [
      [
        "histogram_quantile(0.5, sum by (le, provider) (rate(provider_latency_ms_bucket[$__rate_interval])))",
        "{{provider}} p50",
      ],
      [
        "histogram_quantile(0.95, sum by (le, provider) (rate(provider_latency_ms_bucket[$__rate_interval])))",
        "{{provider}} p95",
      ],
    ],
  },
  {
    title: "Jobs that asked a provider",
    description: "The routing: after a failover another line grows.",
    unit: "ops",
    queries: [
      [
        "sum by (capability, provider) (rate(provider_selected_total[$__rate_interval]))",
        "{{capability}} {{provider}}",
      ],
    ],
  },
  {
    title: "Implausible answers",
    description: "With minutes of which too few bars came: their absences were not believed.",
    unit: "ops",
    queries: [
      ["sum by (provider) (rate(implausible_answers_total[$__rate_interval]))", "{{provider}}"],
    ],
  },
  {
    title: "Calls",
    description: "By provider and endpoint.",
    unit: "ops",
    queries: [
      [
        "sum by (provider, endpoint) (rate(provider_latency_ms_count[$__rate_interval]))",
        "{{provider}} {{endpoint}}",
      ],
    ],
  },
];

/** Whom we ask, and how they are. */
export function providersDashboard(): Dashboard {
  return buildDashboard({ name: "providers", title: "Market data: providers", panels: PANELS });
}
