import { backoffMs } from "../domain/backoff.ts";
import type { EpochMs } from "../domain/time.ts";

/** Full jitter over a second at first: a deploy drops everybody at once, and they must not come back as one. */
const RECONNECT = { baseMs: 1_000, maxMs: 30_000 } as const;
/** A connection that was live for so long ended for a reason of its own: its successor starts afresh. */
const STABLE_MS = 10_000;

/** How long attempt `attempt` (the first is 0) waits, ms. */
export function attemptDelayMs(attempt: number, random: () => number): number {
  return attempt === 0 ? 0 : backoffMs(attempt - 1, RECONNECT, random);
}

/** The number of the next attempt after one that was live since `liveMs`, or never (null). */
export function nextAttempt(attempt: number, liveMs: EpochMs | null, nowMs: EpochMs): number {
  return liveMs !== null && nowMs - liveMs >= STABLE_MS ? 1 : attempt;
}
