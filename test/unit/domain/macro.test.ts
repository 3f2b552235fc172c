import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { macroFactors, type MarketDay, realizedVolatility } from "../../../src/domain/macro.ts";
import { marketRegime } from "../../../src/domain/market-regime.ts";
import { onOldShares } from "../../../src/domain/split-adjusted.ts";

const DAY: MarketDay = {
  compared: 100,
  advancing: 60,
  declining: 30,
  volumeUp: 9_000,
  volumeDown: 3_000,
  judged: 80,
  above: 60,
};
/** Closes whose log returns are `up` and `-up` in turn. */
const swinging = (up: number, count: number) =>
  Array.from({ length: count }, (_, index) => (index % 2 === 0 ? 100 : 100 * Math.exp(up)));
const factors = (
  change: Partial<MarketDay> = {},
  closes: readonly number[] = swinging(0.01, 21),
  lineBefore = 0,
) => macroFactors({ day: { ...DAY, ...change }, benchmark: { symbol: "SPY", closes }, lineBefore });
const values = (...args: Parameters<typeof factors>) =>
  Object.fromEntries(factors(...args).map(({ factor, value }) => [factor, value]));

describe("the factors of a date", () => {
  it("are shares, nets and ratios of its counts", () => {
    const { realized_vol_20d: volatility, ...others } = values({}, swinging(0.01, 21), -50);
    expect(volatility).toBeCloseTo(0.01 * Math.sqrt((20 / 19) * 252), 12);
    expect(others).toEqual({
      breadth_50d: 0.75,
      advance_decline_net: 30,
      advance_decline_ratio: 2,
      advance_decline_line: -20,
      up_down_volume_ratio: 3,
      regime: 1,
    });
  });

  it("say what they are made of, and from how many", () => {
    const told = factors();
    expect(told.find(({ factor }) => factor === "advance_decline_ratio")).toMatchObject({
      sample: 100,
      detail: { advancing: 60, declining: 30, unchanged: 10 },
    });
    expect(told.find(({ factor }) => factor === "regime")).toMatchObject({
      sample: 80,
      detail: { label: "risk_on", breadth: 0.75 },
    });
  });

  it("leave out what the numbers do not give", () => {
    expect(Object.keys(values({ declining: 0, volumeDown: 0 }))).not.toContain(
      "advance_decline_ratio",
    );
    expect(Object.keys(values({ judged: 0, above: 0 }))).toEqual([
      "advance_decline_net",
      "advance_decline_ratio",
      "advance_decline_line",
      "up_down_volume_ratio",
      "realized_vol_20d",
    ]);
    expect(Object.keys(values({}, swinging(0.01, 20)))).not.toContain("regime");
    const nothing = { compared: 0, advancing: 0, declining: 0, volumeUp: 0, volumeDown: 0 };
    expect(factors({ ...nothing, judged: 0, above: 0 }, [])).toEqual([]);
  });

  it("are finite for any counts", () => {
    const count = fc.nat({ max: 8_000 });
    fc.assert(
      fc.property(
        count,
        count,
        count,
        fc.nat(),
        fc.nat(),
        (up, down, judged, volumeUp, volumeDown) => {
          const day = {
            advancing: up,
            declining: down,
            compared: up + down,
            judged,
            above: judged,
          };
          const told = factors({ ...day, volumeUp, volumeDown });
          return told.every(({ value, sample }) => Number.isFinite(value) && sample > 0);
        },
      ),
    );
  });
});

describe("realised volatility", () => {
  it("is nought for steady growth, and of the last 20 returns only", () => {
    const growing = Array.from({ length: 30 }, (_, index) => 100 * 1.01 ** index);
    expect(realizedVolatility(growing)).toBeCloseTo(0, 9);
    const wild = [1, 500, 3, ...swinging(0.02, 21)];
    expect(realizedVolatility(wild)).toBe(realizedVolatility(swinging(0.02, 21)));
  });

  it("does not depend on the unit of the prices", () => {
    const closes = fc.array(fc.double({ min: 1, max: 1_000, noNaN: true }), {
      minLength: 21,
      maxLength: 21,
    });
    fc.assert(
      fc.property(closes, fc.double({ min: 0.01, max: 100, noNaN: true }), (series, unit) => {
        const [one, other] = [series, series.map((close) => close * unit)].map(realizedVolatility);
        return Math.abs((one ?? 0) - (other ?? 1)) < 1e-9 * (1 + (one ?? 0));
      }),
    );
  });

  it("sees no return in a split", () => {
    const dates = ["2026-03-18", "2026-03-19", "2026-03-20", "2026-03-23"];
    const raw = [400, 400, 100, 10].map((close, index) => ({ date: dates[index] ?? "", close }));
    const splits = [
      { exDate: "2026-03-20", factor: 4 },
      { exDate: "2026-03-23", factor: 10 },
      { exDate: "2026-04-01", factor: 7 },
    ];
    expect(onOldShares(raw, splits)).toEqual([400, 400, 400, 400]);
  });
});

describe("the regime", () => {
  it.each([
    [0.9, 0.35, "stress"],
    [0.29, 0.25, "stress"],
    [0.3, 0.25, "risk_off"],
    [0.39, 0.1, "risk_off"],
    [0.4, 0.1, "neutral"],
    [0.6, 0.2, "neutral"],
    [0.6, 0.199, "risk_on"],
    [1, 0.349, "neutral"],
  ])("of breadth %d and volatility %d is %s", (breadth, volatility, label) => {
    expect(marketRegime(breadth, volatility)).toBe(label);
  });
});
