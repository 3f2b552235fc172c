import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { newYorkMs } from "../../../src/domain/new-york-time.ts";
import { nextSampleMs, samplePlaces } from "../../../src/domain/sample-plan.ts";
import {
  dueDate,
  dueMinutes,
  errorBudget,
  lagMs,
  minuteGraceMs,
  violationRate,
} from "../../../src/domain/slo.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/time.ts";

const calendar = createCalendar();
const session = (date: string) => {
  const found = calendar.session(date);
  if (found === undefined) throw new Error(`closed on ${date}`);
  return found;
};
/** A Friday with a full session; the session before is Thursday's. */
const FRIDAY = session("2026-03-20");
const THURSDAY = session("2026-03-19");
const MONDAY = session("2026-03-23");
const GRACE_MS = minuteGraceMs(90 * SECOND_MS, 0);
const at = (index: number) => FRIDAY.openMs + index * MINUTE_MS;

describe("the minutes that are due", () => {
  it("are those that ended two intervals, the settle delay and the plan's delay ago", () => {
    expect(GRACE_MS).toBe(210 * SECOND_MS);
    const until = (nowMs: number, graceMs = GRACE_MS) => dueMinutes(calendar, nowMs, graceMs);
    const today = { date: FRIDAY.date, startMs: FRIDAY.openMs };
    expect(until(at(10) + GRACE_MS)).toEqual({ ...today, endMs: at(10) });
    expect(until(at(10) + GRACE_MS - 1)).toEqual({ ...today, endMs: at(9) });
    const lateMs = minuteGraceMs(90 * SECOND_MS, 960 * SECOND_MS);
    expect(until(at(10) + lateMs, lateMs)).toEqual({ ...today, endMs: at(10) });
  });

  it("are the last session's, whole, until the first of this one is due", () => {
    const whole = { date: THURSDAY.date, startMs: THURSDAY.openMs, endMs: THURSDAY.closeMs };
    for (const nowMs of [FRIDAY.preOpenMs, at(0), at(1) + GRACE_MS - 1])
      expect(dueMinutes(calendar, nowMs, GRACE_MS)).toEqual(whole);
    expect(dueMinutes(calendar, at(1) + GRACE_MS, GRACE_MS)).toMatchObject({ endMs: at(1) });
  });

  it("end at the close, over a weekend and on an early close too", () => {
    for (const nowMs of [FRIDAY.closeMs + GRACE_MS, FRIDAY.postCloseMs, MONDAY.openMs])
      expect(dueMinutes(calendar, nowMs, GRACE_MS)).toMatchObject({
        date: FRIDAY.date,
        endMs: FRIDAY.closeMs,
      });
    const half = session("2026-11-27");
    expect(dueMinutes(calendar, half.closeMs + 60 * MINUTE_MS, GRACE_MS)).toEqual({
      date: half.date,
      startMs: half.openMs,
      endMs: newYorkMs(half.date, 13 * 60),
    });
  });

  it("are never none, however late a plan is", () => {
    const instant = fc.integer({ min: 0, max: 400 * 24 * 60 * 60 }).map((s) => at(0) + s * 1_000);
    fc.assert(
      fc.property(instant, fc.integer({ min: 0, max: 60 * 60 * 24 }), (nowMs, delayS) => {
        const graceMs = minuteGraceMs(90_000, delayS * 1_000);
        const due = dueMinutes(calendar, nowMs, graceMs);
        expect(due.endMs).toBeGreaterThan(due.startMs);
        expect(due.endMs).toBeLessThanOrEqual(nowMs - graceMs);
        expect(calendar.isExpectedMinute(due.startMs)).toBe(true);
        expect(calendar.isExpectedMinute(due.endMs - MINUTE_MS)).toBe(true);
      }),
    );
  });
});

describe("the trading date that is due", () => {
  it("is the one two sessions before the last that has seen 20:15 in New York", () => {
    const evening = newYorkMs("2026-03-20", 20 * 60 + 15);
    expect(dueDate(calendar, evening)).toBe("2026-03-18");
    expect(dueDate(calendar, evening - 1)).toBe("2026-03-17");
    expect(dueDate(calendar, newYorkMs("2026-03-23", 12 * 60))).toBe("2026-03-18");
    expect(dueDate(calendar, newYorkMs("2026-03-23", 20 * 60 + 15))).toBe("2026-03-19");
  });
});

