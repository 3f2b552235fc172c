import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OptionChain, OptionContract } from "../../../src/domain/option-chain.ts";
import { optionsMetrics } from "../../../src/domain/options-metrics.ts";

const EXPIRY = "2026-04-17";
const option = (change: Partial<OptionContract> = {}): OptionContract => ({
  kind: "call",
  expiry: EXPIRY,
  strike: 100,
  volume: 10,
  openInterest: 100,
  iv: 0.2,
  delta: 0.5,
  ...change,
});
const put = (change: Partial<OptionContract> = {}) =>
  option({ kind: "put", delta: -0.5, ...change });
const metrics = (contracts: readonly OptionContract[], price: number | null = 100) => {
  const chain: OptionChain = { underlying: "SPY", date: "2026-03-20", price, contracts };
  return optionsMetrics(chain);
};

describe("put/call ratios", () => {
  it("are sums over the whole chain, whatever the expiry", () => {
    const chain = [
      option({ volume: 30, openInterest: 10 }),
      option({ expiry: "2026-03-20", volume: 10, iv: null }),
      put({ volume: 60, openInterest: 55 }),
    ];
    const { putCallVolume, putCallOpenInterest, contracts } = metrics(chain);
    expect([putCallVolume, putCallOpenInterest, contracts]).toEqual([1.5, 0.5, 3]);
  });

  it("are unknown when no call traded, or nothing is said of puts; no put is nought", () => {
    expect(metrics([option({ volume: 0 }), put()]).putCallVolume).toBeNull();
    expect(metrics([option(), put({ volume: null })]).putCallVolume).toBeNull();
    expect(metrics([option()]).putCallVolume).toBeNull();
    expect(metrics([option(), put({ volume: 0 })]).putCallVolume).toBe(0);
  });
});

describe("the expiry", () => {
  const at = (...dates: string[]) =>
    metrics(dates.flatMap((expiry) => [option({ expiry }), put({ expiry })])).expiry;

  it("is the one nearest thirty days away, the earlier of two", () => {
    expect(at("2026-04-10", "2026-04-17", "2026-05-15")).toBe("2026-04-17");
    expect(at("2026-04-21", "2026-04-17")).toBe("2026-04-17");
  });

  it("is at least a week away", () => {
    expect(at("2026-03-26", "2027-01-15")).toBe("2027-01-15");
    expect(at("2026-03-26")).toBeNull();
    expect(at("2026-03-27")).toBe("2026-03-27");
  });

  it("has a volatility on both sides", () => {
    const one = [option(), put({ iv: null }), option({ expiry: "2026-06-19" })];
    expect(metrics(one).expiry).toBeNull();
    expect(metrics([...one, put({ expiry: "2026-06-19" })]).expiry).toBe("2026-06-19");
  });
});

describe("the volatility at the money", () => {
  it("is that of the strike nearest the price, of both sides where there are both", () => {
    const chain = [
      option({ iv: 0.2 }),
      put({ iv: 0.24 }),
      option({ strike: 105, iv: 0.18 }),
      put({ strike: 95, iv: 0.3 }),
    ];
    expect(metrics(chain, 101).atmIv).toBeCloseTo(0.22, 12);
    expect(metrics(chain, 104).atmIv).toBe(0.18);
    expect(metrics(chain, null).atmIv).toBeNull();
  });

  it("takes no volatility that is none", () => {
    const chain = [option({ strike: 101, iv: 9 }), option({ iv: 0.2 }), put({ iv: 0.2 })];
    expect(metrics(chain, 101).atmIv).toBe(0.2);
  });
});

describe("the skew", () => {
  const wings = [
    put({ strike: 95, iv: 0.26, delta: -0.27 }),
    put({ strike: 90, iv: 0.3, delta: -0.12 }),
    option({ strike: 105, iv: 0.18, delta: 0.22 }),
    option({ strike: 110, iv: 0.17, delta: 0.1 }),
  ];

  it("is the volatility of the quarter-delta put less that of the call", () => {
    const { skew, skewMethod } = metrics(wings);
    expect(skew).toBeCloseTo(0.08, 12);
    expect(skewMethod).toBe("delta_25");
  });

  it("is of strikes five per cent away where there are no greeks, and says so", () => {
    const { skew, skewMethod } = metrics(wings.map((one) => ({ ...one, delta: null })));
    expect(skew).toBeCloseTo(0.08, 12);
    expect(skewMethod).toBe("moneyness_95_105");
  });

  it("is unknown where nothing is near enough", () => {
    const far = [put({ strike: 80, delta: -0.05 }), option({ strike: 120, delta: 0.05 })];
    expect(metrics(far)).toMatchObject({ skew: null, skewMethod: null });
    expect(
      metrics(
        wings.slice(0, 3).map((one) => ({ ...one, delta: null })),
        null,
      ).skew,
    ).toBeNull();
  });
});

describe("any chain", () => {
  it("has finite metrics, a skew only with its method, and volatilities within those of its contracts", () => {
    const number = fc.option(fc.double({ min: 0, max: 10, noNaN: true }));
    const contract = fc.record({
      kind: fc.constantFrom("call" as const, "put" as const),
      expiry: fc.constantFrom("2026-03-20", "2026-04-02", EXPIRY),
      strike: fc.integer({ min: 80, max: 120 }),
      volume: fc.option(fc.nat()),
      openInterest: fc.option(fc.nat()),
      iv: number,
      delta: fc.option(fc.double({ min: -1, max: 1, noNaN: true })),
    });
    fc.assert(
      fc.property(fc.array(contract, { maxLength: 40 }), (contracts) => {
        const told = metrics(contracts);
        const values = [told.putCallVolume, told.putCallOpenInterest, told.atmIv, told.skew];
        expect(values.every((value) => value === null || Number.isFinite(value))).toBe(true);
        expect(told.skew === null).toBe(told.skewMethod === null);
        expect(told.atmIv === null || (told.atmIv > 0 && told.atmIv < 5)).toBe(true);
      }),
    );
  });
});
