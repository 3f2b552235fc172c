import { describe, expect, it } from "vitest";
import { createCalendar } from "../../../src/domain/calendar.ts";
import {
  BELIEF_SESSIONS,
  CATCH_UP_DATES,
  type DailyMemory,
  NO_DAILY_MEMORY,
  oldestFlushedDate,
  planDaily,
  withAnswered,
  withNewRound,
} from "../../../src/domain/daily-plan.ts";
import { newYorkMs } from "../../../src/domain/new-york-time.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/time.ts";

const CALENDAR = createCalendar();
/** Friday; the Monday after it; and the week before it. */
const FRIDAY = "2026-03-20";
const MONDAY = "2026-03-23";
const at = (date: string, hour: number, minute = 0) => newYorkMs(date, hour * 60 + minute);

function plan(
  nowMs: number,
  memory: DailyMemory,
  change: { sessionsBack?: number; isCatchingUp?: boolean } = {},
) {
  return planDaily({
    calendar: CALENDAR,
    nowMs,
    sessionsBack: 10,
    isCatchingUp: false,
    memory,
    ...change,
  });
}

/** Everything that was planned so far, and nothing is left to catch up with. */
function settled(nowMs: number): DailyMemory {
  return { ...plan(nowMs, NO_DAILY_MEMORY, { sessionsBack: 0 }).memory };
}

/** Plans minute by minute; every fetch is answered at once. */
function play(fromMs: number, untilMs: number, memory: DailyMemory, sessionsBack: number) {
  let known = memory;
  const asked: string[] = [];
  for (let nowMs = fromMs; nowMs <= untilMs; nowMs += MINUTE_MS) {
    const planned = plan(nowMs, known, { sessionsBack });
    known = planned.memory;
    for (const { what, dates } of planned.fetches) {
      asked.push(what);
      known = withAnswered(known, dates, sessionsBack);
    }
  }
  return { asked, known };
}

describe("the passes of a session", () => {
  it("are planned at its close: 20 min after it, 20:15 and 07:00 New York of the next trading date", () => {
    const { fetches } = plan(at(FRIDAY, 16), settled(at(FRIDAY, 12)), { sessionsBack: 0 });
    expect(fetches).toEqual([
      { what: `${FRIDAY}:close`, dates: [FRIDAY], dueMs: at(FRIDAY, 16, 20) },
      { what: `${FRIDAY}:evening`, dates: [FRIDAY], dueMs: at(FRIDAY, 20, 15) },
      { what: `${FRIDAY}:morning`, dates: [FRIDAY], dueMs: at(MONDAY, 7) },
    ]);
  });

  it("follow an early close, and the summer time that begins in between", () => {
    const dueAfter = (date: string, closeHour: number) =>
      plan(at(date, closeHour), settled(at(date, 10)), { sessionsBack: 0 }).fetches.map(
        ({ dueMs }) => dueMs,
      );
    expect(dueAfter("2025-11-28", 13)).toEqual([
      at("2025-11-28", 13, 20),
      at("2025-11-28", 20, 15),
      at("2025-12-01", 7),
    ]);
    expect(dueAfter("2026-03-06", 16)[2]).toBe(at("2026-03-09", 7));
  });

  it("are planned once however often the tick comes", () => {
    const first = plan(at(FRIDAY, 16), settled(at(FRIDAY, 12)), { sessionsBack: 0 });
    expect(first.fetches).toHaveLength(3);
    expect(plan(at(FRIDAY, 16), first.memory, { sessionsBack: 0 }).fetches).toEqual([]);
    expect(plan(at(FRIDAY, 18), first.memory, { sessionsBack: 0 }).fetches).toEqual([]);
  });

  it("that nobody saw come due are made up for by the last of them", () => {
    const { fetches } = plan(at(FRIDAY, 23), settled(at(FRIDAY, 12)), { sessionsBack: 0 });
    expect(fetches.map(({ what }) => what)).toEqual([`${FRIDAY}:evening`, `${FRIDAY}:morning`]);
  });

  it("of all sessions that nobody saw close are made up for, as far as beliefs reach", () => {
    const memory = settled(at("2026-03-02", 12));
    const { fetches } = plan(at(FRIDAY, 17), memory, { sessionsBack: 0 });
    const dates = new Set(fetches.flatMap((fetch) => fetch.dates));
    expect([...dates]).toEqual([FRIDAY, "2026-03-19", "2026-03-18", "2026-03-17", "2026-03-16"]);
    expect(dates.size).toBe(BELIEF_SESSIONS);
  });

  it("at the first start are those that are still to come", () => {
    const { fetches } = plan(at(FRIDAY, 17), NO_DAILY_MEMORY, { sessionsBack: 0 });
    expect(fetches.map(({ what }) => what)).toEqual([`${FRIDAY}:evening`, `${FRIDAY}:morning`]);
  });
});

