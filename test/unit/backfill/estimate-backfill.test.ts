import { describe, expect, it } from "vitest";
import { type AskedRange, askedRangeFault } from "../../../src/backfill/asked-range.ts";
import { estimateBackfill } from "../../../src/backfill/estimate-backfill.ts";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { newYorkMs } from "../../../src/domain/new-york-time.ts";
import { DAY_MS, MINUTE_MS } from "../../../src/domain/time.ts";
import { parseTradingDate } from "../../../src/domain/trading-date.ts";

const rules = { calendar: createCalendar(), sessions: ["regular" as const] };
const tsOf = (date: string) => parseTradingDate(date) * DAY_MS;
/** Friday 2026-03-20, 11:00 in New York. */
const nowMs = newYorkMs("2026-03-20", 660);
const faultOf = (asked: AskedRange, atMs = nowMs) =>
  askedRangeFault(asked, rules, { nowMs: atMs, depthDays: 730, keptDays: 365 });
const minutes = (startMs: number, endMs: number): AskedRange => ({
  interval: "1m",
  startMs,
  endMs,
});
const dates = (start: string, end: string): AskedRange => ({
  interval: "1d",
  startMs: tsOf(start),
  endMs: tsOf(end),
});

describe("a range that is asked for", () => {
  it("is told by its field what is wrong with it", () => {
    const openMs = newYorkMs("2026-03-20", 570);
    for (const [asked, field, message] of [
      [minutes(openMs + 1, nowMs), "start", /whole minute/],
      [minutes(openMs, nowMs - 1), "end", /whole minute/],
      [{ ...dates("2026-03-18", "2026-03-19"), startMs: openMs }, "start", /00:00 UTC/],
      [minutes(nowMs, openMs), "end", /after start/],
      [minutes(openMs, openMs), "end", /after start/],
      [minutes(openMs, nowMs + MINUTE_MS), "end", /future/],
      [dates("2026-03-19", "2026-03-21"), "end", /future/],
      [dates("2024-03-19", "2026-03-19"), "start", /730 days/],
      [minutes(tsOf("2024-03-19"), openMs + MINUTE_MS), "start", /730 days/],
      [minutes(tsOf("2025-03-19"), openMs + MINUTE_MS), "start", /kept 365 days/],
      [dates("2026-03-14", "2026-03-16"), "start", /no session/],
      [minutes(newYorkMs("2026-03-19", 965), openMs), "start", /no session/],
    ] as const) {
      expect(faultOf(asked)).toMatchObject({ field });
      expect(faultOf(asked)?.message).toMatch(message);
    }
  });

  it("may reach up to what has ended, and back to the depth, or to what is kept of minutes", () => {
    expect(faultOf(minutes(tsOf("2025-03-20"), nowMs))).toBeNull();
    expect(faultOf(dates("2024-03-20", "2026-03-20"))).toBeNull();
    expect(faultOf(dates("2026-03-20", "2026-03-21"), newYorkMs("2026-03-20", 960))).toBeNull();
    expect(faultOf(dates("2026-03-20", "2026-03-21"), newYorkMs("2026-03-21", 60))).toBeNull();
  });
});

const polygon = { symbolsPerCall: 1, barsPerCall: null, callsPerMinute: 100 };
const alpaca = { symbolsPerCall: 200, barsPerCall: 10_000, callsPerMinute: 200 };

describe("what filling a range costs", () => {
  const session = minutes(newYorkMs("2026-03-18", 570), newYorkMs("2026-03-18", 960));
  it("is a call a symbol and session, at the pace of the tier's share", () => {
    const asks = [
      { tier: "T2" as const, groupSizes: [4, 6], depth: 30 },
      { tier: "T0" as const, groupSizes: [10], depth: 0 },
    ];
    expect(estimateBackfill(session, asks, polygon, rules)).toEqual({
      rows: 20 * 390,
      calls: 20,
      credits: 20,
      etaS: 60,
      tiers: [
        { tier: "T0", symbols: 10, rows: 3_900, calls: 10, credits: 10, etaS: 8 },
        // 10 calls and 30 ahead, at 40 of the 100 calls a minute.
        { tier: "T2", symbols: 10, rows: 3_900, calls: 10, credits: 10, etaS: 60 },
      ],
    });
    const all = [
      { tier: "T0" as const, groupSizes: [80], depth: 0 },
      { tier: "T1" as const, groupSizes: [60], depth: 0 },
    ];
    expect(estimateBackfill(session, all, polygon, rules).etaS).toBe(84);
  });

  it("is the pages of a provider's answers, group by group", () => {
    const asks = [{ tier: "T0" as const, groupSizes: [60, 3], depth: 0 }];
    // A job of the session takes 51 symbols: 19,890 bars are two pages; the other nine, and three, one.
    expect(estimateBackfill(session, asks, alpaca, rules).calls).toBe(4);
    const hour = { ...session, endMs: session.startMs + 60 * MINUTE_MS };
    expect(estimateBackfill(hour, asks, alpaca, rules)).toMatchObject({ rows: 3_780, calls: 2 });
    const week = minutes(tsOf("2025-11-24"), tsOf("2025-11-29"));
    const one = [{ tier: "T0" as const, groupSizes: [1], depth: 0 }];
    // Thanksgiving week: three sessions and an early close, each with its closing window.
    expect(estimateBackfill(week, one, alpaca, rules)).toMatchObject({
      rows: 3 * 395 + 215,
      calls: 4,
    });
  });

  it("of daily bars is a call a date of the whole market, or of some symbols 25 dates", () => {
    const march = dates("2026-03-02", "2026-03-14");
    const asks = [{ tier: "T2" as const, groupSizes: [150, 100], depth: 9 }];
    const market = { ...polygon, symbolsPerCall: "all" as const };
    expect(estimateBackfill(march, asks, market, rules)).toMatchObject({
      rows: 2_500,
      calls: 10,
      etaS: 17,
    });
    expect(estimateBackfill(march, asks, alpaca, rules)).toMatchObject({ rows: 2_500, calls: 2 });
  });

  it("is not known when nobody serves it", () => {
    const asks = [{ tier: "T1" as const, groupSizes: [2], depth: 5 }];
    expect(estimateBackfill(session, asks, null, rules)).toMatchObject({
      rows: 780,
      calls: null,
      credits: null,
      etaS: null,
    });
  });
});
