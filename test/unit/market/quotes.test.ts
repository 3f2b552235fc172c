import { existsSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadCsvMarket } from "../../../dev/market/csv-market.ts";
import { createSyntheticMarket } from "../../../dev/market/synthetic-market.ts";
import { venueQuote } from "../../../dev/sandbox/venue-quote.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/time.ts";

const OPEN_MS = Date.parse("2026-03-20T13:30:00Z");
const CLOSE_MS = Date.parse("2026-03-20T20:00:00Z");
const market = createSyntheticMarket({ seed: 7, symbols: 300 });
const symbols = fc.constantFrom(...market.symbols.map(({ symbol }) => symbol));

describe("a synthetic quote", () => {
  it("has bid under ask, whole lots, and is never from the future", () => {
    const instant = fc.integer({ min: OPEN_MS, max: CLOSE_MS - 1 });
    fc.assert(
      fc.property(symbols, instant, (symbol, at) => {
        const quote = market.quote(symbol, at);
        if (quote === undefined) throw new Error("no quote in regular hours");
        expect(quote.at).toBeLessThanOrEqual(at);
        expect(quote.at).toBeGreaterThan(at - 5 * MINUTE_MS);
        expect(quote.bid).toBeGreaterThan(0);
        expect(quote.ask).toBeGreaterThan(quote.bid);
        expect([quote.bidSize % 100, quote.askSize % 100]).toEqual([0, 0]);
        expect(market.quote(symbol, at)).toEqual(quote);
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  it("stands around the tape", () => {
    for (let minute = 0; minute < 390; minute += 13) {
      const bar = market.bar("AAPL", OPEN_MS + minute * MINUTE_MS);
      const quote = market.quote("AAPL", OPEN_MS + minute * MINUTE_MS + 30 * SECOND_MS);
      if (bar === undefined || quote === undefined) throw new Error("AAPL trades every minute");
      expect(Math.abs((quote.bid + quote.ask) / 2 / bar.o - 1)).toBeLessThan(0.01);
    }
  });

  it("is fresh to the second for a liquid name and minutes old for a thin one", () => {
    const at = OPEN_MS + HOUR_MS + 1_700;
    const thin = market.symbols.at(-1)?.symbol ?? "";
    expect(market.quote("SPY", at)?.at).toBe(OPEN_MS + HOUR_MS + SECOND_MS);
    expect(market.quote(thin, at)?.at).toBeLessThan(at - SECOND_MS);
  });

  it("lacks a side now and then after hours, and only then", () => {
    const at = CLOSE_MS + HOUR_MS;
    const evening = market.symbols.map(({ symbol }) => market.quote(symbol, at));
    const oneSided = evening.filter((quote) => quote?.bid === 0 || quote?.ask === 0);
    expect(oneSided.length).toBeGreaterThan(30);
    expect(oneSided.length).toBeLessThan(200);
    for (const quote of oneSided) {
      expect([quote?.bid === 0, quote?.ask === 0]).toEqual([
        quote?.bidSize === 0,
        quote?.askSize === 0,
      ]);
    }
  });

  it("is the last of Friday evening all the weekend", () => {
    const sunday = Date.parse("2026-03-22T12:00:00Z");
    const quote = market.quote("AAPL", sunday);
    expect(quote).toEqual(market.quote("AAPL", CLOSE_MS + 4 * HOUR_MS));
    expect(quote?.at).toBe(CLOSE_MS + 4 * HOUR_MS - SECOND_MS);
    expect(market.quote("ZZZZZ", sunday)).toBeUndefined();
  });

  it("is never better on one venue than on all", () => {
    fc.assert(
      fc.property(symbols, fc.integer({ min: OPEN_MS, max: CLOSE_MS - 1 }), (symbol, at) => {
        const all = market.quote(symbol, at);
        if (all === undefined) throw new Error("no quote in regular hours");
        const venue = venueQuote(symbol, all);
        expect(venue.bid).toBeLessThanOrEqual(all.bid);
        if (venue.ask !== 0) expect(venue.ask).toBeGreaterThanOrEqual(all.ask);
        expect([venue.bid === 0, venue.ask === 0]).toEqual([
          venue.bidSize === 0,
          venue.askSize === 0,
        ]);
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});

const file = join(process.env["MDS_SHARED"] ?? "../shared", "data/bars/us43_1m_2026-03-20.csv");
const hasFile = existsSync(file);
if (!hasFile) {
  const reason = `skipped: no real bars at ${file} (set MDS_SHARED)`;
  if (process.env["REQUIRE_ALL"] === "1") throw new Error(reason);
  console.warn(reason);
}

describe.skipIf(!hasFile)("the quotes of a replay", () => {
  it("stand around the last close that is known", () => {
    const replay = loadCsvMarket(file);
    for (const { symbol } of replay.symbols) {
      const before = replay.bar(symbol, OPEN_MS + 59 * MINUTE_MS);
      const quote = replay.quote(symbol, OPEN_MS + HOUR_MS + 1);
      if (quote === undefined) throw new Error("a liquid name is quoted");
      if (before === undefined) continue;
      expect(quote.bid).toBeLessThanOrEqual(before.c);
      expect(quote.ask).toBeGreaterThanOrEqual(before.c);
    }
    expect(replay.quote("AAPL", OPEN_MS - 40 * 24 * HOUR_MS)).toBeUndefined();
  });
});
