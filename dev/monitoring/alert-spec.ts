import type { AlertName } from "./alert-parameters.ts";

/** Whom an alert reaches: `critical` wakes somebody, `warning` waits for the morning, `info` is read. */
type Severity = "critical" | "warning" | "info";
/** The dashboards by the ends of their uids. */
export type DashboardName = "ingestion" | "backfill" | "providers" | "websocket";

/** An alert before it is rendered. Texts may name labels as `{{ $labels.provider }}`. */
export interface AlertSpec {
  readonly alert: AlertName;
  readonly expr: string;
  /** Seconds that it must hold; 0: at once. */
  readonly forS: number;
  readonly severity: Severity;
  readonly dashboard: DashboardName;
  readonly summary: string;
  readonly description: string;
}
