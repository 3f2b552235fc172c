import { describe, expect, it } from "vitest";
import { type CoveredWindow, noTradeMinutes, noTradeQuestions } from "../../../src/api/no-trade.ts";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { coverageOf } from "../../../src/domain/coverage.ts";
import { DAY_MS, MINUTE_MS } from "../../../src/domain/time.ts";

const calendar = createCalendar();
const session = calendar.previousSession(Date.UTC(2026, 2, 20, 22));
const minute = (n: number) => session.openMs + n * MINUTE_MS;

/** AAPL in the first ten minutes: so many bars, and what is open. */
function row(got: number, missing: number[], pending: number[], sinceMs = 0): CoveredWindow {
  return {
    symbol: "AAPL",
    session,
    window: { startMs: minute(0), endMs: minute(10) },
    sinceMs,
    coverage: coverageOf({
      expected: 10,
      got,
      missing: missing.map(minute),
      pending: pending.map(minute),
    }),
  };
}
const bars = (...minutes: number[]) => minutes.map((n) => ({ symbol: "AAPL", ts: minute(n) }));
const found = (rows: CoveredWindow[], ...minutes: number[]) =>
  noTradeMinutes(rows, bars(...minutes))?.map(({ ts }) => (ts - minute(0)) / MINUTE_MS);

describe("a minute without a trade", () => {
  it("is expected, and neither has a bar nor is missing or pending", () => {
    expect(found([row(3, [4, 5], [9])], 0, 1, 2)).toEqual([3, 6, 7, 8]);
  });

  it("is not claimed when a bar that was counted is not among those that were read", () => {
    expect(found([row(3, [], [])], 0, 1)).toBeUndefined();
    expect(noTradeMinutes([row(3, [], [])], [])).toBeNull();
    // Bars of other symbols or times are no evidence.
    expect(found([row(3, [], [])], 0, 1, 10)).toBeUndefined();
  });

  it("is not claimed for one that has got its bar since", () => {
    expect(found([row(3, [4], [])], 0, 1, 2, 3, 4)).toEqual([5, 6, 7, 8, 9]);
  });

  it("is known only of windows that the symbol was owed whole", () => {
    expect(found([row(0, [], [], minute(1))])).toEqual([]);
    expect(noTradeMinutes([{ ...row(0, [], []), sinceMs: null }], [])).toEqual([]);
  });
});

describe("what is asked about", () => {
  it("is the ended part of each regular session, for every symbol", () => {
    const range = { startMs: minute(-30), endMs: minute(500) };
    expect(noTradeQuestions(["AAPL"], range, calendar, minute(5) + 30_000)).toEqual([
      { symbol: "AAPL", session, window: { startMs: minute(0), endMs: minute(5) } },
    ]);
    expect(noTradeQuestions(["AAPL"], range, calendar, minute(0))).toEqual([]);
  });

  it("is refused when it is more than is counted at once", () => {
    const many = Array.from({ length: 1_001 }, (_, n) => `S${n}`);
    const range = { startMs: minute(0), endMs: minute(5) };
    expect(noTradeQuestions(many, range, calendar, minute(9))).toBeNull();
    expect(noTradeQuestions(many.slice(1), range, calendar, minute(9))).toHaveLength(1_000);
    const wide = { startMs: minute(0) - 32 * DAY_MS, endMs: minute(5) };
    expect(noTradeQuestions(["AAPL"], wide, calendar, minute(9))).toBeNull();
  });
});
