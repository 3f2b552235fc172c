import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Bar } from "../../../src/domain/bar.ts";
import { MINUTE_MS } from "../../../src/domain/time.ts";
import { validateBars } from "../../../src/providers/validate.ts";

const startMs = Date.UTC(2026, 2, 20, 13, 30);
const asked = { symbols: new Set(["AAPL", "SPY"]), startMs, endMs: startMs + 10 * MINUTE_MS };

function bar(change: Partial<Bar> = {}): Bar {
  return {
    symbol: "AAPL",
    ts: startMs,
    open: 10,
    high: 11,
    low: 9,
    close: 10.5,
    volume: 100,
    vwap: 10.2,
    tradeCount: 3,
    ...change,
  };
}

describe("validateBars", () => {
  it("takes the first and the last minute of the window", () => {
    const rows = [bar(), bar({ ts: startMs + 9 * MINUTE_MS })];
    expect(validateBars(rows, asked)).toEqual({ bars: rows, refused: [] });
  });

  it("takes a bar of volume 0 with a price range, fractional volume, and a vwap outside the range", () => {
    const rows = [
      bar({ volume: 0, vwap: null, tradeCount: null }),
      bar({ symbol: "SPY", volume: 0.5, vwap: 221.8698 }),
      bar({ ts: startMs + MINUTE_MS, open: 10, high: 10, low: 10, close: 10 }),
    ];
    expect(validateBars(rows, asked).bars).toEqual(rows);
  });

  it.each([
    ["foreign_symbol", { symbol: "MSFT" }],
    ["not_finite", { close: Number.NaN }],
    ["not_finite", { high: Number.POSITIVE_INFINITY }],
    ["not_finite", { vwap: Number.NaN }],
    ["not_finite", { ts: Number.NaN }],
    ["misaligned", { ts: startMs + 1_000 }],
    ["misaligned", { ts: startMs + 0.5 }],
    ["out_of_window", { ts: startMs - MINUTE_MS }],
    ["out_of_window", { ts: startMs + 10 * MINUTE_MS }],
    ["price_not_positive", { open: 0, low: 0 }],
    ["price_not_positive", { low: -1 }],
    ["high_below_low", { high: 8 }],
    ["high_below_low", { open: 11.01 }],
    ["high_below_low", { close: 8.99 }],
    ["volume_negative", { volume: -1 }],
  ] as const)("refuses %s and lets the other rows stand: %o", (reason, change) => {
    const bad = bar(change);
    const good = bar({ symbol: "SPY" });
    expect(validateBars([bad, good], asked)).toEqual({
      bars: [good],
      refused: [{ reason, bar: bad }],
    });
  });

  it("keeps the last of several rows for one symbol and minute and refuses the earlier ones", () => {
    const rows = [
      bar({ close: 10.1 }),
      bar({ close: 10.2 }),
      bar({ symbol: "SPY" }),
      bar({ close: 10.3 }),
    ];
    const { bars, refused } = validateBars(rows, asked);
    expect(bars).toEqual([rows[2], rows[3]]);
    expect(refused.map(({ reason, bar: row }) => [reason, row.close])).toEqual([
      ["duplicate", 10.1],
      ["duplicate", 10.2],
    ]);
  });

  it("does not let a bad last row displace a good earlier one", () => {
    const rows = [bar(), bar({ high: 1 })];
    const { bars, refused } = validateBars(rows, asked);
    expect(bars).toEqual([rows[0]]);
    expect(refused.map(({ reason }) => reason)).toEqual(["high_below_low"]);
  });

  it("accounts for every row exactly once and keeps at most one a symbol and minute", () => {
    const price = fc.constantFrom(-1, 0, 9, 10, 11, Number.NaN);
    const row = fc.record({
      symbol: fc.constantFrom("AAPL", "SPY", "MSFT"),
      ts: fc.integer({ min: -2, max: 12 }).map((minute) => startMs + minute * MINUTE_MS),
      open: price,
      high: price,
      low: price,
      close: price,
      volume: fc.constantFrom(-1, 0, 5),
      vwap: fc.constantFrom(null, 10),
      tradeCount: fc.constantFrom(null, 0),
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 40 }), (rows) => {
        const { bars, refused } = validateBars(rows, asked);
        expect(new Set([...bars, ...refused.map(({ bar: r }) => r)])).toEqual(new Set(rows));
        expect(bars.length + refused.length).toBe(rows.length);
        expect(new Set(bars.map((b) => `${b.symbol} ${b.ts}`)).size).toBe(bars.length);
        for (const b of bars) {
          expect(asked.symbols.has(b.symbol)).toBe(true);
          expect(b.low).toBeGreaterThan(0);
          expect(b.low).toBeLessThanOrEqual(Math.min(b.open, b.close));
          expect(b.high).toBeGreaterThanOrEqual(Math.max(b.open, b.close));
        }
      }),
      { numRuns: 200 },
    );
  });
});
