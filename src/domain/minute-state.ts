import type { Belief } from "./belief.ts";
import type { EpochMs } from "./time.ts";
import { MINUTE_MS } from "./time.ts";

/** The four states of an expected minute, and the one that an operator can give it. */
export type MinuteState = "bar" | "no_trade" | "pending" | "missing" | "unfillable";

/**
 * When the absence of a minute's bar begins to count, ms: `settleDelayMs` after its END. An answer
 * asked earlier may have been too early for a late print.
 */
export function settlesAt(ts: EpochMs, settleDelayMs: number): EpochMs {
  return ts + MINUTE_MS + settleDelayMs;
}

/**
 * From when an unanswered minute is a hole, ms: one cadence (a minute) after it settles, so that the
 * first poll that could settle it has had its turn.
 */
export function missingFrom(ts: EpochMs, settleDelayMs: number): EpochMs {
  return settlesAt(ts, settleDelayMs) + MINUTE_MS;
}

/**
 * For how long the overlap of the polls looks again at a minute of which only implausible answers are
 * known; then it is a hole, and its queue asks for it.
 */
const DOUBTED_FOR_MS = 25 * MINUTE_MS;

/** The state of an expected minute at market time `nowMs`. */
export function minuteState(
  belief: Belief,
  ts: EpochMs,
  nowMs: EpochMs,
  settleDelayMs: number,
): MinuteState {
  switch (belief.state) {
    case "bar":
    case "no_trade":
    case "unfillable":
      return belief.state;
    case "doubted":
      return nowMs >= missingFrom(ts, settleDelayMs) + DOUBTED_FOR_MS ? "missing" : "pending";
    case "lost":
      return "missing";
    case "unknown":
    case "absent":
      return nowMs >= missingFrom(ts, settleDelayMs) ? "missing" : "pending";
  }
}

/**
 * The belief after a complete answer, asked at `askedAt`, that covered the minute and had no bar.
 * Absence never takes a bar away, also not one that was lost: that it traded is known, so its hole is
 * asked about until its queue gives it up. An older answer never weakens a newer one.
 */
export function withAbsence(
  belief: Belief,
  ts: EpochMs,
  askedAt: EpochMs,
  settleDelayMs: number,
): Belief {
  if (isComplete(belief) || belief.state === "lost") return belief;
  if (askedAt >= settlesAt(ts, settleDelayMs)) return { state: "no_trade", askedAt };
  if (belief.state === "absent" && belief.askedAt >= askedAt) return belief;
  return { state: "absent", askedAt };
}

/** So many implausible answers, when nobody else could be asked, are believed: markets do halt. */
const BELIEVED_TIMES = 3;

/** An implausible answer; `alone`: no other provider could be asked about it. */
export interface Doubt {
  readonly askedAt: EpochMs;
  readonly alone: boolean;
}

/**
 * The belief after an answer that covered the minute, had no bar, and was not plausible: absence is
 * not taken from it, until the only provider there is has said the same on three ticks.
 */
export function withDoubt(
  belief: Belief,
  ts: EpochMs,
  { askedAt, alone }: Doubt,
  settleDelayMs: number,
): Belief {
  if (isComplete(belief) || belief.state === "lost") return belief;
  const known = belief.state === "doubted" ? belief : { askedAt: -Infinity, times: 0 };
  if (belief.state !== "unknown" && belief.askedAt >= askedAt) return belief;
  const times = known.times + (alone ? 1 : 0);
  return times >= BELIEVED_TIMES && askedAt >= settlesAt(ts, settleDelayMs)
    ? { state: "no_trade", askedAt }
    : { state: "doubted", askedAt, times: Math.min(times, BELIEVED_TIMES) };
}

/** Whether a minute needs no further answer to be passed by the watermark. */
export function isComplete(
  belief: Belief,
): belief is Extract<Belief, { state: "bar" | "no_trade" | "unfillable" }> {
  return belief.state === "bar" || belief.state === "no_trade" || belief.state === "unfillable";
}
