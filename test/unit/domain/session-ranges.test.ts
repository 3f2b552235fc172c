import { describe, expect, it } from "vitest";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { type SessionChoice, sessionRanges } from "../../../src/domain/session-ranges.ts";
import { MINUTE_MS, toIso } from "../../../src/domain/time.ts";

const calendar = createCalendar();
/** 2025-11-28, the day after Thanksgiving, closes at 13:00. */
const day = { startMs: Date.UTC(2025, 10, 28), endMs: Date.UTC(2025, 10, 29) };
const timesOf = (choice: SessionChoice | undefined) =>
  sessionRanges(calendar, choice, day)
    ?.filter(({ startMs }) => toIso(startMs).startsWith("2025-11-28"))
    .map(({ startMs, endMs }) => [toIso(startMs).slice(11, 16), toIso(endMs).slice(11, 16)]);

describe("the minutes of a choice", () => {
  it("end with the closing window unless something else is chosen, also on an early close", () => {
    expect(timesOf(undefined)).toEqual([["14:30", "18:05"]]);
    expect(timesOf("regular")).toEqual([["14:30", "18:00"]]);
    expect(timesOf("pre")).toEqual([["09:00", "14:30"]]);
    expect(timesOf("post")).toEqual([["18:00", "22:00"]]);
    expect(timesOf("all")).toBeUndefined();
  });

  it("are there for a range that begins behind the close", () => {
    const startMs = Date.UTC(2025, 10, 28, 18);
    const window = sessionRanges(calendar, undefined, { startMs, endMs: startMs + MINUTE_MS });
    expect(window?.some((range) => range.startMs < startMs && range.endMs > startMs)).toBe(true);
  });
});
