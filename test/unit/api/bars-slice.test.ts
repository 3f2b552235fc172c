import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BarsPosition, type BarsRange, sliceOf } from "../../../src/api/bars-slice.ts";
import { INTERVAL_MS, READ_INTERVALS } from "../../../src/domain/interval.ts";
import { DAY_MS, HOUR_MS } from "../../../src/domain/time.ts";

const START_MS = Date.UTC(2025, 0, 1);
const symbolsOf = (count: number) =>
  Array.from({ length: count }, (_, n) => `S${String(n).padStart(5, "0")}`);

const ranges: fc.Arbitrary<BarsRange> = fc
  .record({
    count: fc.integer({ min: 1, max: 30 }),
    interval: fc.constantFrom(...READ_INTERVALS),
    days: fc.integer({ min: 1, max: 3_000 }),
    sort: fc.constantFrom("asc" as const, "desc" as const),
    isWhole: fc.boolean(),
  })
  .map(({ count, days, ...same }) => ({
    ...same,
    symbols: symbolsOf(count),
    startMs: START_MS,
    endMs: START_MS + days * DAY_MS,
    after: undefined,
  }));

/** Every slice of a read whose pages all come back empty. */
function slicesOf(range: BarsRange) {
  const slices = [];
  let after: BarsPosition | undefined;
  for (;;) {
    const slice = sliceOf({ ...range, after });
    slices.push(slice);
    if (slice.next === null) return slices;
    if (slices.length > 10_000) throw new Error("the read does not end");
    after = slice.next;
  }
}

describe("the slices of a read", () => {
  it("cover every symbol over the whole range once, in the order of the answer, and end", () => {
    fc.assert(
      fc.property(ranges, (range) => {
        const parts = slicesOf(range).flatMap(({ symbols, startMs, endMs }) =>
          symbols.map((symbol) => ({ symbol, startMs, endMs })),
        );
        const expected = range.symbols.flatMap((symbol) => {
          const own = parts.filter((part) => part.symbol === symbol);
          return range.sort === "asc" ? own : own.toReversed();
        });
        expect(parts.map(({ symbol }) => symbol)).toEqual(expected.map(({ symbol }) => symbol));
        for (const symbol of range.symbols) {
          const own = expected.filter((part) => part.symbol === symbol);
          expect(own[0]?.startMs).toBe(range.startMs);
          expect(own.at(-1)?.endMs).toBe(range.endMs);
          own.slice(1).forEach((part, n) => expect(part.startMs).toBe(own[n]?.endMs));
        }
      }),
      { numRuns: 50 },
    );
  });

  it("are bounded in days of symbols, and cut on the clock of the interval", () => {
    fc.assert(
      fc.property(ranges, (range) => {
        fc.pre(range.interval !== "1d");
        for (const { symbols, startMs, endMs } of slicesOf(range)) {
          const symbolDays = (symbols.length * (endMs - startMs)) / DAY_MS;
          expect(symbolDays).toBeLessThanOrEqual(
            range.interval === "1m" && !range.isWhole ? 40_000 : 400,
          );
          expect(startMs % INTERVAL_MS[range.interval]).toBe(0);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("go on behind a row inside a symbol, either way", () => {
    const range = { interval: "1h", isWhole: false, symbols: ["A", "B"] } as const;
    const [startMs, endMs] = [START_MS, START_MS + 1_000 * DAY_MS];
    const ts = START_MS + 10 * DAY_MS;
    const from = { ...range, startMs, endMs, after: { symbol: "A", ts } };
    expect(sliceOf({ ...from, sort: "asc" })).toMatchObject({
      symbols: ["A"],
      startMs: ts + HOUR_MS,
      next: { symbol: "A", ts: ts + HOUR_MS + 400 * DAY_MS - 1 },
    });
    expect(sliceOf({ ...from, sort: "desc" })).toMatchObject({ startMs, endMs: ts });
    expect(sliceOf({ ...from, sort: "desc", after: { symbol: "A", ts: startMs } })).toMatchObject({
      symbols: ["B"],
    });
  });

  it("hold a symbol-year of hours, a thousand symbols for a month of minutes, and any number of days", () => {
    const one = { startMs: START_MS, sort: "asc", after: undefined, isWhole: false } as const;
    const year = START_MS + 366 * DAY_MS;
    expect(sliceOf({ ...one, symbols: ["A"], interval: "1h", endMs: year }).next).toBeNull();
    const many = { ...one, symbols: symbolsOf(1_000) };
    const month = START_MS + 31 * DAY_MS;
    expect(sliceOf({ ...many, interval: "1m", endMs: month }).next).toBeNull();
    expect(sliceOf({ ...many, interval: "1d", endMs: START_MS * 2 }).next).toBeNull();
  });
});
