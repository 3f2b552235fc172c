import { type HealthScore, type Outcome, scoreHealth } from "./health.ts";
import type { EpochMs } from "./time.ts";
import { SECOND_MS } from "./time.ts";

/** What a breaker shows. `half_open` is derived from time: an open one whose cool-down is over. */
export type BreakerState = "closed" | "half_open" | "open" | "isolated";

/** Outcomes since half-open that the return is judged by, and so the probes that are let through. */
export const RETURN_PROBES = 3;

/** The durable state of one provider's breaker for one capability. */
export interface Breaker {
  readonly opened: {
    readonly atMs: EpochMs;
    readonly cooldownMs: number;
    readonly probes: number;
    readonly probedAtMs: EpochMs;
  } | null;
  readonly isolated: boolean;
  readonly window: readonly Outcome[];
}

/** When a breaker opens and closes: scores in [0, 1], times in seconds, and how many calls are looked at. */
export interface BreakerConfig {
  readonly demote: number;
  readonly promote: number;
  readonly cooldown_s: number;
  readonly max_cooldown_s: number;
  readonly window_calls: number;
  readonly window_s: number;
  readonly min_calls: number;
  readonly run_of_failures: number;
}

export const NEW_BREAKER: Breaker = { opened: null, isolated: false, window: [] };

/** What the breaker shows at `nowMs`; isolation goes before everything else. */
export function breakerState(breaker: Breaker, nowMs: EpochMs): BreakerState {
  if (breaker.isolated) return "isolated";
  if (breaker.opened === null) return "closed";
  return nowMs >= halfOpenAt(breaker.opened) ? "half_open" : "open";
}

/** The score as it is shown: the plain formula with closed 1, half-open 0.5, open and isolated 0. */
export function breakerScore(
  breaker: Breaker,
  nowMs: EpochMs,
  config: BreakerConfig,
  latencyCapMs: number,
): HealthScore {
  const value = { closed: 1, half_open: 0.5, open: 0, isolated: 0 }[breakerState(breaker, nowMs)];
  return scoreHealth(value, recent(breaker.window, nowMs, config), latencyCapMs);
}

/**
 * Takes an outcome in. Closed opens when the score of at least `min_calls` falls below demote (after
 * a run of failures only that run counts); half-open is judged over its probes with the breaker term
 * 1: at promote or better it closes, below demote it opens again for twice as long.
 */
export function recordOutcome(
  breaker: Breaker,
  outcome: Outcome,
  nowMs: EpochMs,
  config: BreakerConfig,
  latencyCapMs: number,
): Breaker {
  const window = recent([...breaker.window, outcome], nowMs, config);
  const next: Breaker = { ...breaker, window };
  if (breaker.opened === null) {
    if (window.length < config.min_calls) return next;
    if (scoreHealth(1, window, latencyCapMs).h >= config.demote) return next;
    return {
      ...next,
      opened: { atMs: nowMs, cooldownMs: config.cooldown_s * SECOND_MS, probes: 0, probedAtMs: 0 },
    };
  }
  const returnedAt = halfOpenAt(breaker.opened);
  if (nowMs < returnedAt) return next;
  const probes = window.filter((probe) => probe.atMs >= returnedAt);
  if (probes.length < RETURN_PROBES) return next;
  const { h } = scoreHealth(1, probes, latencyCapMs);
  if (h >= config.promote) return { ...next, opened: null, window: probes };
  if (h >= config.demote) return { ...next, opened: { ...breaker.opened, probes: 0 } };
  const cooldownMs = Math.min(breaker.opened.cooldownMs * 2, config.max_cooldown_s * SECOND_MS);
  return { ...next, opened: { atMs: nowMs, cooldownMs, probes: 0, probedAtMs: 0 } };
}

/** An own call that went well within this time says more than what is heard of another's. */
const OWN_EVIDENCE_MS = 60 * SECOND_MS;

/**
 * Takes in that a provider on the same host could not be reached. Own evidence goes first: one that
 * answered within the last minute is not doubted, and the return of an open one is judged by its own
 * probes alone. So an endpoint that hangs never opens the breaker of another that is asked each minute.
 */
export function hearOutage(
  breaker: Breaker,
  outcome: Outcome,
  nowMs: EpochMs,
  config: BreakerConfig,
  latencyCapMs: number,
): Breaker {
  const answers = breaker.window.some(({ ok, atMs }) => ok && atMs > nowMs - OWN_EVIDENCE_MS);
  if (answers || breaker.opened !== null) return breaker;
  return recordOutcome(breaker, outcome, nowMs, config, latencyCapMs);
}

/** A probe that has not reported by then is given up for lost, and another may go. */
const PROBE_LOST_MS = 60 * SECOND_MS;

/** Lets a probe through a half-open breaker, or null when enough are on their way. */
export function takeProbe(breaker: Breaker, nowMs: EpochMs): Breaker | null {
  if (breaker.opened === null || breakerState(breaker, nowMs) !== "half_open") return null;
  const lost = nowMs - breaker.opened.probedAtMs > PROBE_LOST_MS;
  const probes = lost ? 0 : breaker.opened.probes;
  if (probes >= RETURN_PROBES) return null;
  return { ...breaker, opened: { ...breaker.opened, probes: probes + 1, probedAtMs: nowMs } };
}

function halfOpenAt(opened: { atMs: EpochMs; cooldownMs: number }): EpochMs {
  return opened.atMs + opened.cooldownMs;
}

function recent(
  window: readonly Outcome[],
  nowMs: EpochMs,
  config: BreakerConfig,
): readonly Outcome[] {
  const young = window.filter((outcome) => outcome.atMs > nowMs - config.window_s * SECOND_MS);
  const last = young.slice(-config.window_calls);
  const run = last.slice(-config.run_of_failures);
  const failing = run.length === config.run_of_failures && run.every((outcome) => !outcome.ok);
  return failing ? run : last;
}
