import type { EpochMs } from "./time.ts";

/** How one call to a provider ended, as health sees it. `asked` and `answered` are symbol-minutes. */
export interface Outcome {
  readonly atMs: EpochMs;
  readonly ok: boolean;
  /** It was a rate limit: a failure only in a run. */
  readonly limited: boolean;
  /** Nobody answered at all: true of the whole host, and so of who shares it. Absent: no. */
  readonly transport?: boolean | undefined;
  readonly durationMs: number;
  readonly asked: number;
  readonly answered: number;
}

/** The four parts of the score and the score itself, each in [0, 1]. */
export interface HealthScore {
  readonly breaker: number;
  readonly latency: number;
  readonly error: number;
  readonly completeness: number;
  readonly h: number;
}

/**
 * `H = 0.45 breaker + 0.25 latency + 0.20 error + 0.10 completeness`. Latency is
 * `1 - min(p95 / cap, 1)` where a failed call counts as the cap; error `1 - failures / calls`;
 * completeness the share of symbol-minutes that were answered. Nothing known scores 1.
 */
export function scoreHealth(
  breaker: number,
  window: readonly Outcome[],
  latencyCapMs: number,
): HealthScore {
  const failed = window.map((outcome, index) => isFailure(outcome, window[index - 1]));
  const failures = failed.filter(Boolean).length;
  // What a single rate limit cut off was not the provider's to answer.
  const counted = window.filter((outcome, index) => !outcome.limited || failed[index] === true);
  const asked = counted.reduce((sum, outcome) => sum + outcome.asked, 0);
  const answered = counted.reduce((sum, outcome) => sum + outcome.answered, 0);
  const latency = 1 - Math.min(p95(window, failed, latencyCapMs) / latencyCapMs, 1);
  const error = window.length === 0 ? 1 : 1 - failures / window.length;
  const completeness = asked === 0 ? 1 : Math.min(answered / asked, 1);
  const h = 0.45 * breaker + 0.25 * latency + 0.2 * error + 0.1 * completeness;
  return { breaker, latency, error, completeness, h };
}

/** A single rate limit is our own haste; only one that follows another counts. */
function isFailure(outcome: Outcome, before: Outcome | undefined): boolean {
  if (outcome.ok) return false;
  return !outcome.limited || (before?.limited ?? false);
}

/** Nearest-rank 95th percentile of the durations, ms; 0 of nothing. */
function p95(window: readonly Outcome[], failed: readonly boolean[], latencyCapMs: number): number {
  const durations = window
    .map((outcome, index) => (failed[index] === true ? latencyCapMs : outcome.durationMs))
    .toSorted((a, b) => a - b);
  return durations[Math.ceil(durations.length * 0.95) - 1] ?? 0;
}
