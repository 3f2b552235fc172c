import { describe, expect, it } from "vitest";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/time.ts";
import { settledMinutes } from "../../../src/symbol-group/settled-minutes.ts";

const calendar = createCalendar();
const session = calendar.session("2026-03-20");
if (session === undefined) throw new Error("no session");
const { openMs, closeMs } = session;
const at = (index: number) => openMs + index * MINUTE_MS;

describe("the minutes that a watermark passed", () => {
  it("are those before it that were not before the last one", () => {
    expect(settledMinutes(calendar, at(3), at(5), at(7))).toEqual([at(3), at(4)]);
    expect(settledMinutes(calendar, at(5), at(5), at(7))).toEqual([]);
  });

  it("are expected ones of the last hour alone: a watermark may come over a night, or from far back", () => {
    const eveMs = calendar.previousSession(openMs - 1).closeMs;
    expect(settledMinutes(calendar, eveMs - HOUR_MS, at(1), at(3))).toEqual([at(0)]);
    expect(settledMinutes(calendar, closeMs - 2 * MINUTE_MS, closeMs, closeMs)).toHaveLength(2);
    expect(settledMinutes(calendar, openMs, at(200), at(200))).toHaveLength(61);
  });
});
