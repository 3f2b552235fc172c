import { describe, expect, it } from "vitest";
import { dialectOf } from "../../../dev/market/dialects.ts";
import type { Market, MarketBar } from "../../../dev/market/market.ts";
import { createPublication } from "../../../dev/market/publication.ts";
import { createSyntheticMarket } from "../../../dev/market/synthetic-market.ts";
import { versionsOf } from "../../../dev/market/truth.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/time.ts";

const OPEN_MS = Date.parse("2026-03-20T13:30:00Z");
const market = createSyntheticMarket({ seed: 7, symbols: 100 });
const publication = createPublication(market, { seed: 3, lateRate: 0.02, correctedRate: 0.01 });

/** Every bar of a session of 100 symbols with its versions. */
const session = market.symbols.slice(0, 60).flatMap(({ symbol }) =>
  Array.from({ length: 390 }, (_, minute) => {
    const ts = OPEN_MS + minute * MINUTE_MS;
    return { symbol, ts, endMs: ts + MINUTE_MS, versions: publication.publications(symbol, ts) };
  }).filter(({ versions }) => versions.length > 0),
);

function isOrdered({ o, h, l, c }: MarketBar): boolean {
  return l > 0 && l <= Math.min(o, c) && Math.max(o, c) <= h;
}

describe("publications of a session", () => {
  it("are one, a second after the minute, but for the late and the corrected ones", () => {
    const delays = session.map(({ endMs, versions }) => (versions[0]?.visibleAtMs ?? 0) - endMs);
    const late = delays.filter((delayMs) => delayMs !== SECOND_MS);
    expect(late.length / session.length).toBeGreaterThan(0.016);
    expect(late.length / session.length).toBeLessThan(0.024);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(31 * SECOND_MS);
    expect(Math.max(...late)).toBeLessThanOrEqual(90 * SECOND_MS);
  });

  it("are corrected once in a hundred, after the first value was seen and within 15 minutes", () => {
    const corrected = session.filter(({ versions }) => versions.length === 2);
    expect(corrected.length / session.length).toBeGreaterThan(0.007);
    expect(corrected.length / session.length).toBeLessThan(0.013);
    for (const { symbol, ts, endMs, versions } of corrected) {
      const [first, second] = versions;
      const seenByAllMs = (first?.visibleAtMs ?? Number.POSITIVE_INFINITY) + MINUTE_MS;
      expect(second?.visibleAtMs).toBeGreaterThan(seenByAllMs);
      expect((second?.visibleAtMs ?? 0) - endMs).toBeGreaterThanOrEqual(90 * SECOND_MS);
      expect((second?.visibleAtMs ?? 0) - endMs).toBeLessThanOrEqual(15 * MINUTE_MS);
      expect(second?.bar).toEqual(market.bar(symbol, ts));
      expect(first?.bar.c).not.toBe(second?.bar.c);
      expect(first?.bar.v).not.toBe(second?.bar.v);
      expect(first !== undefined && isOrdered(first.bar)).toBe(true);
    }
  });

  it("make visible exactly the newest version at each moment", () => {
    for (const { symbol, ts, endMs, versions } of session.filter((_, index) => index % 7 === 0)) {
      const moments = [
        endMs,
        ...versions.flatMap(({ visibleAtMs }) => [visibleAtMs - 1, visibleAtMs]),
      ];
      for (const nowMs of [...moments, endMs + 20 * MINUTE_MS]) {
        const newest = versions.findLast(({ visibleAtMs }) => visibleAtMs <= nowMs);
        expect(publication.visible(symbol, ts, nowMs)).toEqual(newest?.bar);
      }
    }
  });

  it("are both late and corrected when both rates are one", () => {
    const worst = createPublication(market, { seed: 3, lateRate: 1, correctedRate: 1 });
    for (let minute = 0; minute < 390; minute += 1) {
      const ts = OPEN_MS + minute * MINUTE_MS;
      const [first, second] = worst.publications("SPY", ts);
      expect(first?.visibleAtMs).toBeGreaterThanOrEqual(ts + 91 * SECOND_MS);
      expect(second?.visibleAtMs).toBeGreaterThan(first?.visibleAtMs ?? Number.POSITIVE_INFINITY);
    }
  });

  it("first serve a different but valid bar even where the truth is flat or without volume", () => {
    const flat: MarketBar = { o: 20.24, h: 20.24, l: 20.24, c: 20.24, v: 0 };
    const one: Market = { ...market, bar: () => flat };
    const wrong = createPublication(one, { seed: 1, lateRate: 0, correctedRate: 1 });
    const first = wrong.publications("SPY", OPEN_MS)[0]?.bar;
    expect(first).toEqual({ o: 20.24, h: 20.25, l: 20.24, c: 20.25, v: 1 });
  });

  it("refuse a rate that is no share", () => {
    expect(() => createPublication(market, { seed: 1, lateRate: 2, correctedRate: 0 })).toThrow(
      /lateRate/,
    );
  });
});

describe("dialects", () => {
  const bar: MarketBar = { o: 10, h: 11, l: 9, c: 10.5, v: 500, vw: 10.2, n: 7 };
  const bare: MarketBar = { o: 10, h: 11, l: 9, c: 10.5, v: 501 };

  it("let polygon tell the truth", () => {
    expect(dialectOf("polygon", "sip")("AAPL", OPEN_MS, bar)).toEqual(bar);
  });

  it("take 0.2 % of the volume and one trade on alpaca's sip, and invent nothing", () => {
    const sip = dialectOf("alpaca", "sip");
    expect(sip("AAPL", OPEN_MS, bar)).toEqual({ ...bar, v: 499, n: 6 });
    expect(sip("AAPL", OPEN_MS, { ...bar, n: 0 })?.n).toBe(0);
    expect(sip("AAPL", OPEN_MS, bare)).toEqual({ ...bare, v: 499 });
  });

  it("see a third of the minutes and 3 % of the volume on iex", () => {
    const iex = dialectOf("alpaca", "iex");
    const seen = Array.from({ length: 3_000 }, (_, minute) =>
      iex("AAPL", OPEN_MS + minute * MINUTE_MS, bar),
    );
    const bars = seen.filter((row) => row !== undefined);
    expect(bars.length).toBeGreaterThan(900);
    expect(bars.length).toBeLessThan(1_100);
    expect(bars[0]).toEqual({ ...bar, v: 15, n: 1 });
    expect(dialectOf("iex", "iex")).toBe(iex);
  });

  it("are spoken for the sandbox's pairs only", () => {
    expect(() => dialectOf("finnhub", "sip")).toThrow(RangeError);
  });

  it("map every publication when a run is reconciled", () => {
    const corrected = session.find(({ versions }) => versions.length === 2);
    const { symbol, ts, versions } = corrected ?? { symbol: "", ts: 0, versions: [] };
    const seen = versionsOf(publication, "alpaca", "sip", symbol, ts);
    expect(seen.map(({ visibleAtMs }) => visibleAtMs)).toEqual(
      versions.map(({ visibleAtMs }) => visibleAtMs),
    );
    expect(seen.map((row) => row.bar.v)).toEqual(
      versions.map((row) => Math.floor((row.bar.v * 998) / 1_000)),
    );
    expect(versionsOf(publication, "alpaca", "sip", symbol, OPEN_MS - MINUTE_MS)).toEqual([]);
  });
});
