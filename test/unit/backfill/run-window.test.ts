import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runWindow, type WindowRules } from "../../../src/backfill/run-window.ts";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { newYorkMs } from "../../../src/domain/new-york-time.ts";
import type { TimeRange } from "../../../src/domain/time.ts";
import { DAY_MS, MINUTE_MS } from "../../../src/domain/time.ts";
import { parseTradingDate } from "../../../src/domain/trading-date.ts";

const calendar = createCalendar();
const rules: WindowRules = { calendar, sessions: ["regular"] };
/** Minutes of a New York day. */
const [OPEN, CLOSE, EARLY] = [570, 960, 780];
const at = (date: string, minute: number) => newYorkMs(date, minute);
const range = (startMs: number, endMs: number): TimeRange => ({ startMs, endMs });
const tsOf = (date: string) => parseTradingDate(date) * DAY_MS;

describe("the window of a job of minutes", () => {
  it("is the first session of a range, with its closing window", () => {
    const days = range(at("2026-03-17", 0), at("2026-03-20", 0));
    expect(runWindow("1m", days, rules)).toEqual(
      range(at("2026-03-17", OPEN), at("2026-03-17", CLOSE + 5)),
    );
    const part = range(at("2026-03-17", 700), at("2026-03-17", 710));
    expect(runWindow("1m", part, rules)).toEqual(part);
  });

  it("ends at 13:05 on an early close", () => {
    const day = range(at("2025-11-28", 0), at("2025-11-29", 0));
    expect(runWindow("1m", day, rules)).toEqual(
      range(at("2025-11-28", OPEN), at("2025-11-28", EARLY + 5)),
    );
  });

  it("passes over nights, weekends and holidays, and is null of those alone", () => {
    const night = range(at("2026-03-17", CLOSE + 30), at("2026-03-18", OPEN + 5));
    expect(runWindow("1m", night, rules)).toEqual(
      range(at("2026-03-18", OPEN), at("2026-03-18", OPEN + 5)),
    );
    for (const closed of [
      range(at("2026-03-17", CLOSE + 5), at("2026-03-18", OPEN)),
      range(at("2026-03-21", 0), at("2026-03-23", OPEN)),
      range(at("2025-01-09", 0), at("2025-01-10", OPEN)),
      range(at("2026-03-17", 300), at("2026-03-17", OPEN)),
    ])
      expect(runWindow("1m", closed, rules)).toBeNull();
  });

  it("takes the hours before and after when they are fetched", () => {
    const all: WindowRules = { calendar, sessions: ["pre", "regular", "post"] };
    const day = range(at("2026-03-17", 0), at("2026-03-18", 0));
    expect(runWindow("1m", day, all)).toEqual(
      range(at("2026-03-17", 240), at("2026-03-17", 1_200)),
    );
  });
});

describe("the window of a job of daily bars", () => {
  it("is some trading dates from the first of the range on", () => {
    const week = range(tsOf("2026-03-21"), tsOf("2026-03-25"));
    expect(runWindow("1d", week, rules)).toEqual(range(tsOf("2026-03-23"), tsOf("2026-03-25")));
    const year = runWindow("1d", range(tsOf("2025-01-01"), tsOf("2026-01-01")), rules);
    // 2025-01-09 was a day of mourning: 25 sessions from the 2nd on end on February 7.
    expect(year).toEqual(range(tsOf("2025-01-02"), tsOf("2025-02-08")));
    expect(runWindow("1d", range(tsOf("2026-03-21"), tsOf("2026-03-23")), rules)).toBeNull();
  });
});

describe("windows one after the other", () => {
  it("reach the end of any range, and go over each session of it", () => {
    const firstMs = tsOf("2025-06-01");
    fc.assert(
      fc.property(
        fc.constantFrom("1m" as const, "1d" as const),
        fc.integer({ min: 0, max: 200 * 1_440 }),
        fc.integer({ min: 1, max: 40 * 1_440 }),
        (interval, from, length) => {
          const unitMs = interval === "1m" ? MINUTE_MS : DAY_MS;
          const floor = (ms: number) => Math.floor(ms / unitMs) * unitMs;
          const startMs = firstMs + floor(from * MINUTE_MS);
          const endMs = startMs + Math.max(unitMs, floor(length * MINUTE_MS));
          const expected =
            interval === "1m"
              ? calendar.sessionsBetween(startMs, endMs).map(({ date }) => date)
              : calendar
                  .sessionsBetween(startMs, endMs + DAY_MS)
                  .map(({ date }) => date)
                  .filter((date) => tsOf(date) >= startMs && tsOf(date) < endMs);
          const seen: string[] = [];
          let left: TimeRange = { startMs, endMs };
          for (;;) {
            const window = runWindow(interval, left, rules);
            if (window === null) break;
            expect(window.startMs).toBeGreaterThanOrEqual(left.startMs);
            expect(window.endMs).toBeGreaterThan(window.startMs);
            expect(window.endMs).toBeLessThanOrEqual(endMs);
            const days = calendar.sessionsBetween(window.startMs, window.endMs + DAY_MS);
            seen.push(
              ...days
                .filter(({ openMs, closeMs, date }) =>
                  interval === "1m"
                    ? openMs < window.endMs && closeMs > window.startMs
                    : tsOf(date) < window.endMs && tsOf(date) >= window.startMs,
                )
                .map(({ date }) => date),
            );
            left = { startMs: window.endMs, endMs };
            if (left.startMs >= endMs) break;
          }
          expect(seen).toEqual(expected);
        },
      ),
      { numRuns: 200 },
    );
  });
});
