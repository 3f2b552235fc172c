import { TIERS } from "./tier.ts";
import type { EpochMs } from "./time.ts";
import { floorToMinute, MINUTE_MS, SECOND_MS } from "./time.ts";

/** What a call is for: `live` polls, or repair for a tier. Orders who may take how much. */
export const CREDIT_LANES = ["live", ...TIERS] as const;
export type CreditLane = (typeof CREDIT_LANES)[number];

/**
 * The share of a minute's credits that a lane leaves to those before it: live may empty the bucket,
 * and the tiers are ordered, so that repair never starves the feed nor T2 the repair of T0.
 */
const LANE_LEAVES: Readonly<Record<CreditLane, number>> = { live: 0, T0: 0.2, T1: 0.4, T2: 0.6 };

/** The share of a plan of `perMinute` calls that a lane may use, 0 to 1; of a small plan at least one. */
export function laneShare(lane: CreditLane, perMinute: number): number {
  return perMinute <= 0 ? 0 : (perMinute - leftOver(lane, perMinute)) / perMinute;
}

/** One grant holds at most this long's worth of credits, so that nobody sits on a bucket. */
const GRANT_MS = 5 * SECOND_MS;

/** A provider's quota as a token bucket, refilled in market time. */
export interface Credits {
  readonly left: number;
  readonly atMs: EpochMs;
  /** What the provider itself said is left until its reset; null when nothing is known. */
  readonly window: { readonly left: number; readonly untilMs: EpochMs } | null;
  /**
   * What was granted in a calendar minute; null before the first grant. A full bucket and what flows in
   * are up to twice the plan within one minute, and a provider that counts by the minute refuses the
   * second half of it.
   */
  readonly minute: { readonly startMs: EpochMs; readonly granted: number } | null;
}

/** What a provider's answer said of the quota: `remaining` calls until `resetMs`; a 429 says 0. */
export interface RateNotice {
  readonly remaining: number;
  readonly resetMs: EpochMs;
}

/** Asks for `wanted` credits at `nowMs` of a plan that gives `perMinute`. */
export interface CreditAsk {
  readonly wanted: number;
  readonly lane: CreditLane;
  readonly nowMs: EpochMs;
  readonly perMinute: number;
}

/** What was granted, and the wait (market ms) for the next credit of the lane when nothing was. */
export interface CreditAnswer {
  readonly credits: Credits;
  readonly granted: number;
  readonly waitMs: number;
}

/** Takes credits: never more than bucket, lane, calendar minute and the provider's own window leave. */
export function takeCredits(credits: Credits | null, ask: CreditAsk): CreditAnswer {
  const before = refillCredits(credits, ask.nowMs, ask.perMinute);
  if (ask.perMinute <= 0) return { credits: before, granted: 0, waitMs: MINUTE_MS };
  const leaves = leftOver(ask.lane, ask.perMinute);
  const inMinute = Math.max(ask.perMinute - grantedInMinute(before), 0);
  const granted = Math.min(
    ask.wanted,
    wholeCredits(before.left - leaves),
    inMinute,
    before.window === null ? Infinity : wholeCredits(before.window.left),
    Math.ceil((ask.perMinute * GRANT_MS) / MINUTE_MS),
  );
  if (granted <= 0) {
    const missing = Math.max(leaves + 1 - before.left, 0);
    const refillMs = Math.ceil((missing * MINUTE_MS) / ask.perMinute);
    const spent = before.window !== null && before.window.left < 1;
    const resetMs = spent ? before.window.untilMs - before.atMs : 0;
    const nextMs = inMinute > 0 ? 0 : floorToMinute(before.atMs) + MINUTE_MS - before.atMs;
    return { credits: before, granted: 0, waitMs: Math.max(refillMs, resetMs, nextMs) };
  }
  const window =
    before.window === null ? null : { ...before.window, left: before.window.left - granted };
  const minute = {
    startMs: floorToMinute(before.atMs),
    granted: grantedInMinute(before) + granted,
  };
  return {
    credits: { ...before, left: before.left - granted, window, minute },
    granted,
    waitMs: 0,
  };
}

/** Credits that a lane leaves to those before it. */
function leftOver(lane: CreditLane, perMinute: number): number {
  // A plan of a few calls still gives every lane the last of a full bucket.
  return Math.min(LANE_LEAVES[lane] * perMinute, perMinute - 1);
}

/** What was granted in the minute in which the bucket stands. */
function grantedInMinute({ minute, atMs }: Credits): number {
  return minute !== null && minute.startMs === floorToMinute(atMs) ? minute.granted : 0;
}

/** The bucket as it stands at `nowMs`, with what has flowed in; never more than a minute's credits. */
export function refillCredits(credits: Credits | null, nowMs: EpochMs, perMinute: number): Credits {
  if (credits === null) return { left: perMinute, atMs: nowMs, window: null, minute: null };
  const elapsedMs = Math.max(nowMs - credits.atMs, 0);
  const left = Math.min(credits.left + (elapsedMs * perMinute) / MINUTE_MS, perMinute);
  const window = credits.window !== null && nowMs < credits.window.untilMs ? credits.window : null;
  return { left, atMs: Math.max(nowMs, credits.atMs), window, minute: credits.minute };
}

/**
 * Gives back what a job took and did not spend; the next refill caps the bucket again. The provider's
 * window is not raised: it was counted there by calls, and another job may hold grants still.
 */
export function returnCredits(credits: Credits | null, unspent: number): Credits | null {
  if (credits === null) return null;
  const { minute } = credits;
  return {
    ...credits,
    left: credits.left + unspent,
    minute: minute && { ...minute, granted: Math.max(minute.granted - unspent, 0) },
  };
}

/**
 * Corrects the bucket by what the provider said. Within one window `remaining` only falls, so of two
 * notices that name the same reset the smaller is the later one, in whatever order they arrive. A
 * notice whose reset has passed says nothing any more.
 */
export function correctCredits(
  credits: Credits | null,
  notice: RateNotice,
  nowMs: EpochMs,
  perMinute: number,
): Credits {
  const before = refillCredits(credits, nowMs, perMinute);
  if (notice.resetMs <= before.atMs) return before;
  const known = before.window?.untilMs === notice.resetMs ? before.window.left : Infinity;
  const left = Math.min(known, Math.max(notice.remaining, 0));
  return {
    ...before,
    left: Math.min(before.left, left),
    window: { left, untilMs: notice.resetMs },
  };
}

/** Whole credits of a bucket; what is missing by the error of a double's sum counts as there. */
function wholeCredits(left: number): number {
  return Math.max(Math.floor(left + 1e-9), 0);
}