describe("the lag of a tier", () => {
  it("counts from the end of the newest complete minute while the market is open", () => {
    expect(lagMs(calendar, at(10), at(10) + 30_000)).toBe(30_000);
    expect(lagMs(calendar, at(10), at(25))).toBe(15 * MINUTE_MS);
  });

  it("is none at the open when the last session is complete, and a night long when it is not", () => {
    expect(lagMs(calendar, THURSDAY.closeMs, at(0))).toBe(0);
    expect(lagMs(calendar, THURSDAY.closeMs, at(0) + 5_000)).toBe(5_000);
    const stuckMs = THURSDAY.closeMs - MINUTE_MS;
    expect(lagMs(calendar, stuckMs, at(0))).toBe(at(0) - stuckMs);
  });

  it("is none while the market is closed and nothing is pending", () => {
    expect(lagMs(calendar, FRIDAY.closeMs, FRIDAY.closeMs + 60 * MINUTE_MS)).toBe(0);
    expect(lagMs(calendar, MONDAY.openMs, FRIDAY.closeMs + MINUTE_MS)).toBe(0);
    const nowMs = FRIDAY.closeMs + MINUTE_MS;
    expect(lagMs(calendar, FRIDAY.closeMs - MINUTE_MS, nowMs)).toBe(2 * MINUTE_MS);
  });
});

describe("rates and budgets", () => {
  it("are nothing over nothing, never 0 or 1", () => {
    expect(violationRate({ symbols: 0, violating: 0 })).toBeNull();
    expect(violationRate({ symbols: 200, violating: 3 })).toBe(0.015);
    expect(errorBudget([], 0.01)).toBeNull();
    expect(errorBudget([null, null], 0.01)).toBeNull();
  });

  it("count what was known, against the target", () => {
    expect(errorBudget([0, null, 0.04, 0.02], 0.02)).toEqual({
      samples: 3,
      meanRate: 0.02,
      overTarget: 1 / 3,
      spent: 1,
    });
    expect(errorBudget([0, 0], 0)).toMatchObject({ spent: 0 });
    expect(errorBudget([0, 1], 0)).toMatchObject({ spent: null, overTarget: 0.5 });
  });
});

describe("the rotation of the sample", () => {
  it("looks at every symbol within ceil(n / size) samples, at size of them each time and at none twice", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4_000 }),
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 0, max: 1_000_000 }),
        (population, size, first) => {
          const seen = new Set<number>();
          for (let i = 0; i < Math.ceil(population / size); i += 1) {
            const places = samplePlaces(population, size, first + i).flatMap(({ from, to }) =>
              Array.from({ length: to - from }, (_, place) => from + place),
            );
            expect(places).toHaveLength(Math.min(size, population));
            expect(new Set(places).size).toBe(places.length);
            for (const place of places) seen.add(place);
          }
          expect(seen.size).toBe(population);
          expect(Math.max(...seen)).toBe(population - 1);
        },
      ),
      { numRuns: 200 },
    );
    expect(samplePlaces(0, 200, 5)).toEqual([]);
    expect(samplePlaces(500, 200, 2)).toEqual([
      { from: 400, to: 500 },
      { from: 0, to: 100 },
    ]);
  });
});

describe("when samples are taken", () => {
  const schedule = { calendar, everyMs: 30_000, graceMs: GRACE_MS };
  const next = (lastMs: number | null, nowMs = 0) => nextSampleMs(schedule, lastMs, nowMs);

  it("is at once at first, and then at every multiple of the cadence", () => {
    expect(next(null, at(3) + 17)).toBe(at(3) + 17);
    expect(next(at(3) + 17)).toBe(at(3) + 30_000);
    expect(next(at(3) + 30_000)).toBe(at(4));
  });

  it("ends with the first one at which the last minute was due, and begins again with the next open", () => {
    const dueMs = FRIDAY.closeMs + GRACE_MS;
    expect(next(dueMs - 30_000)).toBe(dueMs);
    expect(next(dueMs)).toBe(MONDAY.openMs);
    expect(next(null, FRIDAY.postCloseMs)).toBe(MONDAY.openMs);
    const every7 = { calendar, everyMs: 420_000, graceMs: GRACE_MS };
    let lastMs = FRIDAY.closeMs;
    while (nextSampleMs(every7, lastMs, 0) < MONDAY.openMs)
      lastMs = nextSampleMs(every7, lastMs, 0);
    expect(lastMs).toBeGreaterThanOrEqual(dueMs);
  });
});
