import { existsSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadCsvMarket } from "../../../dev/market/csv-market.ts";
import { createPublication } from "../../../dev/market/publication.ts";
import { createSyntheticMarket } from "../../../dev/market/synthetic-market.ts";
import { dailyVersionsOf } from "../../../dev/market/truth.ts";
import type { Market, MarketBar } from "../../../dev/market/market.ts";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { DAY_MS, MINUTE_MS } from "../../../src/domain/time.ts";

const DATE = "2026-03-20";
const OPEN_MS = Date.parse("2026-03-20T13:30:00Z");
const CLOSE_MS = Date.parse("2026-03-20T20:00:00Z");
const market = createSyntheticMarket({ seed: 7, symbols: 300 });

function isInOrder(bar: MarketBar): boolean {
  return bar.l > 0 && bar.l <= Math.min(bar.o, bar.c) && Math.max(bar.o, bar.c) <= bar.h;
}

function minutesOf(symbol: string, of: Market = market): readonly MarketBar[] {
  return Array.from({ length: 391 }, (_, minute) =>
    of.bar(symbol, OPEN_MS + minute * MINUTE_MS),
  ).filter((bar) => bar !== undefined);
}

describe("a synthetic daily bar", () => {
  it("is valid for every symbol that traded and is there for no other", () => {
    const whole = createSyntheticMarket({ seed: 7 });
    const silent = whole.symbols.slice(-600).filter(({ symbol }) => {
      const bar = whole.dailyBar(symbol, DATE);
      const hasTraded = minutesOf(symbol, whole).length > 0;
      expect([symbol, bar !== undefined]).toEqual([symbol, hasTraded]);
      if (bar !== undefined) expect([isInOrder(bar), bar.v > 0]).toEqual([true, true]);
      return !hasTraded;
    });
    expect(silent.length).toBeGreaterThan(0);
    for (const { symbol } of market.symbols) {
      const bar = market.dailyBar(symbol, DATE);
      expect([symbol, bar !== undefined && isInOrder(bar)]).toEqual([symbol, true]);
    }
  });

  it("is near its minutes and not their sum", () => {
    for (const { symbol } of market.symbols.slice(0, 50)) {
      const minutes = minutesOf(symbol);
      const sum = minutes.reduce((total, bar) => total + bar.v, 0);
      const bar = market.dailyBar(symbol, DATE);
      expect(bar?.v).not.toBe(sum);
      expect((bar?.v ?? 0) / sum).toBeGreaterThan(0.5);
      expect((bar?.v ?? 0) / sum).toBeLessThan(2);
      expect((bar?.h ?? 0) / Math.max(...minutes.map(({ h }) => h))).toBeCloseTo(1, 1);
    }
  });

  it("closes at the auction's price where there was one", () => {
    expect(market.dailyBar("SPY", DATE)?.c).toBe(market.bar("SPY", CLOSE_MS)?.c);
  });

  it("is there for 20 sessions back and for no closed date", () => {
    const calendar = createCalendar();
    const sessions = calendar.sessionsBetween(CLOSE_MS - 29 * DAY_MS, CLOSE_MS).slice(-20);
    expect(sessions.length).toBe(20);
    for (const { date } of sessions) expect(market.dailyBar("AAPL", date)).toBeDefined();
    expect(market.dailyBar("AAPL", "2026-03-21")).toBeUndefined();
    expect(market.dailyBar("ZZZZZ", DATE)).toBeUndefined();
  });
});

describe("the publication of daily bars", () => {
  const publication = createPublication(market, { seed: 3, lateRate: 0, correctedRate: 0.2 });

  it("begins a quarter of an hour after the close and ends with the truth", () => {
    const symbols = fc.constantFrom(...market.symbols.map(({ symbol }) => symbol));
    let corrected = 0;
    fc.assert(
      fc.property(symbols, (symbol) => {
        const versions = publication.dailyPublications(symbol, DATE);
        const truth = market.dailyBar(symbol, DATE);
        expect(versions.at(-1)?.bar).toEqual(truth);
        const firstMs = CLOSE_MS + 15 * MINUTE_MS;
        expect(publication.visibleDaily(symbol, DATE, firstMs - 1)).toBeUndefined();
        expect(publication.visibleDaily(symbol, DATE, firstMs)).toEqual(versions[0]?.bar);
        expect(publication.visibleDaily(symbol, DATE, CLOSE_MS + DAY_MS)).toEqual(truth);
        if (versions.length < 2) return;
        corrected += 1;
        expect(versions[0]?.bar.v).not.toBe(truth?.v);
      }),
      { seed: 1, numRuns: 100 },
    );
    expect(corrected).toBeGreaterThan(5);
  });

  it("differs between the feeds as the minutes do", () => {
    const bar = market.dailyBar("AAPL", DATE);
    const last = (provider: "alpaca" | "polygon", feed: "sip" | "iex") =>
      dailyVersionsOf(publication, provider, feed, "AAPL", DATE).at(-1)?.bar.v;
    const truth = bar?.v ?? 0;
    expect(last("polygon", "sip")).toBe(truth);
    expect(last("alpaca", "sip")).toBe(Math.floor((truth * 998) / 1_000));
    expect(last("alpaca", "iex")).toBe(Math.floor((truth * 3) / 100));
  });
});

const file = join(process.env["MDS_SHARED"] ?? "../shared", "data/bars/us43_1m_2026-03-20.csv");
const hasFile = existsSync(file);
if (!hasFile) {
  const reason = `skipped: no real bars at ${file} (set MDS_SHARED)`;
  if (process.env["REQUIRE_ALL"] === "1") throw new Error(reason);
  console.warn(reason);
}

describe.skipIf(!hasFile)("the daily bars of a replay", () => {
  it("are of the file on its date and made up for the 20 sessions before it", () => {
    const replay = loadCsvMarket(file);
    const sessions = createCalendar()
      .sessionsBetween(CLOSE_MS - 29 * DAY_MS, CLOSE_MS)
      .slice(-20);
    for (const { symbol } of replay.symbols) {
      for (const { date } of sessions) {
        const bar = replay.dailyBar(symbol, date);
        expect([symbol, date, bar !== undefined && isInOrder(bar)]).toEqual([symbol, date, true]);
      }
      const first = replay.bar(symbol, OPEN_MS);
      if (first !== undefined) expect(replay.dailyBar(symbol, DATE)?.o).toBeCloseTo(first.o, 2);
      expect(replay.dailyBar(symbol, "2026-03-23")).toBeUndefined();
    }
  });
});
