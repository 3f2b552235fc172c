import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CLOSING_WINDOW_MS,
  createCalendar,
  expectedMinutes,
  MAX_RANGE_DAYS,
} from "../../src/domain/calendar.ts";
import { isClosedByRule } from "../../src/domain/holidays.ts";
import { newYorkMs, tradingDateOf } from "../../src/domain/new-york-time.ts";
import { DAY_MS, MINUTE_MS, toIso } from "../../src/domain/time.ts";

const calendar = createCalendar();

/** New York close of a date as `HH:MM`, or "closed". */
function closeOn(date: string): string {
  const session = calendar.session(date);
  if (session === undefined) return "closed";
  const minutes = (session.closeMs - newYorkMs(date, 0)) / MINUTE_MS;
  return toIso(minutes * MINUTE_MS).slice(11, 16);
}

/** Every date from `first` to `last`, inclusive. */
function datesFrom(first: string, last: string): string[] {
  const dates: string[] = [];
  for (let ms = Date.parse(first); ms <= Date.parse(last); ms += DAY_MS) {
    dates.push(toIso(ms).slice(0, 10));
  }
  return dates;
}

/** Any instant that has sessions on both sides within the calendar years. */
const instants = fc.integer({
  min: Date.parse("1990-01-10T00:00:00Z"),
  max: Date.parse("2030-12-20T00:00:00Z"),
});
const sessions = instants.map((ms) => calendar.nextSession(ms));

describe("the calendar against the XNYS reference", () => {
  const path = resolve(
    process.env["MDS_SHARED"] ?? "../shared",
    "data/calendar/xnys_2012_2022.csv",
  );
  const rows = readFileSync(path, "utf8").trim().split(/\r?\n/).slice(1);
  const columns = rows.map((row) => row.split(","));

  it("has the session, open, close and early close of every day of 2012 to 2022", () => {
    const toUtc = (ms: number) => `${toIso(ms).slice(0, 19)}Z`;
    const ours = columns.map(([date = ""]) => {
      const session = calendar.session(date);
      if (session === undefined) return [date, "0", "", "", "0"];
      const early = session.earlyClose ? "1" : "0";
      return [date, "1", toUtc(session.openMs), toUtc(session.closeMs), early];
    });
    expect(ours).toHaveLength(4_018);
    expect(ours).toEqual(columns.map((row) => row.slice(0, 5)));
  });

  it("says closed by rule on the days without a session", () => {
    const closed = columns.filter(([, isSession]) => isSession === "0").map(([date]) => date);
    expect(columns.map(([date = ""]) => date).filter(isClosedByRule)).toEqual(closed);
  });
});

describe("closures and early closes outside the reference", () => {
  it.each([
    ["1994-04-27"],
    ["2001-09-11"],
    ["2001-09-14"],
    ["2004-06-11"],
    ["2007-01-02"],
    ["2025-01-09"],
    ["1998-01-19"], // the first Martin Luther King Jr. Day
    ["1999-12-24"], // Christmas on a Saturday
    ["2026-04-03"], // Good Friday
    ["2026-07-03"], // July 4 on a Saturday
    ["2027-06-18"], // Juneteenth on a Saturday
    ["2027-07-05"], // July 4 on a Sunday
  ])("is closed on %s", (date) => {
    expect(calendar.session(date)).toBeUndefined();
  });

  it.each([
    ["1990-12-24", "14:00"],
    ["1991-11-29", "16:00"],
    ["1992-11-27", "14:00"],
    ["1993-11-26", "13:00"],
    ["1990-07-03", "16:00"],
    ["1995-07-03", "13:00"],
    ["1996-07-05", "13:00"],
    ["2002-07-03", "16:00"],
    ["2002-07-05", "13:00"],
    ["1997-10-27", "15:30"],
    ["1997-12-26", "13:00"],
    ["1999-12-31", "13:00"],
    ["2003-12-26", "13:00"],
    ["2008-12-26", "16:00"],
    ["2024-07-03", "13:00"],
    ["2024-07-05", "16:00"],
    ["2025-07-03", "13:00"],
    ["2026-07-02", "16:00"],
    ["2026-11-27", "13:00"],
    ["2026-12-24", "13:00"],
    ["1997-01-20", "16:00"], // Martin Luther King Jr. Day, not kept yet
    ["2021-06-18", "16:00"], // Juneteenth, not kept yet
    ["2010-12-31", "16:00"], // New Year's Day on a Saturday
    ["2027-12-31", "16:00"],
  ])("on %s closes at %s New York", (date, close) => {
    expect(closeOn(date)).toBe(close);
  });

  it("has the holidays that the exchange published for 2026", () => {
    const closed = datesFrom("2026-01-01", "2026-12-31").filter((date) => {
      const weekday = new Date(`${date}T00:00:00Z`).getUTCDay();
      return weekday >= 1 && weekday <= 5 && isClosedByRule(date);
    });
    expect(closed).toEqual([
      "2026-01-01",
      "2026-01-19",
      "2026-02-16",
      "2026-04-03",
      "2026-05-25",
      "2026-06-19",
      "2026-07-03",
      "2026-09-07",
      "2026-11-26",
      "2026-12-25",
    ]);
  });
});