describe("catching up", () => {
  it("goes through the dates newest first, a few at a time, and ends", () => {
    const nowMs = at(FRIDAY, 12);
    const { asked, known } = play(nowMs, nowMs + HOUR_MS, settled(nowMs), 12);
    expect(asked).toEqual(["catch-up:2026-03-19", "catch-up:2026-03-12", "catch-up:2026-03-05"]);
    expect(known.answered).toHaveLength(12);
    expect(known.answered.at(-1)).toBe("2026-03-19");
  });

  it("asks for at most a few dates, none of them answered", () => {
    const nowMs = at(FRIDAY, 12);
    const memory = withAnswered(settled(nowMs), ["2026-03-18", "2026-03-16"], 10);
    const [fetch] = plan(nowMs, memory).fetches;
    expect(fetch?.dates).toEqual([
      "2026-03-19",
      "2026-03-17",
      "2026-03-13",
      "2026-03-12",
      "2026-03-11",
    ]);
    expect(fetch?.dates).toHaveLength(CATCH_UP_DATES);
  });

  it("waits while one is on its way", () => {
    const nowMs = at(FRIDAY, 12);
    expect(plan(nowMs, settled(nowMs), { isCatchingUp: true }).fetches).toEqual([]);
  });

  it("passes over dates that nobody answers, and comes back to them once a session, not each minute", () => {
    const nowMs = at(FRIDAY, 12);
    let memory = settled(nowMs);
    const asked: string[] = [];
    for (let minute = 0; minute < 60; minute += 1) {
      const planned = plan(nowMs + minute * MINUTE_MS, memory);
      asked.push(...planned.fetches.map(({ what }) => what));
      memory = planned.memory;
    }
    expect(asked).toEqual(["catch-up:2026-03-19", "catch-up:2026-03-12"]);
    const again = plan(at(FRIDAY, 17, 20), memory).fetches.find(({ what }) =>
      what.startsWith("catch-up"),
    );
    expect(again?.dates[0]).toBe(FRIDAY);
    expect(again?.dates[1]).toBe("2026-03-19");
  });

  it("begins again when the universe was read, with what is not answered", () => {
    const nowMs = at(FRIDAY, 12);
    const first = plan(nowMs, settled(nowMs));
    const memory = withNewRound(withAnswered(first.memory, ["2026-03-19"], 10));
    expect(plan(nowMs + MINUTE_MS, memory).fetches[0]?.dates[0]).toBe("2026-03-18");
  });

  it("leaves a session to its own passes until the first of them has had its tries", () => {
    const memory = withAnswered(settled(at(FRIDAY, 16)), [], 10);
    const datesAt = (nowMs: number) => plan(nowMs, memory).fetches.flatMap(({ dates }) => dates);
    expect(datesAt(at(FRIDAY, 17, 19))).not.toContain(FRIDAY);
    expect(datesAt(at(FRIDAY, 17, 20))).toContain(FRIDAY);
  });

  it("remembers no more dates than it needs", () => {
    const dates = Array.from(
      { length: 40 },
      (_, day) => `2026-01-${String((day % 31) + 1).padStart(2, "0")}`,
    );
    expect(withAnswered(NO_DAILY_MEMORY, dates, 10).answered).toHaveLength(10 + BELIEF_SESSIONS);
  });
});

describe("the lane of a date", () => {
  it("is the flush for the last five sessions that have closed", () => {
    expect(oldestFlushedDate(CALENDAR, at(FRIDAY, 12))).toBe("2026-03-13");
    expect(oldestFlushedDate(CALENDAR, at(FRIDAY, 16))).toBe("2026-03-16");
    expect(oldestFlushedDate(CALENDAR, at("2026-03-22", 12))).toBe("2026-03-16");
  });
});
