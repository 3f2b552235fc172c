import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coverageQuestions } from "../../../src/api/coverage-questions.ts";
import { type Calendar, createCalendar } from "../../../src/domain/calendar.ts";
import { DAY_MS, MINUTE_MS } from "../../../src/domain/time.ts";

const calendar = createCalendar();
const START_MS = Date.UTC(2025, 0, 2);

describe("the questions of a read of coverage", () => {
  it("are those of every session once, wherever the range begins and ends and pages are cut", () => {
    const minutes = fc.integer({ min: 0, max: 400 * 24 * 60 });
    fc.assert(
      fc.property(minutes, minutes, fc.integer({ min: 1, max: 200 }), (from, length, limit) => {
        const startMs = START_MS + from * MINUTE_MS;
        const range = { startMs, endMs: startMs + length * MINUTE_MS };
        const expected = calendar
          .sessionsBetween(range.startMs, range.endMs)
          .flatMap(({ date }) => [`${date} AAPL`, `${date} MSFT`]);
        const found: string[] = [];
        let after: { symbol: string; ts: number } | undefined;
        for (;;) {
          const questions = coverageQuestions(["MSFT", "AAPL"], range, calendar, after);
          const page = [...questions.take(limit)];
          found.push(...page.map(({ session, symbol }) => `${session.date} ${symbol}`));
          const last = page.at(-1);
          if (last === undefined) break;
          expect(last.window.startMs).toBe(Math.max(last.session.openMs, range.startMs));
          expect(last.window.endMs).toBe(Math.min(last.session.closeMs, range.endMs));
          after = { symbol: last.symbol, ts: last.session.openMs };
        }
        expect(found).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it("are made as they are taken: a page of a year asks the calendar for a month", () => {
    const days: number[] = [];
    const counting: Pick<Calendar, "sessionsBetween"> = {
      sessionsBetween: (startMs, endMs) => {
        days.push((endMs - startMs) / DAY_MS);
        return calendar.sessionsBetween(startMs, endMs);
      },
    };
    const range = { startMs: START_MS, endMs: START_MS + 400 * DAY_MS };
    const [session] = calendar.sessionsBetween(START_MS + 200 * DAY_MS, range.endMs);
    const after = { symbol: "AAPL", ts: session?.openMs ?? 0 };
    const questions = coverageQuestions(["AAPL"], range, counting, after);
    expect([...questions.take(10)]).toHaveLength(10);
    expect(days).toEqual([31]);
  });
});
