/** What the alert rules are rendered with. */
export interface AlertParameters {
  /** Divides every window and every `for`: 60 makes a minute of a second, for drills. */
  readonly timeScale: number;
  /** The job of `prometheus.yml`. */
  readonly job: string;
  /** Where the runbooks are; each alert has a heading of its name there. */
  readonly runbookUrl: string;
  /** Where Grafana is; empty: links are relative to it. */
  readonly grafanaUrl: string;
  /** Shares of a tier's symbols that may lack a bar. */
  readonly gapTargets: Readonly<Record<"T0" | "T1" | "T2", number>>;
  /** Fewer samples than this say nothing. */
  readonly minSamples: number;
  readonly lagS: number;
  readonly backfillAgeS: number;
  readonly backfillDepth: number;
  /** Windows over which calls are counted, and quantiles of what took how long are taken, seconds. */
  readonly callsOverS: number;
  readonly quantilesOverS: number;
  readonly errorShare: number;
  readonly minCalls: number;
  /** 50 ms of the server's own time, and 25 ms for the HTTP between: what is measured is both. */
  readonly dbWriteMs: number;
  readonly wsPublishMs: number;
  /** Gauges of a reporter go after 180 s: later than that nothing is known. */
  readonly reportAgeS: number;
}

/** What the committed rules are rendered with. */
export const DEFAULT_PARAMETERS: AlertParameters = {
  timeScale: 1,
  job: "market-data-service",
  runbookUrl: "docs/operate.md",
  grafanaUrl: "",
  gapTargets: { T0: 0.005, T1: 0.02, T2: 0.05 },
  minSamples: 10,
  lagS: 180,
  backfillAgeS: 900,
  backfillDepth: 10_000,
  callsOverS: 600,
  quantilesOverS: 300,
  errorShare: 0.05,
  minCalls: 20,
  dbWriteMs: 75,
  wsPublishMs: 250,
  reportAgeS: 180,
};

/** Alerts that a service level stands behind; the others say that something can't be known, or inform. */
export const SLO_ALERTS = [
  "SLOGapViolationHighT0",
  "SLOGapViolationHighT1",
  "SLOGapViolationHighT2",
  "BackfillOldestTooOldT0",
  "BackfillQueueDepthHigh",
  "ProviderCircuitOpen",
  "ProviderErrorRateHigh",
  "IngestionLagHigh",
  "DBWriteLatencyHigh",
  "WSPublishLatencyHigh",
  "MarketDataServiceDown",
] as const;
const EXTRA_ALERTS = ["SLOUnknown", "MetricsHubStale", "ProviderIsolated"] as const;
/** The name of an alert: that of its heading among the runbooks too. */
export type AlertName = (typeof SLO_ALERTS)[number] | (typeof EXTRA_ALERTS)[number];
