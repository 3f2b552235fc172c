import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CLOSING_WINDOW_MS, createCalendar } from "../../../src/domain/calendar.ts";
import { CalendarWindow } from "../../../src/domain/calendar-window.ts";
import { createNearCalendar } from "../../../src/domain/near-calendar.ts";
import { DAY_MS, MINUTE_MS } from "../../../src/domain/time.ts";

/** An ad-hoc closure and an early close that the rules do not know, both in the last test weeks. */
const rules = createCalendar([
  { date: "2026-11-24", closed: true },
  { date: "2026-11-30", close: "12:30" },
]);
/** Both changes of the clock, two holidays, an early close, both overrides. */
const centres = [
  "2026-03-08T12:00Z",
  "2026-07-01T12:00Z",
  "2026-11-01T12:00Z",
  "2026-11-27T12:00Z",
];

/** All that can be asked about one instant. */
function answersOf(
  calendar: Pick<
    ReturnType<typeof createCalendar>,
    "sessionContaining" | "sessionKind" | "isExpectedMinute" | "isClosingWindow"
  >,
  ms: number,
) {
  return {
    session: calendar.sessionContaining(ms)?.date,
    kind: calendar.sessionKind(ms),
    expected: calendar.isExpectedMinute(ms),
    closing: calendar.isClosingWindow(ms),
  };
}

describe("the window around now", () => {
  it.each(centres)("says of each of its minutes what the rules say, around %s", (text) => {
    const window = new CalendarWindow(rules, Date.parse(text));
    expect((window.endMs - window.startMs) / DAY_MS).toBe(43);
    const wrong: number[] = [];
    for (let ts = window.startMs; ts < window.endMs; ts += MINUTE_MS) {
      const isSame =
        window.isExpectedMinute(ts) === rules.isExpectedMinute(ts) &&
        window.sessionContaining(ts) === rules.sessionContaining(ts);
      if (!isSame) wrong.push(ts);
    }
    expect(wrong).toEqual([]);
  });

  it("answers any instant as the rules do, in the window and outside it, wherever now has gone", () => {
    let nowMs = 0;
    const near = createNearCalendar(rules, () => nowMs);
    const instants = fc.integer({
      min: Date.parse("1990-02-01T00:00Z"),
      max: Date.parse("2030-11-30T00:00Z"),
    });
    const steps = fc.record({
      now: instants,
      offsetMs: fc.integer({ min: -30 * DAY_MS, max: 30 * DAY_MS }),
    });
    fc.assert(
      fc.property(steps, instants, ({ now, offsetMs }, far) => {
        nowMs = now;
        for (const ms of [now + offsetMs, now, far]) {
          if (ms < Date.parse("1990-01-02T00:00Z") || ms > Date.parse("2030-12-31T00:00Z"))
            continue;
          expect(answersOf(near, ms)).toEqual(answersOf(rules, ms));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("knows the edges of a session to the millisecond", () => {
    const session = rules.session("2026-11-30");
    if (session === undefined) throw new Error("no session");
    const near = createNearCalendar(rules, () => session.openMs);
    const { preOpenMs, openMs, closeMs, postCloseMs } = session;
    for (const edge of [preOpenMs, openMs, closeMs, closeMs + CLOSING_WINDOW_MS, postCloseMs]) {
      for (const ms of [edge - 1, edge, edge + 1, edge + 0.5])
        expect(answersOf(near, ms)).toEqual(answersOf(rules, ms));
    }
  });
});

/** The rules, and how often a window was made from them. */
function countingRules() {
  let built = 0;
  const counting = {
    session: rules.session.bind(rules),
    sessionContaining: rules.sessionContaining.bind(rules),
    nextSession: rules.nextSession.bind(rules),
    previousSession: rules.previousSession.bind(rules),
    sessionsBetween: (startMs: number, endMs: number) => {
      built += 1;
      return rules.sessionsBetween(startMs, endMs);
    },
    sessionKind: rules.sessionKind.bind(rules),
    isExpectedMinute: rules.isExpectedMinute.bind(rules),
    isClosingWindow: rules.isClosingWindow.bind(rules),
  };
  return { counting, built: () => built };
}

describe("where the window stands", () => {
  it("is asked for only by a minute that it does not hold, and moves at most once a day", () => {
    let nowMs = Date.parse("2026-03-20T15:00Z");
    let asked = 0;
    const { counting, built } = countingRules();
    const near = createNearCalendar(counting, () => {
      asked += 1;
      return nowMs;
    });
    for (let minute = 0; minute < 1_000; minute += 1)
      near.isExpectedMinute(nowMs + minute * MINUTE_MS);
    expect([asked, built()]).toEqual([1, 1]);
    near.isExpectedMinute(nowMs - 400 * DAY_MS);
    expect(built()).toBe(1);
    for (let day = 0; day < 40; day += 1) {
      nowMs += DAY_MS;
      near.isExpectedMinute(nowMs);
    }
    expect(built()).toBe(2);
  });

  it("leaves the ends of the calendar years to the rules, which name the year that is not known", () => {
    const nowMs = Date.parse("2030-12-30T15:00Z");
    const { counting, built } = countingRules();
    const near = createNearCalendar(counting, () => nowMs);
    for (let minute = 0; minute < 10; minute += 1)
      expect(near.isExpectedMinute(nowMs + minute * MINUTE_MS)).toBe(true);
    expect(built()).toBe(1);
    expect(() => near.isExpectedMinute(nowMs + 5 * DAY_MS)).toThrow(/1990 to 2030, not 2031/);
  });
});