describe("the parts of a trading day", () => {
  it("gives the five instants of a full session in daylight time", () => {
    const session = calendar.session("2026-03-20");
    expect(session).toEqual({
      date: "2026-03-20",
      preOpenMs: Date.parse("2026-03-20T08:00:00Z"),
      openMs: Date.parse("2026-03-20T13:30:00Z"),
      closeMs: Date.parse("2026-03-20T20:00:00Z"),
      postCloseMs: Date.parse("2026-03-21T00:00:00Z"),
      earlyClose: false,
    });
  });

  it("ends post at 17:00 New York on an early close and moves the closing window to 13:00", () => {
    const minute = (minutes: number) => newYorkMs("2026-11-27", minutes);
    const session = calendar.session("2026-11-27");
    expect(session?.earlyClose).toBe(true);
    expect(session?.postCloseMs).toBe(minute(17 * 60));
    const close = 13 * 60;
    expect(calendar.isExpectedMinute(minute(close - 1))).toBe(true);
    expect(calendar.isClosingWindow(minute(close - 1))).toBe(false);
    expect(calendar.isExpectedMinute(minute(close))).toBe(false);
    expect(calendar.sessionKind(minute(close))).toBe("post");
    expect([0, 1, 2, 3, 4, 5].map((n) => calendar.isClosingWindow(minute(close + n)))).toEqual([
      true,
      true,
      true,
      true,
      true,
      false,
    ]);
    expect(calendar.isClosingWindow(minute(16 * 60))).toBe(false);
    expect(calendar.sessionKind(minute(17 * 60 - 1))).toBe("post");
    expect(calendar.sessionKind(minute(17 * 60))).toBeUndefined();
  });

  it("has no session on the days of a spring change, and full length on the Monday after", () => {
    expect(calendar.session("2026-03-08")).toBeUndefined();
    expect(toIso(calendar.session("2026-03-06")?.openMs ?? 0)).toBe("2026-03-06T14:30:00.000Z");
    expect(toIso(calendar.session("2026-03-09")?.openMs ?? 0)).toBe("2026-03-09T13:30:00.000Z");
  });

  it("places each instant of a session in one part and agrees with the session that contains it", () => {
    fc.assert(
      fc.property(sessions, fc.integer({ min: -60, max: 17 * 60 }), (session, offset) => {
        const ms = session.preOpenMs + offset * MINUTE_MS;
        const kind = calendar.sessionKind(ms);
        const inside = ms >= session.preOpenMs && ms < session.postCloseMs;
        expect(calendar.sessionContaining(ms)).toBe(inside ? session : undefined);
        expect(kind !== undefined).toBe(inside);
        expect(calendar.isExpectedMinute(ms)).toBe(ms >= session.openMs && ms < session.closeMs);
        if (calendar.isClosingWindow(ms)) {
          expect(kind).toBe("post");
          expect(ms - session.closeMs).toBeLessThan(CLOSING_WINDOW_MS);
        }
      }),
    );
  });

  it("expects 390 minutes of a full session and 210 of a close at 13:00, and no others", () => {
    fc.assert(
      fc.property(sessions, (session) => {
        const start = newYorkMs(session.date, 0);
        const minutes = Array.from({ length: 1_440 }, (_, index) => start + index * MINUTE_MS);
        const count = minutes.filter((ms) => calendar.isExpectedMinute(ms)).length;
        expect(count).toBe(expectedMinutes(session));
        if (!session.earlyClose) expect(count).toBe(390);
      }),
      { numRuns: 40 },
    );
    const early = calendar.session("2026-11-27");
    expect(early && expectedMinutes(early)).toBe(210);
  });
});

