import type { FlushRow, GapEvent, MinuteStates, SourceEvent } from "../contracts/flush.ts";
import { MAX_FLUSH_BYTES, MAX_FLUSH_ROWS } from "../contracts/flush.ts";
import type { MinuteBeliefs } from "../domain/belief.ts";
import type { Calendar } from "../domain/calendar.ts";
import { stateLetter } from "../domain/manifest.ts";
import { minuteState } from "../domain/minute-state.ts";
import type { Roster } from "../domain/roster.ts";
import type { EpochMs } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import { advanceWatermark, type GroupView, missingMinutes } from "../domain/watermark.ts";
import { type Answer, classify, type Classified, type MinuteChange } from "./classify.ts";
import type { HoleBook, MinutesBySlot } from "./hole-book.ts";
import { settledMinutes } from "./settled-minutes.ts";

// Generous sizes of the JSON parts, so that a flush is cut before it outgrows its bound.
const ROW_BYTES = 240;
const GAP_BYTES = 90;
const MINUTE_BYTES = 24;

/** Gap events that a flush takes when they fill half of it. */
export const MAX_FLUSH_GAPS = Math.floor(MAX_FLUSH_BYTES / 2 / GAP_BYTES);

/** What a group knows when an answer, or the lack of one, arrives. */
export interface GroupState {
  readonly roster: Roster;
  readonly calendar: Calendar;
  readonly settleDelayMs: number;
  readonly watermarkMs: EpochMs;
  readonly holes: HoleBook;
  /** A private copy of the stored beliefs of a minute. */
  readonly beliefsAt: (ts: EpochMs) => MinuteBeliefs;
}

/** The content of one flush, before it gets its number and knowledge time. */
export interface FlushDraft {
  readonly rows: FlushRow[];
  readonly gaps: GapEvent[];
  readonly source: SourceEvent[];
  readonly man: MinuteStates[];
  readonly watermarkMs: EpochMs;
}

/** What an answer comes to: the flushes to append, the beliefs to store, and the watermark behind them. */
export interface Digest {
  readonly drafts: readonly FlushDraft[];
  readonly minutes: readonly MinuteChange[];
  readonly watermarkMs: EpochMs;
  /** Minutes of the last hour of which nothing is pending any more. */
  readonly settled: readonly EpochMs[];
  readonly verdicts: Classified["verdicts"];
  readonly evidence: Classified["evidence"];
}

const NOTHING: Classified = {
  minutes: [],
  verdicts: { first: 0, updated: 0, same: 0, stale: 0, agreed: 0, disagreed: 0 },
  evidence: new Set(),
};

/**
 * Turns an answer (null: a poll that failed) into the flushes it makes: oldest minute first, cut at
 * the bounds of a flush, holes filled beside the rows that fill them, new holes in the last one. The
 * watermark of a flush never claims what a later one brings. No flush when nothing changed.
 */
export function digest(answer: Answer | null, state: GroupState, nowMs: EpochMs): Digest {
  const { minutes, verdicts, evidence } =
    answer === null ? NOTHING : classify(answer, { ...state, nowMs });
  const changed = new Map(minutes.map((minute) => [minute.ts, minute.beliefs]));
  const view: GroupView = { ...state, beliefsAt: (ts) => changed.get(ts) ?? state.beliefsAt(ts) };
  const drafts: FlushDraft[] = [];
  for (const part of cut(minutes, state.roster.length)) {
    const gaps =
      answer === null ? [] : state.holes.fill(bySlot(part), state.roster, answer.source.provider);
    const man = part
      .filter((minute) => isExpected(minute, state))
      .map((minute) => statesOf(minute, state, nowMs));
    const rows = part.flatMap((minute) => minute.rows);
    if (rows.length + gaps.length + man.length === 0) continue;
    drafts.push({ rows, gaps, source: [], man, watermarkMs: state.watermarkMs });
  }
  drafts.push(...openHoles(state.watermarkMs, { ...state, ...view }, nowMs));
  const isOpen = (slot: number, ts: EpochMs) => state.holes.isOpen(slot, ts);
  const watermarkMs = advanceWatermark(state.watermarkMs, nowMs, view, isOpen);
  const last = drafts.at(-1);
  if (last !== undefined) drafts[drafts.length - 1] = { ...last, watermarkMs };
  const settled = settledMinutes(state.calendar, state.watermarkMs, watermarkMs, nowMs);
  return { drafts, minutes, watermarkMs, settled, verdicts, evidence };
}

