import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  intersectRanges,
  type RangeSet,
  rangesOfMinutes,
  subtractRanges,
  unionRanges,
} from "../../../src/domain/range.ts";

const MINUTE_MS = 60_000;

/** A naive set of whole minutes, and the same as ranges. */
const minuteSets = fc
  .uniqueArray(fc.integer({ min: 0, max: 30 }))
  .map((minutes) => new Set(minutes.map((minute) => minute * MINUTE_MS)));

const asRanges = (set: ReadonlySet<number>) => rangesOfMinutes([...set].toSorted((a, b) => a - b));

function asSet(ranges: RangeSet): Set<number> {
  const set = new Set<number>();
  for (const { startMs, endMs } of ranges) {
    for (let ts = startMs; ts < endMs; ts += MINUTE_MS) set.add(ts);
  }
  return set;
}

/** Sorted, disjoint, not adjacent, not empty. */
function expectNormal(ranges: RangeSet): void {
  ranges.forEach(({ startMs, endMs }, i) => {
    expect(startMs).toBeLessThan(endMs);
    if (i > 0) expect(startMs).toBeGreaterThan(ranges[i - 1]?.endMs ?? Infinity);
  });
}

describe("range sets are sets of minutes", () => {
  it.each([
    ["union", unionRanges, (a: Set<number>, b: Set<number>) => a.union(b)],
    ["intersection", intersectRanges, (a: Set<number>, b: Set<number>) => a.intersection(b)],
    ["difference", subtractRanges, (a: Set<number>, b: Set<number>) => a.difference(b)],
  ])("%s", (_name, operation, naive) => {
    fc.assert(
      fc.property(minuteSets, minuteSets, (a, b) => {
        const ranges = operation(asRanges(a), asRanges(b));
        expectNormal(ranges);
        expect(asSet(ranges)).toEqual(naive(a, b));
      }),
    );
  });

  it("made of minutes and back", () => {
    fc.assert(
      fc.property(minuteSets, (set) => {
        expectNormal(asRanges(set));
        expect(asSet(asRanges(set))).toEqual(set);
      }),
    );
  });
});
