import type { EpochMs, TimeRange } from "./time.ts";
import { MINUTE_MS } from "./time.ts";

/** Sorted, disjoint, non-adjacent half-open ranges. */
export type RangeSet = readonly TimeRange[];

/** The union of two range sets; adjacent ranges merge. */
export function unionRanges(a: RangeSet, b: RangeSet): TimeRange[] {
  const sorted = [...a, ...b].toSorted((x, y) => x.startMs - y.startMs);
  const merged: TimeRange[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && range.startMs <= last.endMs) {
      merged[merged.length - 1] = {
        startMs: last.startMs,
        endMs: Math.max(last.endMs, range.endMs),
      };
    } else {
      merged.push(range);
    }
  }
  return merged;
}

/** What lies in both range sets. */
export function intersectRanges(a: RangeSet, b: RangeSet): TimeRange[] {
  const both: TimeRange[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const x = a[i];
    const y = b[j];
    if (x === undefined || y === undefined) break;
    const startMs = Math.max(x.startMs, y.startMs);
    const endMs = Math.min(x.endMs, y.endMs);
    if (startMs < endMs) both.push({ startMs, endMs });
    if (x.endMs < y.endMs) i += 1;
    else j += 1;
  }
  return both;
}

/** What lies in `a` but not in `b`. */
export function subtractRanges(a: RangeSet, b: RangeSet): TimeRange[] {
  const left: TimeRange[] = [];
  let j = 0;
  for (const range of a) {
    let startMs = range.startMs;
    while (j < b.length && (b[j]?.endMs ?? 0) <= startMs) j += 1;
    for (let k = j; k < b.length; k += 1) {
      const cut = b[k];
      if (cut === undefined || cut.startMs >= range.endMs) break;
      if (cut.startMs > startMs) left.push({ startMs, endMs: cut.startMs });
      startMs = Math.max(startMs, cut.endMs);
    }
    if (startMs < range.endMs) left.push({ startMs, endMs: range.endMs });
  }
  return left;
}

/** Whole minutes, ascending and distinct, as ranges. */
export function rangesOfMinutes(minutes: readonly EpochMs[]): TimeRange[] {
  const ranges: TimeRange[] = [];
  for (const ts of minutes) {
    const last = ranges.at(-1);
    if (last !== undefined && last.endMs === ts)
      ranges[ranges.length - 1] = { ...last, endMs: ts + MINUTE_MS };
    else ranges.push({ startMs: ts, endMs: ts + MINUTE_MS });
  }
  return ranges;
}
