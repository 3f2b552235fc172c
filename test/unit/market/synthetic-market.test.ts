import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSyntheticMarket } from "../../../dev/market/synthetic-market.ts";
import type { Market, MarketBar } from "../../../dev/market/market.ts";
import { isCanonicalSymbol } from "../../../src/domain/symbol.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/time.ts";

const OPEN_MS = Date.parse("2026-03-20T13:30:00Z");
const CLOSE_MS = Date.parse("2026-03-20T20:00:00Z");
const MINUTES = 390;

function minuteMs(minute: number): number {
  return OPEN_MS + minute * MINUTE_MS;
}

/** Bars of one symbol over the session, undefined where nothing traded. */
function sessionOf(market: Market, symbol: string): readonly (MarketBar | undefined)[] {
  return Array.from({ length: MINUTES }, (_, minute) => market.bar(symbol, minuteMs(minute)));
}

function isWhole(value: number | undefined): boolean {
  return value !== undefined && Number.isInteger(value) && value > 0;
}

function isValid(bar: MarketBar): boolean {
  const inOrder = bar.l <= Math.min(bar.o, bar.c) && Math.max(bar.o, bar.c) <= bar.h;
  const inCents = [bar.o, bar.h, bar.l, bar.c].every(
    (price) => price === Math.round(price * 100) / 100,
  );
  const vwap = bar.vw ?? Number.NaN;
  return (
    bar.l > 0 &&
    inOrder &&
    inCents &&
    isWhole(bar.v) &&
    isWhole(bar.n) &&
    vwap >= bar.l &&
    vwap <= bar.h
  );
}

