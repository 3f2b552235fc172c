import type { BreakerState } from "./breaker.ts";
import type { HealthScore, Outcome } from "./health.ts";
import type { EpochMs } from "./time.ts";
import { floorToMinute } from "./time.ts";

/** Samples that are kept of each capability: an hour of minutes with calls. */
export const MAX_HEALTH_SAMPLES = 60;

/** How a provider stood for a capability at the end of a minute (market time) in which it was called. */
export interface HealthSample {
  /** Start of the minute. */
  readonly atMs: EpochMs;
  readonly state: BreakerState;
  readonly score: HealthScore;
  /** Calls that were reported in this minute, and how many of them failed. */
  readonly calls: number;
  readonly failures: number;
}

/**
 * The sample of the minute of `nowMs` after some outcomes were reported: the score is the newest, the
 * calls add up. `before` is the newest sample so far; null when nothing was reported, for a minute
 * without outcomes has no sample.
 */
export function sampleHealth(
  before: HealthSample | null,
  outcomes: readonly Outcome[],
  now: { readonly nowMs: EpochMs; readonly state: BreakerState; readonly score: HealthScore },
): HealthSample | null {
  if (outcomes.length === 0) return null;
  const atMs = floorToMinute(now.nowMs);
  const same = before !== null && before.atMs === atMs ? before : { calls: 0, failures: 0 };
  return {
    atMs,
    state: now.state,
    score: now.score,
    calls: same.calls + outcomes.length,
    failures: same.failures + outcomes.filter((outcome) => !outcome.ok).length,
  };
}
