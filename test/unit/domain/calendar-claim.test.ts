import { describe, expect, it } from "vitest";
import { createCalendar } from "../../../src/domain/calendar.ts";
import {
  calendarDifferences,
  type CalendarClaim,
  type DayHours,
  differenceText,
} from "../../../src/domain/calendar-claim.ts";

const calendar = createCalendar();
const FULL: DayHours = { openMinute: 570, closeMinute: 960 };
const EARLY: DayHours = { openMinute: 570, closeMinute: 780 };
/** The last ten days of November 2026 as a list of sessions has them; Thanksgiving is the 26th. */
const SESSIONS: CalendarClaim = {
  provider: "alpaca",
  from: "2026-11-20",
  through: "2026-11-30",
  days: [
    { date: "2026-11-20", hours: FULL },
    { date: "2026-11-23", hours: FULL },
    { date: "2026-11-24", hours: FULL },
    { date: "2026-11-25", hours: FULL },
    { date: "2026-11-27", hours: EARLY },
    { date: "2026-11-30", hours: FULL },
  ],
  unnamed: "closed",
};
/** The same as a list of holidays has them. */
const HOLIDAYS: CalendarClaim = {
  ...SESSIONS,
  provider: "polygon",
  days: [
    { date: "2026-11-26", hours: "closed" },
    { date: "2026-11-27", hours: EARLY },
  ],
  unnamed: "full",
};

/** The claim with other hours on one date; undefined: it does not name the date. */
function saying(claim: CalendarClaim, date: string, hours: DayHours | undefined): CalendarClaim {
  const others = claim.days.filter((day) => day.date !== date);
  return { ...claim, days: hours === undefined ? others : [...others, { date, hours }] };
}

const textsOf = (claim: CalendarClaim, ours = calendar, today = "2026-11-20") =>
  calendarDifferences(claim, ours, today).map(differenceText);

describe("a provider's calendar beside ours", () => {
  it.each([
    ["sessions", SESSIONS],
    ["holidays", HOLIDAYS],
  ])("has no difference when a list of %s says what the rules say", (_, claim) => {
    expect(calendarDifferences(claim, calendar, "2026-11-20")).toEqual([]);
  });

  it.each([
    [
      "an early close that we have not",
      saying(SESSIONS, "2026-11-24", EARLY),
      "alpaca closes 2026-11-24 at 13:00, we at 16:00",
    ],
    [
      "a full day where we close early",
      saying(SESSIONS, "2026-11-27", FULL),
      "alpaca closes 2026-11-27 at 16:00, we at 13:00",
    ],
    [
      "a session that is not in its list",
      saying(SESSIONS, "2026-11-25", undefined),
      "alpaca has no session on 2026-11-25, we have one",
    ],
    [
      "a session on a holiday",
      saying(SESSIONS, "2026-11-26", FULL),
      "alpaca trades 2026-11-26 from 09:30 to 16:00, we have no session",
    ],
    [
      "a late opening",
      saying(SESSIONS, "2026-11-30", { openMinute: 630, closeMinute: 960 }),
      "alpaca opens 2026-11-30 at 10:30, we at 09:30",
    ],
    [
      "a holiday that is not in its list",
      saying(HOLIDAYS, "2026-11-26", undefined),
      "polygon trades 2026-11-26 from 09:30 to 16:00, we have no session",
    ],
    [
      "a closure",
      saying(HOLIDAYS, "2026-11-30", "closed"),
      "polygon has no session on 2026-11-30, we have one",
    ],
  ])("shows %s", (_, claim, text) => {
    expect(textsOf(claim)).toEqual([text]);
  });

  it("shows nothing any more of a date that is over", () => {
    const claim = saying(SESSIONS, "2026-11-24", EARLY);
    expect(textsOf(claim, calendar, "2026-11-24")).toHaveLength(1);
    expect(textsOf(claim, calendar, "2026-11-25")).toEqual([]);
    expect(textsOf(claim, calendar, "2027-02-01")).toEqual([]);
  });

  it("shows nothing any more of a date that an override has put right", () => {
    const claim = saying(SESSIONS, "2026-11-24", "closed");
    expect(textsOf(claim)).toHaveLength(1);
    expect(textsOf(claim, createCalendar([{ date: "2026-11-24", closed: true }]))).toEqual([]);
  });
});