describe("the sessions around an instant", () => {
  it("has nothing between the previous and the next session, which are each other's inverse", () => {
    fc.assert(
      fc.property(instants, (ms) => {
        const next = calendar.nextSession(ms);
        const previous = calendar.previousSession(ms);
        expect(next.openMs).toBeGreaterThan(ms);
        expect(previous.openMs).toBeLessThanOrEqual(ms);
        expect(calendar.nextSession(previous.openMs)).toBe(next);
        expect(calendar.previousSession(next.openMs)).toBe(next);
        expect(calendar.previousSession(next.openMs - 1)).toBe(previous);
      }),
    );
  });

  it("skips the weekend and Thanksgiving", () => {
    expect(calendar.nextSession(Date.parse("2026-11-25T22:00:00Z")).date).toBe("2026-11-27");
    expect(calendar.nextSession(Date.parse("2026-11-27T22:00:00Z")).date).toBe("2026-11-30");
    expect(calendar.previousSession(Date.parse("2001-09-16T12:00:00Z")).date).toBe("2001-09-10");
  });

  it("lists the sessions whose regular minutes overlap a range, and only those", () => {
    const dates = (start: string, end: string) =>
      calendar.sessionsBetween(Date.parse(start), Date.parse(end)).map((session) => session.date);
    expect(dates("2026-03-19T20:00:00Z", "2026-03-23T13:30:00Z")).toEqual(["2026-03-20"]);
    expect(dates("2026-03-19T19:59:00Z", "2026-03-23T13:31:00Z")).toEqual([
      "2026-03-19",
      "2026-03-20",
      "2026-03-23",
    ]);
    expect(dates("2026-03-20T15:00:00Z", "2026-03-20T15:00:00Z")).toEqual([]);
    expect(dates("2026-12-31T00:00:00-05:00", "2027-01-01T00:00:00-05:00")).toHaveLength(1);
    expect(dates("2030-12-31T00:00:00-05:00", "2031-01-01T00:00:00-05:00")).toHaveLength(1);
    expect(dates("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z")).toHaveLength(253);
  });

  it("walks the same sessions forward as a range lists", () => {
    fc.assert(
      fc.property(instants, fc.integer({ min: 0, max: 40 * DAY_MS }), (startMs, spanMs) => {
        fc.pre(startMs + spanMs < Date.parse("2030-12-20T00:00:00Z"));
        const walked = [];
        let session = calendar.previousSession(startMs);
        for (let step = 0; step < 60 && session.openMs < startMs + spanMs; step += 1) {
          if (spanMs > 0 && session.closeMs > startMs) walked.push(session);
          session = calendar.nextSession(session.openMs);
        }
        expect(calendar.sessionsBetween(startMs, startMs + spanMs)).toEqual(walked);
      }),
    );
  });
});

describe("outside the calendar years", () => {
  it("refuses with the year instead of guessing", () => {
    const before = Date.parse("1990-01-01T04:59:59Z");
    const after = Date.parse("2031-01-01T05:00:00Z");
    expect(() => calendar.session("1989-12-29")).toThrow(/1989/);
    expect(() => calendar.session("2031-01-02")).toThrow(RangeError);
    expect(() => isClosedByRule("2031-01-01")).toThrow(/2031/);
    expect(() => tradingDateOf(before)).toThrow(/1989/);
    expect(() => calendar.sessionKind(after)).toThrow(/2031/);
    expect(() => calendar.nextSession(after - 1)).toThrow(/2031/);
    expect(() => calendar.previousSession(before + 1_000)).toThrow(/1989/);
    expect(() => calendar.sessionContaining(Number.NaN)).toThrow(RangeError);
    expect(calendar.sessionKind(after - 1)).toBeUndefined();
    expect(tradingDateOf(before + 1_000)).toBe("1990-01-01");
  });

  it("refuses a malformed date and a range too long to list", () => {
    expect(() => calendar.session("20260320")).toThrow(/not a date/);
    const start = Date.parse("2000-01-01T12:00:00Z");
    const end = start + MAX_RANGE_DAYS * DAY_MS;
    expect(calendar.sessionsBetween(start, end).length).toBeGreaterThan(2_500);
    expect(() => calendar.sessionsBetween(start, end + 1)).toThrow(/at most/);
    expect(() => calendar.sessionsBetween(start, Number.NaN)).toThrow(RangeError);
  });
});
