import { describe, expect, it } from "vitest";
import type { CalendarOverride } from "../../src/domain/calendar-override.ts";
import { findOverrideFaults, MAX_CALENDAR_OVERRIDES } from "../../src/domain/calendar-override.ts";
import { createCalendar, expectedMinutes } from "../../src/domain/calendar.ts";
import { isClosedByRule } from "../../src/domain/holidays.ts";
import { newYorkMs } from "../../src/domain/new-york-time.ts";
import { DAY_MS, toIso } from "../../src/domain/time.ts";

describe("overrides", () => {
  it("closes a day that the rules open", () => {
    const closed = createCalendar([{ date: "2026-12-02", closed: true }]);
    const noon = Date.parse("2026-12-02T17:00:00Z");
    expect(closed.session("2026-12-02")).toBeUndefined();
    expect(closed.sessionContaining(noon)).toBeUndefined();
    expect(closed.nextSession(noon).date).toBe("2026-12-03");
    expect(closed.previousSession(noon).date).toBe("2026-12-01");
    expect(createCalendar().isExpectedMinute(noon)).toBe(true);
  });

  it("moves a close earlier, and post with it", () => {
    const session = createCalendar([{ date: "2026-12-02", close: "12:30" }]).session("2026-12-02");
    expect(session?.earlyClose).toBe(true);
    expect(session?.closeMs).toBe(newYorkMs("2026-12-02", 12 * 60 + 30));
    expect(session?.postCloseMs).toBe(newYorkMs("2026-12-02", 16 * 60 + 30));
  });

  it("undoes an early close of the rules", () => {
    const session = createCalendar([{ date: "2026-12-24", close: "16:00" }]).session("2026-12-24");
    expect(session?.earlyClose).toBe(false);
    expect(session && expectedMinutes(session)).toBe(390);
  });

  it.each<[string, CalendarOverride[], string]>([
    ["a holiday", [{ date: "2026-12-25", closed: true }], "2026-12-25 is closed already: Christ"],
    [
      "a weekend",
      [{ date: "2026-12-26", close: "13:00" }],
      "2026-12-26 is closed already: weekend",
    ],
    ["a malformed date", [{ date: "2026-2-3", closed: true }], '"2026-2-3" is not a date'],
    ["a date that is none", [{ date: "2026-02-30", closed: true }], '"2026-02-30" is not a date'],
    ["a year without rules", [{ date: "2031-03-03", closed: true }], "2031"],
    ["a malformed time", [{ date: "2026-12-02", close: "1pm" }], '2026-12-02: close "1pm" is not'],
    ["a close at the open", [{ date: "2026-12-02", close: "09:30" }], "2026-12-02: close 09:30"],
    ["a close too late", [{ date: "2026-12-02", close: "16:01" }], "2026-12-02: close 16:01"],
    [
      "a date given twice",
      [
        { date: "2026-12-02", closed: true },
        { date: "2026-12-02", close: "13:00" },
      ],
      "2026-12-02 is given twice",
    ],
  ])("refuses %s and names it", (_what, overrides, message) => {
    expect(() => createCalendar(overrides)).toThrow(RangeError);
    expect(() => createCalendar(overrides)).toThrow(message);
  });

  it("reports every fault with its place in the list", () => {
    const faults = findOverrideFaults([
      { date: "2026-12-25", closed: true },
      { date: "2026-12-02", closed: true },
      { date: "soon", closed: true },
    ]);
    expect(faults.map((fault) => fault.index)).toEqual([0, 2]);
  });

  it("refuses a list longer than any real one", () => {
    // The bound is beyond the weekdays of any three years, so the list has to span more.
    const first = Date.parse("2025-01-01T00:00:00Z");
    const many = Array.from({ length: 5 * 365 }, (_, index) =>
      toIso(first + index * DAY_MS).slice(0, 10),
    )
      .filter((date) => !isClosedByRule(date))
      .slice(0, MAX_CALENDAR_OVERRIDES + 1)
      .map((date) => ({ date, closed: true }) as const);
    expect(many).toHaveLength(MAX_CALENDAR_OVERRIDES + 1);
    expect(() => createCalendar(many)).toThrow("at most");
    expect(() => createCalendar(many.slice(1))).not.toThrow();
  });
});
