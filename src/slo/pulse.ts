import type { EpochMs } from "../domain/time.ts";

/** What the monitor knows of the deployment's heartbeats: the minute cron, which pings it, and its own samples. */
export interface Pulse {
  /** When the cron came last, wall time; null when it never did. */
  readonly lastTickMs: EpochMs | null;
  /** The last sample, market time; null when none was taken. */
  readonly lastSample: { readonly atMs: EpochMs; readonly state: "measured" | "unknown" } | null;
  /** When the next sample is due, market time. */
  readonly nextSampleMs: EpochMs;
}
