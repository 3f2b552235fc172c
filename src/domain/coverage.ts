import type { MinuteState } from "./minute-state.ts";
import { type RangeSet, rangesOfMinutes } from "./range.ts";
import type { EpochMs, TimeRange } from "./time.ts";
import { MINUTE_MS } from "./time.ts";

/**
 * What is known of the minutes of one symbol in one window of a session. Counts are minutes, and
 * `expected = got + noTrade + missing + pending` always; unfillable minutes count as missing. The
 * ranges name the minutes of the last two.
 */
export interface Coverage {
  readonly expected: number;
  readonly got: number;
  readonly noTrade: number;
  readonly missing: number;
  readonly pending: number;
  readonly missingRanges: RangeSet;
  readonly pendingRanges: RangeSet;
}

/** Counts the states of consecutive minutes from `startMs`; null: the minute is not expected. */
export function countCoverage(startMs: EpochMs, states: readonly (MinuteState | null)[]): Coverage {
  const missing: EpochMs[] = [];
  const pending: EpochMs[] = [];
  let expected = 0;
  let got = 0;
  states.forEach((state, index) => {
    if (state === null) return;
    const ts = startMs + index * MINUTE_MS;
    expected += 1;
    if (state === "bar") got += 1;
    if (state === "missing" || state === "unfillable") missing.push(ts);
    if (state === "pending") pending.push(ts);
  });
  return coverageOf({ expected, got, missing, pending });
}

/** Expected minutes of which so many have a bar, and those without one that are not no_trade either. */
export interface CountedMinutes {
  readonly expected: number;
  readonly got: number;
  /** Ascending and disjoint from `pending`; none of them has a bar. */
  readonly missing: readonly EpochMs[];
  readonly pending: readonly EpochMs[];
}

/** The coverage of minutes that were counted elsewhere: what nothing else explains was no trade. */
export function coverageOf({ expected, got, missing, pending }: CountedMinutes): Coverage {
  return {
    expected,
    got,
    noTrade: expected - got - missing.length - pending.length,
    missing: missing.length,
    pending: pending.length,
    missingRanges: rangesOfMinutes(missing),
    pendingRanges: rangesOfMinutes(pending),
  };
}

/**
 * The part of a window that a symbol is owed: from its `since`; empty, at the end of the window, when it is
 * owed no minutes (null).
 */
export function owedPart({ startMs, endMs }: TimeRange, sinceMs: EpochMs | null): TimeRange {
  const fromMs = Math.ceil((sinceMs ?? Infinity) / MINUTE_MS) * MINUTE_MS;
  return { startMs: Math.min(Math.max(startMs, fromMs), endMs), endMs };
}