/** Opens a hole for whatever is missing from `fromMs` on and stands in none yet. */
export function openHoles(fromMs: EpochMs, state: GroupState, nowMs: EpochMs): FlushDraft[] {
  return openMinutes(missingMinutes(fromMs, nowMs, state), state, nowMs);
}

/**
 * Opens a hole for these minutes as far as they stand in none yet: the flushes with the gap events, and
 * the minutes restated as missing.
 */
export function openMinutes(
  missing: MinutesBySlot,
  state: GroupState,
  nowMs: EpochMs,
): FlushDraft[] {
  const gaps = state.holes.open(missing, state.roster);
  const slotsByMinute = new Map<EpochMs, Set<number>>();
  for (const [symbol, startMs, endMs] of gaps) {
    const slot = state.roster.slotOf(symbol);
    for (let ts = startMs; slot !== undefined && ts < endMs; ts += MINUTE_MS) {
      if (!state.calendar.isExpectedMinute(ts)) continue;
      slotsByMinute.set(ts, (slotsByMinute.get(ts) ?? new Set()).add(slot));
    }
  }
  const man = [...slotsByMinute]
    .toSorted(([a], [b]) => a - b)
    .map(([ts, changedSlots]) =>
      statesOf({ ts, beliefs: state.beliefsAt(ts), changedSlots }, state, nowMs),
    );
  const drafts: FlushDraft[] = [];
  const maxMinutes = Math.max(
    1,
    Math.floor(MAX_FLUSH_BYTES / 2 / (state.roster.length + MINUTE_BYTES)),
  );
  for (let at = 0; at * MAX_FLUSH_GAPS < gaps.length || at * maxMinutes < man.length; at += 1) {
    drafts.push({
      rows: [],
      gaps: gaps.slice(at * MAX_FLUSH_GAPS, (at + 1) * MAX_FLUSH_GAPS),
      source: [],
      man: man.slice(at * maxMinutes, (at + 1) * maxMinutes),
      watermarkMs: state.watermarkMs,
    });
  }
  return drafts;
}

function cut(minutes: readonly MinuteChange[], slots: number): MinuteChange[][] {
  const parts: MinuteChange[][] = [];
  let rows = 0;
  let bytes = 0;
  for (const minute of minutes) {
    const size =
      minute.rows.length * ROW_BYTES +
      minute.resolvedSlots.length * GAP_BYTES +
      slots +
      MINUTE_BYTES;
    const last = parts.at(-1);
    if (
      last === undefined ||
      rows + minute.rows.length > MAX_FLUSH_ROWS ||
      bytes + size > MAX_FLUSH_BYTES
    ) {
      parts.push([minute]);
      rows = minute.rows.length;
      bytes = size;
    } else {
      last.push(minute);
      rows += minute.rows.length;
      bytes += size;
    }
  }
  return parts;
}

function bySlot(part: readonly MinuteChange[]): Map<number, EpochMs[]> {
  const minutes = new Map<number, EpochMs[]>();
  for (const change of part) {
    for (const slot of change.resolvedSlots) {
      const list = minutes.get(slot);
      if (list === undefined) minutes.set(slot, [change.ts]);
      else list.push(change.ts);
    }
  }
  return minutes;
}

function isExpected(minute: MinuteChange, state: GroupState): boolean {
  return minute.changedSlots.size > 0 && state.calendar.isExpectedMinute(minute.ts);
}

function statesOf(
  minute: Pick<MinuteChange, "ts" | "beliefs" | "changedSlots">,
  state: GroupState,
  nowMs: EpochMs,
): MinuteStates {
  let states = "";
  for (let slot = 0; slot < state.roster.length; slot += 1) {
    const kind = state.roster.expects(slot, minute.ts)
      ? minuteState(minute.beliefs.get(slot), minute.ts, nowMs, state.settleDelayMs)
      : "not_expected";
    states += stateLetter(kind, minute.changedSlots.has(slot));
  }
  return [minute.ts, states];
}
