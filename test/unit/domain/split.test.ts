import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { adjustForSplits, dateOfDailyBar, splitsInForce } from "../../../src/domain/split.ts";
import { newYorkMs } from "../../../src/domain/new-york-time.ts";

const bar = (ts: number, symbol = "AAPL") => ({
  symbol,
  ts,
  open: 400,
  high: 440,
  low: 360,
  close: 420,
  vwap: 404,
  volume: 1_000,
});
const at = (date: string, minutes: number) => newYorkMs(date, minutes);
const four = { symbol: "AAPL", exDate: "2020-08-31", factor: 4 };

describe("adjusting for splits", () => {
  it("divides prices and multiplies volume before the ex-date, and leaves the ex-date as it is", () => {
    const before = bar(at("2020-08-28", 959));
    const after = bar(at("2020-08-31", 240));
    expect(adjustForSplits([before, after], [four])).toEqual([
      { ...before, open: 100, high: 110, low: 90, close: 105, vwap: 101, volume: 4_000 },
      after,
    ]);
  });

  it("goes by the New York date of a minute, also after midnight UTC, and by the UTC date of a daily bar", () => {
    const late = at("2020-08-28", 1_199);
    expect(new Date(late).toISOString()).toBe("2020-08-28T23:59:00.000Z");
    const winter = { ...four, exDate: "2021-01-05" };
    const evening = at("2021-01-04", 1_170);
    expect(new Date(evening).toISOString()).toBe("2021-01-05T00:30:00.000Z");
    expect(adjustForSplits([bar(evening)], [winter])[0]?.open).toBe(100);
    const day = bar(Date.UTC(2021, 0, 5));
    expect(adjustForSplits([day], [winter], dateOfDailyBar)).toEqual([day]);
  });

  it("multiplies the factors of several splits, reverse ones too, and only those of the symbol", () => {
    const splits = [
      four,
      { symbol: "AAPL", exDate: "2022-01-03", factor: 0.1 },
      { symbol: "MSFT", exDate: "2022-01-03", factor: 7 },
    ];
    const [first, other] = adjustForSplits([bar(at("2020-01-02", 600)), bar(0, "SPY")], splits);
    expect(first?.open).toBe(400 / (4 * 0.1));
    expect(other).toEqual(bar(0, "SPY"));
  });

  it("keeps what a bar was worth, whatever the splits", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ factor: fc.double({ min: 0.01, max: 50, noNaN: true }) })),
        (factors) => {
          const splits = factors.map(({ factor }, n) => ({
            symbol: "AAPL",
            exDate: `20${String(10 + (n % 20))}-06-01`,
            factor,
          }));
          const [adjusted] = adjustForSplits([bar(at("2005-01-03", 600))], splits);
          if (adjusted === undefined) throw new Error("no bar");
          expect((adjusted.close * adjusted.volume) / 420_000).toBeCloseTo(1, 9);
        },
      ),
    );
  });

  it("keeps fields that it does not know, and a vwap that is not given", () => {
    const [adjusted] = adjustForSplits(
      [{ ...bar(at("2020-01-02", 600)), vwap: null, feed: "sip" }],
      [four],
    );
    expect(adjusted).toMatchObject({ vwap: null, feed: "sip", open: 100 });
  });
});

describe("a split in force", () => {
  it("has its ex-date by the New York date of the time", () => {
    expect(splitsInForce([four], at("2020-08-30", 1_439))).toEqual([]);
    expect(splitsInForce([four], at("2020-08-31", 0))).toEqual([four]);
  });
});
