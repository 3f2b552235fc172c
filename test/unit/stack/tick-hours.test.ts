import { describe, expect, it } from "vitest";
import { isTick, nextTickMs } from "../../../dev/stack/tick-hours.ts";
import { createCalendar, type SessionKind } from "../../../src/domain/calendar.ts";
import { newYorkMs } from "../../../src/domain/new-york-time.ts";

const H = 60;
const hours = (...sessions: SessionKind[]) => ({ calendar: createCalendar(), sessions });
const ALL = hours("pre", "regular", "post");
const REGULAR = hours("regular");

describe("the minutes in which cron fires", () => {
  it.each([
    ["regular", REGULAR, "2024-07-02", 9.5 * H - 1, 16 * H + 25],
    ["an early close", REGULAR, "2024-07-03", 9.5 * H - 1, 13 * H + 25],
    ["all parts of the day", ALL, "2024-07-02", 4 * H - 1, 20 * H + 5],
  ] as const)("are those around a session: %s", (_name, of, date, first, last) => {
    const isTickAt = (minute: number) => isTick(of, newYorkMs(date, minute));
    expect([first - 1, first, last, last + 1].map(isTickAt)).toEqual([false, true, true, false]);
    expect(isTick(of, newYorkMs(date, first) + 1_000)).toBe(false);
  });

  it("jump over nights and closures to the first fetched minute", () => {
    const from = newYorkMs("2024-07-03", 20 * H + 5);
    expect(nextTickMs(REGULAR, from)).toBe(newYorkMs("2024-07-05", 9.5 * H - 1));
    expect(nextTickMs(ALL, from)).toBe(newYorkMs("2024-07-05", 4 * H - 1));
  });
});
