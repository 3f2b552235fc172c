import type { EpochMs } from "./time.ts";
import { MINUTE_MS } from "./time.ts";

/** A provider's quota as a token bucket, refilled in market time. */
export interface Credits {
  readonly left: number;
  readonly atMs: EpochMs;
}

/** Asks for `wanted` credits at `nowMs`: what was granted, and the wait for the next one when none. */
export function takeCredits(
  credits: Credits | null,
  wanted: number,
  nowMs: EpochMs,
  perMinute: number,
): { credits: Credits; granted: number; waitMs: number } {
  const before = credits ?? { left: perMinute, atMs: nowMs };
  const elapsedMs = Math.max(nowMs - before.atMs, 0);
  const left = Math.min(before.left + (elapsedMs * perMinute) / MINUTE_MS, perMinute);
  const granted = Math.min(Math.floor(left), wanted);
  const waitMs = granted > 0 ? 0 : Math.ceil(((1 - left) * MINUTE_MS) / perMinute);
  return { credits: { left: left - granted, atMs: Math.max(nowMs, before.atMs) }, granted, waitMs };
}

/** Gives back what a job took and did not spend; the next refill caps the bucket again. */
export function returnCredits(credits: Credits | null, unspent: number): Credits | null {
  return credits === null ? null : { ...credits, left: credits.left + unspent };
}
