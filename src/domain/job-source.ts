import type { EpochMs } from "./time.ts";
import { floorToMinute, MINUTE_MS, SECOND_MS } from "./time.ts";

/** Who says what is polled: the outside rate-limit coordinator, or the service's own sweeper. */
export type JobSource = "rlc" | "sweeper";

/** A coordinator that has not answered for this long is replaced by the sweeper, market ms. */
export const MAX_SILENCE_MS = 30 * SECOND_MS;
/** While the coordinator is in charge it is asked this often: what it holds does not wait for a tick. */
const ROUND_EVERY_MS = 10 * SECOND_MS;

/** Who is in charge of the polls of a deployment that has a coordinator. Times are market time. */
export interface JobSourceState {
  readonly source: JobSource;
  readonly sinceMs: EpochMs;
  /** Since when nobody has answered, and what was said last; null: the last claim was answered. */
  readonly silence: { readonly sinceMs: EpochMs; readonly reason: string } | null;
  /** The last cron tick whose polls were given to one of the two, and to whom. */
  readonly given: { readonly tickMs: EpochMs; readonly to: JobSource } | null;
}

/** How a claim ended: answered, with jobs or without, or not, and why. */
export type ClaimEnd = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/**
 * What follows from a claim: run the jobs, give them back because the sweeper has this minute already,
 * let the sweeper poll it, or wait for the next claim.
 */
export type JobSourceAct = "run" | "give_back" | "sweep" | "wait";

/** The state of a deployment whose coordinator has not been asked yet: nobody waits for it. */
export function firstJobSource(nowMs: EpochMs): JobSourceState {
  return { source: "sweeper", sinceMs: nowMs, silence: null, given: null };
}

/**
 * Takes in how a claim ended. The polls of a minute are given once, to the coordinator when it answers
 * first, to the sweeper when the coordinator has been silent for `MAX_SILENCE_MS`; so no minute has two
 * sources, and none waits longer than that for one. An answer brings the coordinator back at once,
 * unless the minute is the sweeper's already: then with the next one.
 */
export function hearClaim(
  state: JobSourceState,
  end: ClaimEnd,
  nowMs: EpochMs,
): { readonly state: JobSourceState; readonly act: JobSourceAct } {
  const tickMs = floorToMinute(nowMs);
  const taken = state.given?.tickMs === tickMs ? state.given.to : null;
  if (end.ok) {
    if (taken === "sweeper") return { state: { ...state, silence: null }, act: "give_back" };
    const given = { tickMs, to: "rlc" as const };
    return { state: { ...inCharge(state, "rlc", nowMs), silence: null, given }, act: "run" };
  }
  const silence = { sinceMs: state.silence?.sinceMs ?? nowMs, reason: end.reason };
  // Counted in rounds: a few milliseconds between two alarms do not cost a whole round.
  const silentMs = roundOf(nowMs) - roundOf(silence.sinceMs);
  const isPatient = state.source === "rlc" && silentMs < MAX_SILENCE_MS;
  if (isPatient) return { state: { ...state, silence }, act: "wait" };
  const swept = { ...inCharge(state, "sweeper", nowMs), silence };
  // What the coordinator handed out in this minute runs on; the sweeper begins with the next.
  if (taken === "rlc") return { state: swept, act: "wait" };
  return { state: { ...swept, given: { tickMs, to: "sweeper" } }, act: "sweep" };
}

/**
 * When to ask again before the next cron tick does; null: the tick is soon enough. Rounds stand on whole
 * ten seconds, so that two that were heard at almost the same time lead to one and not to two rows of
 * rounds that never meet; the tick ends each row and begins the next.
 */
export function nextRoundMs(
  state: JobSourceState,
  nowMs: EpochMs,
  isMarketOpen: boolean,
): EpochMs | null {
  if (state.source === "sweeper") return null;
  if (!isMarketOpen && state.silence === null) return null;
  const nextMs = roundOf(nowMs) + ROUND_EVERY_MS;
  return nextMs % MINUTE_MS === 0 ? null : nextMs;
}

function roundOf(ms: EpochMs): EpochMs {
  return Math.floor(ms / ROUND_EVERY_MS) * ROUND_EVERY_MS;
}

function inCharge(state: JobSourceState, source: JobSource, nowMs: EpochMs): JobSourceState {
  return state.source === source ? state : { ...state, source, sinceMs: nowMs };
}
