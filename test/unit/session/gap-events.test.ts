import { describe, expect, it } from "vitest";
import { countGaps, gapsOutsideSessions, unseenGaps } from "../../../dev/session/gap-events.ts";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { newYorkMs } from "../../../src/domain/new-york-time.ts";

const HOUR = 60;
const range = (date: string, from: number, to: number) => ({
  startMs: newYorkMs(date, from),
  endMs: newYorkMs(date, to),
});
const outside = (date: string, from: number, to: number) =>
  gapsOutsideSessions([range(date, from, to)], createCalendar());

describe("gap events outside of sessions", () => {
  it("are none of the regular minutes of a session", () => {
    expect(outside("2024-07-02", 9.5 * HOUR, 16 * HOUR)).toBe(0);
    expect(outside("2024-07-03", 12 * HOUR, 13 * HOUR)).toBe(0);
  });

  it.each([
    ["on a holiday", "2024-07-04", 10 * HOUR, 11 * HOUR],
    ["on an ad-hoc closure", "2025-01-09", 10 * HOUR, 11 * HOUR],
    ["after an early close", "2024-07-03", 13 * HOUR, 13 * HOUR + 1],
    ["across an early close", "2024-07-03", 12 * HOUR, 13 * HOUR + 1],
    ["before the open", "2024-07-02", 9.5 * HOUR - 1, 9.5 * HOUR],
    ["up to midnight", "2024-07-02", 15 * HOUR, 24 * HOUR],
  ])("are those %s", (_name, date, from, to) => {
    expect(outside(date, from, to)).toBe(1);
  });
});

describe("gap events of the stream", () => {
  it("are held against the stored ones, kind by kind", () => {
    const stored = countGaps([{ kind: "open" }, { kind: "open" }, { kind: "filled" }]);
    expect(stored).toEqual({ open: 2, filled: 1, dead: 0, unfillable: 0 });
    expect(unseenGaps(stored, stored)).toEqual([]);
    expect(unseenGaps(stored, { ...stored, open: 1, filled: 5 })).toEqual(["open 1 of 2"]);
  });
});
