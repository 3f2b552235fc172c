import { isComplete, minuteState, missingFrom } from "./minute-state.ts";
import type { MinuteBeliefs } from "./belief.ts";
import type { Calendar } from "./calendar.ts";
import type { Roster } from "./roster.ts";
import type { EpochMs } from "./time.ts";
import { DAY_MS, MINUTE_MS } from "./time.ts";

/** What the watermark is computed from: the members, the minutes they owe, and what is believed of each. */
export interface GroupView {
  readonly roster: Roster;
  readonly calendar: Calendar;
  readonly settleDelayMs: number;
  readonly beliefsAt: (ts: EpochMs) => MinuteBeliefs;
}

/** The START of the first regular minute that begins at or after `ms`. */
export function firstExpectedMinute(calendar: Calendar, ms: EpochMs): EpochMs {
  const minute = Math.ceil(ms / MINUTE_MS) * MINUTE_MS;
  const session = calendar.sessionContaining(minute);
  if (session !== undefined && minute < session.closeMs) return Math.max(minute, session.openMs);
  return calendar.nextSession(minute).openMs;
}

/** How many minutes one look for a hole goes through: three sessions; the next look goes on. */
const MAX_LOOK_MINUTES = 1_170;

/**
 * The first expected minute in `[fromMs, beforeMs)` that is not complete for every member; null when
 * the look found none.
 */
export function firstIncompleteMinute(
  fromMs: EpochMs,
  beforeMs: EpochMs,
  view: GroupView,
): EpochMs | null {
  let ts = firstExpectedMinute(view.calendar, fromMs);
  for (let looked = 0; ts < beforeMs && looked < MAX_LOOK_MINUTES; looked += 1) {
    if (!isMinuteComplete(ts, view)) return ts;
    ts = firstExpectedMinute(view.calendar, ts + MINUTE_MS);
  }
  return null;
}

/**
 * The watermark: before it every expected minute of every member is bar, no_trade or unfillable. It
 * only moves forward, and never past an incomplete minute or `nowMs`.
 */
export function advanceWatermark(watermarkMs: EpochMs, nowMs: EpochMs, view: GroupView): EpochMs {
  let reached = watermarkMs;
  for (;;) {
    const ts = firstExpectedMinute(view.calendar, reached);
    if (ts + MINUTE_MS > nowMs || !isMinuteComplete(ts, view)) return reached;
    reached = ts + MINUTE_MS;
  }
}

function isMinuteComplete(ts: EpochMs, view: GroupView): boolean {
  const beliefs = view.beliefsAt(ts);
  for (let slot = 0; slot < view.roster.length; slot += 1) {
    if (view.roster.expects(slot, ts) && !isComplete(beliefs.get(slot))) return false;
  }
  return true;
}

/** How far behind the watermark may be looked at in one go: a week of minutes is the belief horizon. */
const MAX_SCAN_MS = 10 * DAY_MS;

/** Expected minutes at or after the watermark that are missing at `nowMs`, by slot. */
export function missingMinutes(
  watermarkMs: EpochMs,
  nowMs: EpochMs,
  view: GroupView,
): Map<number, EpochMs[]> {
  const missing = new Map<number, EpochMs[]>();
  let ts = firstExpectedMinute(view.calendar, Math.max(watermarkMs, nowMs - MAX_SCAN_MS));
  while (nowMs >= missingFrom(ts, view.settleDelayMs)) {
    const beliefs = view.beliefsAt(ts);
    for (let slot = 0; slot < view.roster.length; slot += 1) {
      if (!view.roster.expects(slot, ts)) continue;
      if (minuteState(beliefs.get(slot), ts, nowMs, view.settleDelayMs) !== "missing") continue;
      const minutes = missing.get(slot);
      if (minutes === undefined) missing.set(slot, [ts]);
      else minutes.push(ts);
    }
    ts = firstExpectedMinute(view.calendar, ts + MINUTE_MS);
  }
  return missing;
}
