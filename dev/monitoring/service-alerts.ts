import type { AlertParameters } from "./alert-parameters.ts";
import type { AlertSpec } from "./alert-spec.ts";

/** Providers that are sick. Refusals of the key or of the job say nothing of their health. */
export function providerAlerts(
  { errorShare, minCalls, callsOverS }: AlertParameters,
  scaled: (seconds: number) => string,
): AlertSpec[] {
  const window = scaled(callsOverS);
  const calls = `sum by (provider) (increase(provider_latency_ms_count[${window}]))`;
  const errors = `sum by (provider) (increase(provider_errors_total{code!~"not_entitled|bad_request"}[${window}]))`;
  const named = { severity: "warning", dashboard: "providers" } as const;
  return [
    {
      ...named,
      alert: "ProviderCircuitOpen",
      expr: "circuit_state == 0\nunless on (provider) provider_isolated == 1",
      forS: 300,
      summary: "{{ $labels.provider }} is not asked for {{ $labels.capability }}",
      description:
        "The breaker of {{ $labels.provider }} for {{ $labels.capability }} has been open for five minutes: its calls fail or are too slow.",
    },
    {
      ...named,
      alert: "ProviderIsolated",
      expr: "provider_isolated == 1",
      forS: 0,
      severity: "info",
      summary: "{{ $labels.provider }} is isolated by hand",
      description:
        "An operator holds the breakers of {{ $labels.provider }} open; nobody is told when it is well again.",
    },
    {
      ...named,
      alert: "ProviderErrorRateHigh",
      expr: `${errors}\n/ ${calls} > ${errorShare}\nand ${calls} >= ${minCalls}`,
      forS: 60,
      summary: `More than ${errorShare * 100} % of the calls to {{ $labels.provider }} fail`,
      description:
        "Calls to {{ $labels.provider }} fail by time-outs, refusals for quota, errors of its servers or answers that can't be read.",
    },
  ];
}

/** Drains that are slow. */
export function writeAlert(
  { dbWriteMs, quantilesOverS }: AlertParameters,
  scaled: (seconds: number) => string,
): AlertSpec {
  const window = scaled(quantilesOverS);
  return {
    alert: "DBWriteLatencyHigh",
    expr: `histogram_quantile(0.95, sum by (le, table) (rate(write_batch_ms_bucket[${window}]))) > ${dbWriteMs}`,
    forS: 600,
    severity: "warning",
    dashboard: "ingestion",
    summary: `Drains to {{ $labels.table }} take more than ${dbWriteMs} ms (p95)`,
    description:
      "One drain transaction, the HTTP to the database included, takes too long: flushes wait in the groups' logs, nothing is lost.",
  };
}

/** Flushes that reach sockets too late. */
export function wsAlert(
  { wsPublishMs, quantilesOverS }: AlertParameters,
  scaled: (seconds: number) => string,
): AlertSpec {
  const window = scaled(quantilesOverS);
  return {
    alert: "WSPublishLatencyHigh",
    expr: `histogram_quantile(0.99, sum by (le, channel) (rate(ws_publish_latency_ms_bucket[${window}]))) > ${wsPublishMs}`,
    forS: 300,
    severity: "warning",
    dashboard: "websocket",
    summary: `Flushes of {{ $labels.channel }} take more than ${wsPublishMs} ms to be sent (p99)`,
    description:
      "From the arrival of an answer to the last send of its flush: hosts have too many connections, or too much to do.",
  };
}

/** The service does not answer, or what it says is old. */
export function serviceAlerts({ job, reportAgeS }: AlertParameters): AlertSpec[] {
  const up = `up{job="${job}"}`;
  return [
    {
      alert: "MarketDataServiceDown",
      expr: `${up} == 0 or absent(${up})`,
      forS: 120,
      severity: "critical",
      dashboard: "ingestion",
      summary: "The market data service does not answer",
      description: "Its metrics could not be scraped for two minutes, or nobody scrapes them.",
    },
    {
      alert: "MetricsHubStale",
      expr: [
        `metrics_report_age_seconds > ${reportAgeS}`,
        `or (${up} == 1 unless on (job, instance) metrics_report_age_seconds)`,
      ].join("\n"),
      forS: 120,
      severity: "critical",
      dashboard: "ingestion",
      summary: "Objects of the service do not report",
      description:
        "An object that reports each minute is silent: the cron does not run, or the object is dead. Its gauges are gone and other alerts may be blind.",
    },
  ];
}
