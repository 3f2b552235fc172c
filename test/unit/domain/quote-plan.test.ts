import { describe, expect, it } from "vitest";
import { planQuoteSweeps } from "../../../src/domain/quote-plan.ts";
import { CALENDAR, MINUTE_MS, OPEN_MS } from "../../support/naive-group.ts";

const plan = (everyMs: number, tickMs: number, sessions: ("pre" | "regular" | "post")[] = []) =>
  planQuoteSweeps(CALENDAR, ["regular", ...sessions], everyMs, tickMs).map((ms) => ms - OPEN_MS);
const CLOSE_MS = OPEN_MS + 390 * MINUTE_MS;

describe("the sweeps for quotes of a minute", () => {
  it("come each 15 s from the open to the close and at no other time", () => {
    expect(plan(15_000, OPEN_MS)).toEqual([0, 15_000, 30_000, 45_000]);
    expect(plan(15_000, CLOSE_MS - MINUTE_MS)).toHaveLength(4);
    for (const closed of [OPEN_MS - MINUTE_MS, CLOSE_MS, OPEN_MS - 12 * 60 * MINUTE_MS])
      expect(plan(15_000, closed)).toEqual([]);
  });

  it("come before the open and after the close when these sessions are served", () => {
    expect(plan(15_000, OPEN_MS - MINUTE_MS, ["pre"])).toHaveLength(4);
    expect(plan(15_000, CLOSE_MS, ["post"])).toHaveLength(4);
    expect(plan(15_000, CLOSE_MS, ["pre"])).toEqual([]);
  });

  it("of a cadence of some minutes come in one minute of so many", () => {
    const minutes = Array.from({ length: 10 }, (_, index) => OPEN_MS + index * MINUTE_MS);
    expect(minutes.flatMap((tick) => plan(5 * MINUTE_MS, tick))).toEqual([0, 5 * MINUTE_MS]);
    expect(minutes.flatMap((tick) => plan(MINUTE_MS, tick))).toHaveLength(10);
  });
});
