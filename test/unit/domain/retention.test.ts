import { describe, expect, it } from "vitest";
import { serviceConfigSchema } from "../../../src/contracts/config.ts";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { firstKeptDate, keptFromMs } from "../../../src/domain/retention.ts";
import { coldStartMs } from "../../../src/domain/session-ahead.ts";
import { DAY_MS } from "../../../src/domain/time.ts";

describe("what is kept", () => {
  it.each([
    ["counts back from today in New York", "2026-03-20T12:00:00Z", 365, "2025-03-20"],
    ["is of yesterday's date until midnight there", "2026-03-20T03:59:59Z", 1, "2026-03-18"],
    ["has a date more from midnight on", "2026-03-20T04:00:00Z", 1, "2026-03-19"],
  ])("%s", (_, now, days, date) => {
    expect(firstKeptDate(Date.parse(now), days)).toBe(date);
    expect(keptFromMs(Date.parse(now), days)).toBe(Date.parse(`${date}T00:00:00Z`));
  });

  it("never begins within the sessions that a cold start fetches, however few days are kept", () => {
    const calendar = createCalendar();
    const least = 30;
    const kept = (bars: number) =>
      serviceConfigSchema.safeParse({ retention_days: { bars } }).success;
    expect([kept(least - 1), kept(least)]).toEqual([false, true]);
    const { "1m": sessions } = serviceConfigSchema.parse({
      cold_start_sessions: { "1m": 5 },
    }).cold_start_sessions;
    for (let nowMs = Date.UTC(2024, 0, 1); nowMs < Date.UTC(2027, 0, 1); nowMs += DAY_MS / 2) {
      expect(coldStartMs(calendar, nowMs, sessions)).toBeGreaterThan(keptFromMs(nowMs, least));
    }
  });
});
