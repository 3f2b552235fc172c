import { describe, expect, it } from "vitest";
import { createSyntheticMarket } from "../../../dev/market/synthetic-market.ts";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { DAY_MS } from "../../../src/domain/time.ts";
import { parseTradingDate } from "../../../src/domain/trading-date.ts";

const market = createSyntheticMarket({ seed: 7, symbols: 2_000 });
const calendar = createCalendar();
/** Splits of 2026 of names that trade in every minute. */
const liquid = new Set(market.symbols.slice(0, 400).map(({ symbol }) => symbol));
const of2026 = market.splits.filter(
  ({ symbol, exDate }) => liquid.has(symbol) && exDate.startsWith("2026"),
);

describe("the splits of the synthetic market", () => {
  it("are on sessions, announced weeks ahead, in order, some called off before their date", () => {
    const dates = market.splits.map(({ exDate }) => exDate);
    expect(dates).toEqual(dates.toSorted());
    expect(dates.every((date) => calendar.session(date) !== undefined)).toBe(true);
    for (const { exDate, announcedAtMs, withdrawnAtMs } of market.splits) {
      const days = parseTradingDate(exDate) - announcedAtMs / DAY_MS;
      expect(days).toBeGreaterThanOrEqual(12);
      expect(days).toBeLessThan(30);
      if (withdrawnAtMs !== null)
        expect(withdrawnAtMs).toBeLessThan(parseTradingDate(exDate) * DAY_MS);
    }
    const withdrawn = market.splits.filter(({ withdrawnAtMs }) => withdrawnAtMs !== null).length;
    expect(withdrawn / market.splits.length).toBeGreaterThan(0.1);
    expect(withdrawn / market.splits.length).toBeLessThan(0.35);
  });

  it("make raw bars and quotes jump at the open of their date, and not when they are called off", () => {
    expect(of2026.length).toBeGreaterThan(5);
    for (const { symbol, exDate, from, to, withdrawnAtMs } of of2026) {
      const openMs = calendar.session(exDate)?.openMs ?? 0;
      const before = calendar.previousSession(openMs - 1);
      const factor = withdrawnAtMs === null ? to / from : 1;
      const [last, first] = [before.date, exDate].map((date) => market.dailyBar(symbol, date));
      const jump = (last?.c ?? 0) / (first?.o ?? 0);
      expect(Math.abs(Math.log(jump / factor))).toBeLessThan(0.1);
      expect((first?.v ?? 0) / (last?.v ?? 1) / factor).toBeGreaterThan(0.4);
      const minute = market.bar(symbol, openMs);
      expect(Math.abs(Math.log((minute?.o ?? 0) / (first?.o ?? 1)))).toBeLessThan(0.05);
      const quote = market.quote(symbol, openMs + 60_000);
      expect(Math.abs(Math.log((quote?.bid ?? 0) / (first?.o ?? 1)))).toBeLessThan(0.1);
    }
  });
});
