import { minuteState, missingFrom } from "./minute-state.ts";
import type { MinuteBeliefs } from "./belief.ts";
import type { Calendar } from "./calendar.ts";
import type { Roster } from "./roster.ts";
import type { EpochMs } from "./time.ts";
import { DAY_MS, MINUTE_MS } from "./time.ts";

/** What is known of a group: the members, the minutes they owe, and what is believed of each. */
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

/**
 * The watermark: before it every expected minute of every member is bar, no_trade, unfillable, or in an
 * open hole, which is remembered beside it. It only moves forward, and never past a minute that is none
 * of these, or `nowMs`. One symbol that nobody serves does not hold up what is known of the others: a
 * symbol is complete up to the watermark or its first hole, whichever is earlier.
 */
export function advanceWatermark(
  watermarkMs: EpochMs,
  nowMs: EpochMs,
  view: GroupView,
  isOpen: (slot: number, ts: EpochMs) => boolean,
): EpochMs {
  let reached = watermarkMs;
  for (;;) {
    const ts = firstExpectedMinute(view.calendar, reached);
    if (ts + MINUTE_MS > nowMs || !isAccounted(ts, view, isOpen)) return reached;
    reached = ts + MINUTE_MS;
  }
}

function isAccounted(
  ts: EpochMs,
  view: GroupView,
  isOpen: (slot: number, ts: EpochMs) => boolean,
): boolean {
  const beliefs = view.beliefsAt(ts);
  for (let slot = 0; slot < view.roster.length; slot += 1) {
    if (!view.roster.expects(slot, ts) || beliefs.isComplete(slot)) continue;
    if (!isOpen(slot, ts)) return false;
  }
  return true;
}

/** How far one look goes; the next one goes on from the watermark that this one moved. */
const MAX_SCAN_MS = 10 * DAY_MS;

/** Expected minutes from `fromMs` on, ten days of them at most, that are missing at `nowMs`, by slot. */
export function missingMinutes(
  fromMs: EpochMs,
  nowMs: EpochMs,
  view: GroupView,
): Map<number, EpochMs[]> {
  const missing = new Map<number, EpochMs[]>();
  let ts = firstExpectedMinute(view.calendar, fromMs);
  while (ts < fromMs + MAX_SCAN_MS && nowMs >= missingFrom(ts, view.settleDelayMs)) {
    const beliefs = view.beliefsAt(ts);
    for (let slot = 0; slot < view.roster.length; slot += 1) {
      if (!view.roster.expects(slot, ts) || beliefs.isComplete(slot)) continue;
      if (minuteState(beliefs.get(slot), ts, nowMs, view.settleDelayMs) !== "missing") continue;
      const minutes = missing.get(slot);
      if (minutes === undefined) missing.set(slot, [ts]);
      else minutes.push(ts);
    }
    ts = firstExpectedMinute(view.calendar, ts + MINUTE_MS);
  }
  return missing;
}
