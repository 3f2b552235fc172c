import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Credits, takeCredits } from "../../../src/domain/credits.ts";

const MINUTE_MS = 60_000;
const asks = fc.array(
  fc.record({
    waitMs: fc.integer({ min: 0, max: 90_000 }),
    wanted: fc.integer({ min: 0, max: 20 }),
  }),
  { minLength: 1, maxLength: 60 },
);
const rates = fc.integer({ min: 1, max: 1_000 });

/** What was granted and when. */
function grantsOf(list: readonly { waitMs: number; wanted: number }[], perMinute: number) {
  let credits: Credits | null = null;
  let nowMs = 1_774_013_400_000;
  return list.map(({ waitMs, wanted }) => {
    nowMs += waitMs;
    const taken = takeCredits(credits, wanted, nowMs, perMinute);
    credits = taken.credits;
    return { atMs: nowMs, granted: taken.granted, wanted };
  });
}

describe("the credits of a provider", () => {
  it("over any window are at most one burst and the rate of that window", () => {
    fc.assert(
      fc.property(asks, rates, (list, perMinute) => {
        const grants = grantsOf(list, perMinute);
        grants.forEach(({ atMs: fromMs }, from) => {
          let sum = 0;
          for (const { atMs, granted } of grants.slice(from)) {
            sum += granted;
            expect(sum).toBeLessThanOrEqual(
              perMinute + ((atMs - fromMs) * perMinute) / MINUTE_MS + 1e-6,
            );
          }
        });
      }),
    );
  });

  it("are never more than was asked for, and all of it while the bucket holds enough", () => {
    fc.assert(
      fc.property(asks, rates, (list, perMinute) => {
        for (const { granted, wanted } of grantsOf(list, perMinute)) {
          expect(granted).toBeGreaterThanOrEqual(0);
          expect(granted).toBeLessThanOrEqual(wanted);
        }
        expect(takeCredits(null, perMinute, 0, perMinute).granted).toBe(perMinute);
      }),
    );
  });

  it("come back after the wait that was named, and not much earlier", () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 0, max: 59_999 }), (perMinute, afterMs) => {
        const empty = takeCredits(null, perMinute, 0, perMinute).credits;
        const { credits, granted, waitMs } = takeCredits(empty, 1, afterMs, perMinute);
        if (granted > 0) return;
        expect(waitMs).toBeGreaterThan(0);
        expect(takeCredits(credits, 1, afterMs + waitMs, perMinute).granted).toBe(1);
        // rounded up to whole milliseconds, and one more where doubles do
        expect(takeCredits(credits, 1, afterMs + waitMs - 2, perMinute).granted).toBe(0);
      }),
    );
  });

  it("are not given twice for the same time when a clock steps back and forth", () => {
    const empty = takeCredits(null, 60, 120_000, 60).credits;
    const back = takeCredits(empty, 1, 60_000, 60);
    expect(back.granted).toBe(0);
    expect(takeCredits(back.credits, 1, 120_000, 60).granted).toBe(0);
  });
});
