import type { EpochMs } from "./time.ts";

/** How one call to a provider ended, as health sees it. `asked` and `answered` are symbol-minutes. */
export interface Outcome {
  readonly atMs: EpochMs;
  readonly ok: boolean;
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
export function scoreHealth(breaker: number, window: readonly Outcome[], latencyCapMs: number): HealthScore {
  const failures = window.filter((outcome) => !outcome.ok).length;
  const asked = window.reduce((sum, outcome) => sum + outcome.asked, 0);
  const answered = window.reduce((sum, outcome) => sum + outcome.answered, 0);
  const latency = 1 - Math.min(p95(window, latencyCapMs) / latencyCapMs, 1);
  const error = window.length === 0 ? 1 : 1 - failures / window.length;
  const completeness = asked === 0 ? 1 : Math.min(answered / asked, 1);
  const h = 0.45 * breaker + 0.25 * latency + 0.2 * error + 0.1 * completeness;
  return { breaker, latency, error, completeness, h };
}

/** Nearest-rank 95th percentile of the durations, ms; 0 of nothing. */
function p95(window: readonly Outcome[], latencyCapMs: number): number {
  const durations = window
    .map((outcome) => (outcome.ok ? outcome.durationMs : latencyCapMs))
    .toSorted((a, b) => a - b);
  return durations[Math.ceil(durations.length * 0.95) - 1] ?? 0;
}