describe("the synthetic market", () => {
  const market = createSyntheticMarket({ seed: 7 });

  it("lists 8,000 unique canonical symbols with the well-known ones first", () => {
    const symbols = market.symbols.map(({ symbol }) => symbol);
    expect(new Set(symbols).size).toBe(8_000);
    expect(symbols.filter((symbol) => !isCanonicalSymbol(symbol))).toEqual([]);
    const known = ["SPY", "AAPL", "MSFT", "NVDA", "QQQ", "TSLA", "AMZN"];
    expect(symbols.slice(0, known.length)).toEqual(known);
    expect(symbols).toEqual(expect.arrayContaining(["NA", "ON", "E", "CON", "BRK.B"]));
  });

  it("lists a prefix of the same universe when it is smaller or has another seed", () => {
    const small = createSyntheticMarket({ seed: 99, symbols: 50 });
    expect(small.symbols).toEqual(market.symbols.slice(0, 50));
  });

  it("gives valid bars: 100,000 of them, in cents, with vwap inside the range", () => {
    let checked = 0;
    const invalid: unknown[] = [];
    for (let minute = 0; checked < 100_000; minute += 17) {
      for (const { symbol } of market.symbols) {
        const bar = market.bar(symbol, minuteMs(minute % (MINUTES + 1)));
        if (bar === undefined) continue;
        checked += 1;
        if (!isValid(bar)) invalid.push({ symbol, minute, bar });
      }
    }
    expect(invalid).toEqual([]);
  });

  it("answers any minute alike in any order, in two markets of one seed", () => {
    const place = fc.tuple(fc.integer({ min: 0, max: 7_999 }), fc.integer({ min: -30, max: 420 }));
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: 20 }), (places) => {
        const other = createSyntheticMarket({ seed: 7, symbols: 8_000 });
        const ask =
          (from: Market) =>
          ([rank, minute]: [number, number]) =>
            from.bar(from.symbols[rank]?.symbol ?? "", minuteMs(minute));
        expect(places.toReversed().map(ask(other)).toReversed()).toEqual(places.map(ask(market)));
      }),
      { numRuns: 10 },
    );
  });

  it("gives another tape for another seed", () => {
    const other = createSyntheticMarket({ seed: 8, symbols: 10 });
    expect(other.bar("SPY", OPEN_MS)).not.toEqual(market.bar("SPY", OPEN_MS));
  });

  it("begins a minute at the price the last one ended with", () => {
    const bars = sessionOf(market, "SPY");
    expect(bars.every((bar) => bar !== undefined)).toBe(true);
    expect(bars.slice(1).map((bar) => bar?.o)).toEqual(bars.slice(0, -1).map((bar) => bar?.c));
    expect(new Set(bars.map((bar) => bar?.c)).size).toBeGreaterThan(20);
  });

  it("bursts at the open, lulls at midday and rises into the close", () => {
    const volumes = Array.from({ length: MINUTES }, () => 0);
    for (const { symbol } of market.symbols.slice(0, 200)) {
      sessionOf(market, symbol).forEach((bar, minute) => {
        volumes[minute] = (volumes[minute] ?? 0) + (bar?.v ?? 0);
      });
    }
    const mean = (from: number, to: number): number =>
      volumes.slice(from, to).reduce((sum, volume) => sum + volume, 0) / (to - from);
    expect(mean(0, 10)).toBeGreaterThan(4 * mean(180, 210));
    expect(mean(380, 390)).toBeGreaterThan(2 * mean(180, 210));
  });

  it("trades liquid names every minute and the last ones in few", () => {
    const share = (symbol: string): number =>
      sessionOf(market, symbol).filter((bar) => bar !== undefined).length / MINUTES;
    expect(share("AAPL")).toBe(1);
    const last = market.symbols.slice(-50).map(({ symbol }) => share(symbol));
    expect(Math.max(...last)).toBeLessThan(0.2);
    expect(last.some((rate) => rate > 0)).toBe(true);
  });

  it("halts some liquid symbol-sessions for one contiguous stretch of 5 to 60 minutes", () => {
    const silences = market.symbols.slice(0, 2_000).flatMap(({ symbol }) => {
      const text = sessionOf(market, symbol)
        .map((bar) => (bar === undefined ? "-" : "b"))
        .join("");
      return text.match(/-{5,}/g) ?? [];
    });
    expect(silences.length).toBeGreaterThan(0);
    expect(silences.length).toBeLessThan(20);
    expect(Math.max(...silences.map((silence) => silence.length))).toBeLessThanOrEqual(60);
  });

  it("prints the closing auction of liquid names only, at the last price", () => {
    const auction = market.bar("AAPL", CLOSE_MS);
    expect(auction?.o).toBe(market.bar("AAPL", CLOSE_MS - MINUTE_MS)?.c);
    expect(auction?.h).toBe(auction?.l);
    expect(market.bar(market.symbols.at(-1)?.symbol ?? "", CLOSE_MS)).toBeUndefined();
  });

  it("is silent outside regular hours, on closed dates, between minutes and for unknown symbols", () => {
    const silent = [
      OPEN_MS - MINUTE_MS,
      CLOSE_MS + MINUTE_MS,
      OPEN_MS + 1_500,
      Date.parse("2026-03-21T14:00:00Z"),
      Date.parse("2026-04-03T14:00:00Z"),
      Date.parse("1980-04-03T15:00:00Z"),
    ];
    expect(silent.map((ts) => market.bar("AAPL", ts))).toEqual(silent.map(() => undefined));
    expect(market.bar("ZZZZZZ", OPEN_MS)).toBeUndefined();
  });

  it("closes early on the day after Thanksgiving and follows daylight time", () => {
    const earlyClose = Date.parse("2026-11-27T18:00:00Z");
    expect(market.bar("SPY", earlyClose)?.h).toBe(market.bar("SPY", earlyClose)?.l);
    expect(market.bar("SPY", earlyClose + MINUTE_MS)).toBeUndefined();
    expect(market.bar("SPY", Date.parse("2026-01-15T14:30:00Z"))).toBeDefined();
    expect(market.bar("SPY", Date.parse("2026-01-15T14:30:00Z") - HOUR_MS)).toBeUndefined();
  });

  it("refuses a universe it can't list", () => {
    expect(() => createSyntheticMarket({ seed: 1, symbols: 0 })).toThrow(RangeError);
  });
});
