import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AuditBar,
  compareBars,
  isSameSum,
  NO_BARS,
  withBar,
} from "../../../src/domain/audit.ts";
import { MINUTE_MS, OPEN_MS } from "../../support/naive-group.ts";

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bar: fc.Arbitrary<AuditBar> = fc.record({
  ts: fc.integer({ min: 0, max: 389 }).map((index) => OPEN_MS + index * MINUTE_MS),
  revision: fc.integer({ min: 0, max: 5 }),
  fingerprint: fc.tuple(u32, u32),
});
const bars = fc.uniqueArray(bar, { selector: ({ ts }) => ts, minLength: 1, maxLength: 60 });
const sumOf = (all: readonly AuditBar[]) => all.reduce(withBar, NO_BARS);
/** A list with the element at a place replaced by what `change` makes of it. */
const changed = (all: readonly AuditBar[], at: number, change: (bar: AuditBar) => AuditBar[]) =>
  all.flatMap((each, index) => (index === at % all.length ? change(each) : [each]));

describe("the sum over a symbol's bars", () => {
  it("does not depend on their order", () => {
    const shuffled = bars.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, ([all, other]) => {
        expect(sumOf(other)).toEqual(sumOf(all));
      }),
    );
  });

  it("sees any single change: of a value, a revision or a minute, a bar more or less", () => {
    const flip = (half: 0 | 1) => (each: AuditBar) => {
      const [high, low] = each.fingerprint;
      const fingerprint = half === 0 ? ([high ^ 1, low] as const) : ([high, low ^ 1] as const);
      return [{ ...each, fingerprint: [fingerprint[0] >>> 0, fingerprint[1] >>> 0] as const }];
    };
    const changes: ((each: AuditBar) => AuditBar[])[] = [
      flip(0),
      flip(1),
      (each) => [{ ...each, revision: each.revision + 1 }],
      (each) => [{ ...each, ts: each.ts + 400 * MINUTE_MS }],
      () => [],
      (each) => [each, { ...each, ts: each.ts + 400 * MINUTE_MS }],
    ];
    fc.assert(
      fc.property(bars, fc.nat(), fc.constantFrom(...changes), (all, at, change) => {
        expect(isSameSum(sumOf(all), sumOf(changed(all, at, change)))).toBe(false);
      }),
    );
  });

  it("sees two bars that have changed places, and two equal ones that a plain XOR would not", () => {
    const [a, b] = [
      { ts: OPEN_MS, revision: 0, fingerprint: [1, 2] as const },
      { ts: OPEN_MS + MINUTE_MS, revision: 0, fingerprint: [3, 4] as const },
    ];
    const swapped = [
      { ...a, ts: b.ts },
      { ...b, ts: a.ts },
    ];
    expect(isSameSum(sumOf([a, b]), sumOf(swapped))).toBe(false);
    expect(isSameSum(sumOf([a, a]), sumOf([b, b]))).toBe(false);
  });
});

describe("the comparison of a symbol's bars", () => {
  it("says nothing of equal ones, whatever their order", () => {
    fc.assert(
      fc.property(bars, (all) => {
        const stored = all.toReversed();
        expect(compareBars({ believed: all, lost: [], stored })).toEqual([]);
      }),
    );
  });

  it("names each difference by its kind, ascending, with the highest revision that is known", () => {
    const at = (index: number, change: Partial<AuditBar> = {}): AuditBar => ({
      ts: OPEN_MS + index * MINUTE_MS,
      revision: 0,
      fingerprint: [index, 7],
      ...change,
    });
    const believed = [at(0), at(1), at(2), at(3, { revision: 2 })];
    const stored = [
      at(9),
      at(5),
      at(3, { revision: 1 }),
      at(2, { fingerprint: [0, 0], revision: 4 }),
      at(0),
    ];
    const found = compareBars({ believed, lost: [at(5).ts], stored });
    expect(
      found.map(({ kind, ts, revision }) => [kind, (ts - OPEN_MS) / MINUTE_MS, revision]),
    ).toEqual([
      ["missing_in_postgres", 1, 0],
      ["differs", 2, 4],
      ["revision", 3, 2],
      ["unknown_to_group", 9, 0],
    ]);
  });
});
