import { describe, expect, it } from "vitest";
import { lastSessionDates } from "../../../src/domain/session-ahead.ts";
import { planAudit } from "../../../src/ingest/plan-audit.ts";
import { planCalendarCheck } from "../../../src/ingest/plan-calendar-check.ts";
import { planRetention } from "../../../src/ingest/plan-retention.ts";
import { planMacro } from "../../../src/ingest/plan-macro.ts";
import { planOptions } from "../../../src/ingest/plan-options.ts";
import { planSplits, splitsRange } from "../../../src/ingest/plan-splits.ts";
import { planUniverse } from "../../../src/ingest/plan-universe.ts";
import { CALENDAR } from "../../support/naive-group.ts";

describe("the refresh of the universe", () => {
  it.each([
    ["at 06:00 of a trading date, that of the date", "2026-03-20T10:00:00Z", "2026-03-20"],
    ["a minute before, that of the date before", "2026-03-20T09:59:00Z", "2026-03-19"],
    ["on a Sunday, that of Friday", "2026-03-22T15:00:00Z", "2026-03-20"],
    ["in winter an hour later by UTC", "2026-01-06T10:59:00Z", "2026-01-05"],
  ])("is, %s", (_, now, date) => {
    const [planned, ...more] = planUniverse(Date.parse(now), CALENDAR);
    expect(more).toEqual([]);
    expect(planned?.task.duty).toBe(`task:universe:${date}`);
    expect(planned?.dueMs).toBeLessThanOrEqual(Date.parse(now));
  });
});

describe("the check of the calendar", () => {
  it.each([
    ["at 06:10 of a trading date, that of the date", "2026-03-20T10:10:00Z", "2026-03-20"],
    ["a minute before, that of the date before", "2026-03-20T10:09:00Z", "2026-03-19"],
    ["on Thanksgiving, that of Wednesday", "2026-11-26T15:00:00Z", "2026-11-25"],
  ])("is, %s", (_, now, date) => {
    const [planned, ...more] = planCalendarCheck(Date.parse(now), CALENDAR);
    expect(more).toEqual([]);
    expect(planned?.task).toEqual({
      v: 1,
      type: "calendar_check",
      duty: `task:calendar_check:${date}`,
    });
    expect(planned?.dueMs).toBeLessThanOrEqual(Date.parse(now));
  });
});

describe("the reading of splits", () => {
  it.each([
    ["at 07:10 of a trading date, that of the date", "2026-03-20T11:10:00Z", "2026-03-20"],
    ["a minute before, that of the date before", "2026-03-20T11:09:00Z", "2026-03-19"],
    ["on a Sunday, that of Friday", "2026-03-22T15:00:00Z", "2026-03-20"],
  ])("is, %s", (_, now, date) => {
    const [planned, ...more] = planSplits(Date.parse(now), CALENDAR);
    expect(more).toEqual([]);
    expect(planned?.task).toEqual({ v: 1, type: "splits", duty: `task:splits:${date}` });
    expect(planned?.dueMs).toBeLessThanOrEqual(Date.parse(now));
  });

  it.each([
    ["two years at first", null, "2024-03-20"],
    ["ten days behind the last one", "2026-03-19T11:10:00Z", "2026-03-09"],
    ["ten days behind one of the same day", "2026-03-20T11:10:00Z", "2026-03-10"],
    ["ten days more after a pause", "2026-01-10T11:10:00Z", "2025-12-31"],
    ["no more than two years after a long one", "2020-01-10T11:10:00Z", "2024-03-20"],
  ])("goes back %s", (_, last, from) => {
    const nowMs = Date.parse("2026-03-20T11:10:00Z");
    const range = splitsRange(nowMs, last === null ? null : Date.parse(last));
    expect(range).toEqual({ from, through: "2026-04-19" });
  });
});

describe("the work on the market's factors", () => {
  it.each([
    ["at 20:45 of a trading date, that of the date", "2026-03-21T00:45:00Z", "2026-03-20"],
    ["a minute before, that of the date before", "2026-03-21T00:44:00Z", "2026-03-19"],
    ["on a Sunday, that of Friday", "2026-03-22T15:00:00Z", "2026-03-20"],
  ])("is, %s", (_, now, date) => {
    const [planned, ...more] = planMacro(Date.parse(now), CALENDAR);
    expect(more).toEqual([]);
    expect(planned?.task).toEqual({ v: 1, type: "macro", duty: `task:macro:${date}`, date });
    expect(planned?.dueMs).toBeLessThanOrEqual(Date.parse(now));
  });
});

describe("the reading of options", () => {
  const dates = (now: string, underlyings = ["SPY"]) =>
    planOptions(Date.parse(now), CALENDAR, underlyings).map(({ task }) => task.duty);

  it.each([
    ["twenty minutes behind the close", "2026-03-20T20:20:00Z", ["task:options:2026-03-20"]],
    ["a minute before that none", "2026-03-20T20:19:00Z", []],
    ["behind an early close as well", "2026-11-27T18:20:00Z", ["task:options:2026-11-27"]],
    ["on a Sunday that of Friday", "2026-03-22T15:00:00Z", ["task:options:2026-03-20"]],
    ["none from the next open on", "2026-03-23T13:30:00Z", []],
  ])("is due %s", (_, now, expected) => {
    expect(dates(now)).toEqual(expected);
  });

  it("is not planned without underlyings", () => {
    expect(dates("2026-03-20T20:20:00Z", [])).toEqual([]);
  });
});

describe("the audit", () => {
  it.each([
    [
      "at 07:30 of a trading date, that of the session before",
      "2026-03-20T11:30:00Z",
      "2026-03-19",
    ],
    ["a minute before, that of the one before it", "2026-03-20T11:29:00Z", "2026-03-18"],
    ["on a Monday, that of Friday", "2026-03-23T11:30:00Z", "2026-03-20"],
  ])("is, %s", (_, now, date) => {
    const [planned, ...more] = planAudit(Date.parse(now), CALENDAR, 3);
    expect(more).toEqual([]);
    const duty = `task:audit:${date}`;
    expect(planned?.task).toEqual({ v: 1, type: "audit", duty, date, groups: [0, 1, 2] });
    expect(planned?.dueMs).toBeLessThanOrEqual(Date.parse(now));
  });
});

describe("the retention", () => {
  it.each([
    ["at 03:00 of a trading date, that of the date", "2026-03-20T07:00:00Z", "2026-03-20"],
    ["a minute before, that of the date before", "2026-03-20T06:59:00Z", "2026-03-19"],
    ["on a Sunday, that of Friday", "2026-03-22T15:00:00Z", "2026-03-20"],
  ])("is, %s", (_, now, date) => {
    const [planned, ...more] = planRetention(Date.parse(now), CALENDAR);
    expect(more).toEqual([]);
    expect(planned?.task).toEqual({ v: 1, type: "retention", duty: `task:retention:${date}` });
    expect(planned?.dueMs).toBeLessThanOrEqual(Date.parse(now));
  });
});

describe("the last sessions", () => {
  it("are those that are over, oldest first, across week-ends and holidays", () => {
    const at = (text: string) => lastSessionDates(CALENDAR, Date.parse(text), 3);
    expect(at("2026-03-23T19:59:59Z")).toEqual(["2026-03-18", "2026-03-19", "2026-03-20"]);
    expect(at("2026-03-23T20:00:00Z")).toEqual(["2026-03-19", "2026-03-20", "2026-03-23"]);
    expect(at("2026-01-02T12:00:00Z")).toEqual(["2025-12-29", "2025-12-30", "2025-12-31"]);
  });
});
