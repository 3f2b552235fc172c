import { describe, expect, it } from "vitest";
import { MinuteBeliefs } from "../../../src/domain/belief.ts";
import { Roster } from "../../../src/domain/roster.ts";
import {
  advanceWatermark,
  firstExpectedMinute,
  missingMinutes,
} from "../../../src/domain/watermark.ts";
import {
  CALENDAR,
  member,
  MINUTE_MS,
  OPEN_MS,
  SETTLE_DELAY_MS,
} from "../../support/naive-group.ts";

const DAY_MS = 86_400_000;
const CLOSE_MS = OPEN_MS + 390 * MINUTE_MS;
const NEXT_OPEN_MS = OPEN_MS + 3 * DAY_MS;

/** A view of one member whose complete minutes are given by a predicate. */
function viewOf(isComplete: (ts: number) => boolean) {
  return {
    roster: new Roster([member(0, "AAPL", { sinceMs: 0 })]),
    calendar: CALENDAR,
    settleDelayMs: SETTLE_DELAY_MS,
    beliefsAt: (ts: number) => {
      const beliefs = new MinuteBeliefs(1);
      if (isComplete(ts)) beliefs.set(0, { state: "no_trade", askedAt: ts });
      return beliefs;
    },
  };
}

const NO_HOLE = () => false;
const ALL_COMPLETE = viewOf(() => true);
const NONE_COMPLETE = viewOf(() => false);

describe("firstExpectedMinute", () => {
  it("is the minute itself in the regular session and the next open outside of it", () => {
    expect(firstExpectedMinute(CALENDAR, OPEN_MS + MINUTE_MS)).toBe(OPEN_MS + MINUTE_MS);
    expect(firstExpectedMinute(CALENDAR, OPEN_MS - 1)).toBe(OPEN_MS);
    expect(firstExpectedMinute(CALENDAR, CLOSE_MS - MINUTE_MS)).toBe(CLOSE_MS - MINUTE_MS);
    expect(firstExpectedMinute(CALENDAR, CLOSE_MS)).toBe(NEXT_OPEN_MS);
  });

  it("is a whole minute also for an instant within one", () => {
    expect(firstExpectedMinute(CALENDAR, OPEN_MS + 1)).toBe(OPEN_MS + MINUTE_MS);
    expect(firstExpectedMinute(CALENDAR, CLOSE_MS - 1)).toBe(NEXT_OPEN_MS);
  });
});

describe("advanceWatermark", () => {
  it("stops at the first incomplete minute and crosses the night when a session is complete", () => {
    const nowMs = NEXT_OPEN_MS + 10 * MINUTE_MS;
    const gap = OPEN_MS + 7 * MINUTE_MS;
    expect(
      advanceWatermark(
        OPEN_MS,
        nowMs,
        viewOf((ts) => ts !== gap),
        NO_HOLE,
      ),
    ).toBe(gap);
    expect(advanceWatermark(OPEN_MS, nowMs, ALL_COMPLETE, NO_HOLE)).toBe(nowMs);
    expect(advanceWatermark(OPEN_MS, nowMs - 1, ALL_COMPLETE, NO_HOLE)).toBe(nowMs - MINUTE_MS);
  });

  it("passes an incomplete minute only when it stands in an open hole", () => {
    const nowMs = OPEN_MS + 10 * MINUTE_MS;
    const gaps = [3, 7].map((index) => OPEN_MS + index * MINUTE_MS);
    const view = viewOf((ts) => !gaps.includes(ts));
    const isOpen = (_slot: number, ts: number) => ts === gaps[0];
    expect(advanceWatermark(OPEN_MS, nowMs, view, isOpen)).toBe(gaps[1]);
  });

  it("does not pass a minute that has not ended", () => {
    expect(advanceWatermark(OPEN_MS, OPEN_MS + MINUTE_MS - 1, ALL_COMPLETE, NO_HOLE)).toBe(OPEN_MS);
  });
});

describe("missingMinutes", () => {
  it("names a minute from one cadence after it has settled", () => {
    const missingFrom = OPEN_MS + MINUTE_MS + SETTLE_DELAY_MS + MINUTE_MS;
    expect(missingMinutes(OPEN_MS, missingFrom - 1, NONE_COMPLETE).size).toBe(0);
    expect(missingMinutes(OPEN_MS, missingFrom, NONE_COMPLETE)).toEqual(new Map([[0, [OPEN_MS]]]));
  });

  it("names whole regular minutes only, however far back the watermark stands", () => {
    const nowMs = OPEN_MS + 14 * DAY_MS + 3 * 3_600_000 + 17_123;
    const missing = missingMinutes(OPEN_MS, nowMs, NONE_COMPLETE).get(0) ?? [];
    expect(missing.length).toBeGreaterThan(0);
    const strange = missing.filter((ts) => ts % MINUTE_MS !== 0 || !CALENDAR.isExpectedMinute(ts));
    expect(strange.slice(0, 3)).toEqual([]);
  });
});
